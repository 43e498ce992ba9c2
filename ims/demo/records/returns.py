"""Files of what came back: returns and their lines."""

from __future__ import annotations

import polars as pl

from ims.demo.clock import DAY, OPENS
from ims.demo.records.rupees import rupees
from ims.demo.returned import CONDITIONS
from ims.demo.story import Story

REASONS = {0: "Changed their mind", 1: "Does not fit well", 2: "Faulty or damaged"}
CREDIT_NOTES = 0.2


def price_returns(story: Story) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(returns, lines): a return is what of one order came back on one day; its amounts are the lines' share of it."""
    sold = story.lines.select(
        "order", "line_no", "line_ref", "order_ref", "store", "store_code", "net", "tax", sold="quantity"
    )
    lines = story.returns.join(sold, on=["order", "line_no"], maintain_order="left")
    share = pl.col("quantity")
    lines = lines.with_columns(net=pl.col("net") * share // pl.col("sold"), tax=pl.col("tax") * share // pl.col("sold"))
    heads = lines.group_by("order", "back_day", "order_ref", "store", "store_code").agg(
        pl.col("net", "tax").sum(), worst=pl.col("condition").max()
    )
    heads = heads.sort("order", "back_day").with_columns(number=pl.int_range(pl.len()).over("order"))
    heads = heads.with_columns(
        return_number=pl.format("R-{}-{}", "order_ref", pl.col("number") + 1),
        total=pl.col("net") + pl.col("tax"),
        at=(pl.col("back_day") * DAY + OPENS + 7200).cast(pl.Int64),
    )
    return heads, lines.join(
        heads.select("order", "back_day", "return_number"), on=["order", "back_day"], maintain_order="left"
    )


def tabulate_returns(
    story: Story, heads: pl.DataFrame, lines: pl.DataFrame, first: int, end: int
) -> dict[str, pl.DataFrame]:
    """Returns of first <= day < end."""
    inside = pl.col("back_day").is_between(first, end, closed="left")
    heads, lines = heads.filter(inside).sort("return_number"), lines.filter(inside)
    store, key = heads["store"].to_numpy(), heads["order"].to_numpy()
    is_note = pl.Series(story.luck.uniform("credit note", key) < CREDIT_NOTES)
    return {
        "sales_returns": heads.select(
            "return_number",
            "order_ref",
            "store_code",
            returned_on=story.on("back_day"),
            kind=pl.when(is_note).then(pl.lit("credit_note")).otherwise(pl.lit("return")),
            reason=pl.col("worst").replace_strict(REASONS, return_dtype=pl.String),
            credit_note_number=pl.format("CN-{}", pl.col("return_number").str.slice(2)),
            taxable_amount=rupees("net"),
            tax_amount=rupees("tax"),
            total_amount=rupees("total"),
            created_by=story.staff.seller(story.luck, store, key + 1),
            approved_by=story.staff.manager(store),
        ),
        "sales_return_lines": lines.sort("return_number", "line_no", "condition").select(
            "return_number",
            "order_ref",
            "store_code",
            "line_ref",
            "quantity",
            condition=pl.col("condition").replace_strict(dict(enumerate(CONDITIONS)), return_dtype=pl.String),
            taxable_amount=rupees("net"),
            tax_amount=rupees("tax"),
        ),
    }
