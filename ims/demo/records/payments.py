"""Files of money at the counter: payments of orders, and what is given back for cancelled ones and returns."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import DAY, NEVER, stamp
from ims.demo.records.rupees import rupees
from ims.demo.story import Story

METHODS = ["upi", "card", "cash", "emi"]
METHOD_SHARES = [0.39, 0.33, 0.23, 0.05]
CREDIT_SHARE, CREDIT_PAID = 0.03, 0.85
EMI_FROM = 300_000  # paise: nobody pays less by instalments
RUPEE = 100


def tabulate_payments(story: Story, returned: pl.DataFrame, first: int, end: int) -> pl.DataFrame:
    """Payments received on first <= day < end. `returned` has order, at (seconds), total (paise) of each return.

    An order that waits is paid by half in advance; one on credit has a row of method `credit`, and another when the
    money comes.
    """
    rows = pl.concat([*_plan(story), _refund(returned)], how="vertical_relaxed")
    rows = rows.filter((pl.col("amount") > 0) & (pl.col("at") < story.world.total_days * DAY))
    keys = story.orders.select("order", "store", "store_code", "order_ref", "salesperson")
    rows = rows.join(keys, on="order", maintain_order="left")
    key = rows["order"].to_numpy() * 8 + rows["number"].to_numpy() % 8
    chosen = story.luck.choose("method", key, METHOD_SHARES)
    drawn = pl.Series(np.array(METHODS)[chosen])
    drawn = pl.select(
        pl.when((drawn == "emi") & (rows["amount"] < EMI_FROM)).then(pl.lit("card")).otherwise(drawn)
    ).to_series()
    fixed = pl.when(pl.col("number") == 2).then(pl.lit("bank_transfer")).otherwise(drawn)
    rows = rows.with_columns(method=pl.when(pl.col("is_credit")).then(pl.lit("credit")).otherwise(fixed))
    rows = _number_slips(story, rows)
    return rows.filter(pl.col("at").is_between(first * DAY, end * DAY, closed="left")).select(
        "order_ref",
        "store_code",
        "method",
        "payment_ref",
        "reference",
        "kind",
        amount=rupees("amount"),
        received_at=stamp(story.world.start, pl.col("at")),
        received_by="salesperson",
    ).sort("received_at", "payment_ref")  # fmt: skip


def _plan(story: Story) -> list[pl.DataFrame]:
    """Rows of order, at, amount, number, kind, is_credit: 0 at once or in advance, 1 the balance, 2 of a credit."""
    orders = story.orders.filter(~pl.col("is_draft") & (~pl.col("is_cancelled") | pl.col("waits")))
    key = orders["order"].to_numpy()
    luck = story.luck
    named = pl.col("customer").is_not_null() & ~pl.col("is_cancelled")
    orders = orders.with_columns(on_credit=pl.Series(luck.uniform("credit", key) < CREDIT_SHARE) & named)
    half = pl.col("total") // (2 * RUPEE) * RUPEE
    later = orders["delivered_s"].to_numpy() + DAY * luck.whole("credit days", key, 15, 60)
    orders = orders.with_columns(
        advance=pl.when("waits").then(half).when("on_credit").then(0).otherwise("total"),
        later_s=pl.Series(np.where(luck.uniform("credit paid", key) < CREDIT_PAID, later, NEVER)),
    ).with_columns(balance=pl.col("total") - pl.col("advance"))
    credit = orders.filter("on_credit")

    def rows(frame: pl.DataFrame, at: str, amount: str, number: int, kind: str, is_credit: pl.Expr) -> pl.DataFrame:
        return frame.select(
            "order", at=at, amount=amount, number=pl.lit(number), kind=pl.lit(kind), is_credit=is_credit
        )

    no = pl.lit(value=False)
    return [
        rows(orders, "confirmed_s", "advance", 0, "payment", no),
        rows(orders.filter(~pl.col("is_cancelled")), "delivered_s", "balance", 1, "payment", pl.col("on_credit")),
        rows(credit, "later_s", "balance", 2, "payment", no),
        rows(orders.filter("is_cancelled"), "cancelled_s", "advance", 3, "refund", no),
    ]


def _refund(returned: pl.DataFrame) -> pl.DataFrame:
    return returned.select(
        "order", "at", amount="total", number=4 + pl.col("number"), kind=pl.lit("refund"), is_credit=pl.lit(value=False)
    )


def _number_slips(story: Story, rows: pl.DataFrame) -> pl.DataFrame:
    """payment_ref, and what the slip says: twelve digits for UPI, the terminal's mark for a card, nothing for cash."""
    rows = rows.with_columns(day=pl.col("at") // DAY).sort("store", "day", "at", "order", "number")
    slip = pl.int_range(1, pl.len() + 1).over("store", "day", "method")
    on = story.on("day").dt.strftime("%y%m%d")
    digits = pl.format("{}{}{}", on, pl.col("store").cast(pl.String).str.zfill(2), slip.cast(pl.String).str.zfill(4))
    return rows.with_columns(
        payment_ref=pl.format("{}-{}", "order_ref", pl.col("number") + 1),
        reference=pl.when(pl.col("method") == "upi")
        .then(digits)
        .when(pl.col("method") == "card")
        .then(pl.format("POS-{}", digits)),
    )
