"""Which line a unit that came back belongs to: one that was sold on that day from that shelf."""

from __future__ import annotations

import polars as pl

from ims.demo.history import History

CONDITIONS = ("good", "opened", "damaged")


def assign_returns(lines: pl.DataFrame, history: History) -> pl.DataFrame:
    """One row per line, day and condition: order, line_no, back_day, condition (index), quantity.

    With a frame come the lenses of its pair, which nobody else can wear: damaged.
    """
    units = lines.filter(pl.col("pair") >= 0).select("order", "line_no", "day", "pair", "pair_group", "eye", "quantity")
    units = (
        units.with_columns(unit=pl.int_ranges(0, "quantity")).explode("unit").sort("day", "pair", "order", "line_no")
    )
    units = units.with_columns(rank=pl.int_range(pl.len()).over("day", "pair"))
    back = pl.concat(
        history.returns.select("sold_day", "pair", back_day="day", n=c, condition=pl.lit(i))
        for i, c in enumerate(CONDITIONS)
    )
    back = back.filter(pl.col("n") > 0).with_columns(unit=pl.int_ranges(0, "n")).explode("unit")
    back = back.sort("sold_day", "pair", "back_day", "condition").with_columns(
        rank=pl.int_range(pl.len()).over("sold_day", "pair")
    )
    found = back.join(
        units, left_on=["sold_day", "pair", "rank"], right_on=["day", "pair", "rank"], maintain_order="left"
    )  # what was sold before the records begin is in no line
    own = found.group_by("order", "line_no", "back_day", "condition").agg(quantity=pl.len().cast(pl.Int64))
    worn = (
        found.filter((pl.col("pair_group") > 0) & (pl.col("eye") < 0))
        .select("order", "pair_group", "back_day")
        .unique()
    )
    lenses = lines.filter(pl.col("eye") >= 0).select("order", "pair_group", "line_no", "quantity")
    lenses = lenses.join(worn, on=["order", "pair_group"]).with_columns(condition=pl.lit(2, dtype=pl.Int32))
    both = pl.concat([own, lenses.select(own.columns)], how="vertical_relaxed")
    return both.sort("back_day", "order", "line_no", "condition")
