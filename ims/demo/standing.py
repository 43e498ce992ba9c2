"""How orders and jobs stand at the opening of a day, and which of them moved in a period."""

from __future__ import annotations

import polars as pl

from ims.demo.clock import DAY

ORDER_TIMES = ("confirmed_s", "started_s", "ready_s", "delivered_s", "cancelled_s", "back_s")


def stand(orders: pl.DataFrame, first: int, end: int) -> pl.DataFrame:
    """Orders placed before `end` that came to be or went on since `first`, with `status` at the opening of `end`."""
    until = end * DAY
    moved = pl.any_horizontal(pl.col(t).is_between(first * DAY, until, closed="left") for t in ORDER_TIMES)
    placed = pl.col("day") < end
    status = (
        pl.when("is_draft")
        .then(pl.lit("draft"))
        .when(pl.col("cancelled_s") < until)
        .then(pl.lit("cancelled"))
        .when(pl.col("back_s") < until)
        .then(pl.lit("returned"))
        .when(pl.col("delivered_s") < until)
        .then(pl.lit("delivered"))
        .when(pl.col("ready_s") < until)
        .then(pl.lit("ready"))
        .when((pl.col("started_s") < until) & pl.col("waits"))
        .then(pl.lit("processing"))
        .otherwise(pl.lit("confirmed"))
    )
    return orders.filter(placed & (moved | (pl.col("day") >= first))).with_columns(status=status)


def find_returned(lines: pl.DataFrame, returns: pl.DataFrame) -> pl.DataFrame:
    """order and back_s: when the last unit of an order came back, of orders of which nothing was kept."""
    sold = lines.group_by("order").agg(sold=pl.col("quantity").sum())
    back = returns.group_by("order").agg(back=pl.col("quantity").sum(), back_day=pl.col("back_day").max())
    whole = back.join(sold, on="order").filter(pl.col("back") >= pl.col("sold"))
    return whole.select("order", back_s=(pl.col("back_day") * DAY + DAY // 2).cast(pl.Int64))
