"""Files of stock on the move inside the chain, and of counts of it."""

from __future__ import annotations

import polars as pl

from ims.demo.clock import CLOSES, DAY, OPENS, stamp
from ims.demo.story import Story

FROM_CLOSING = 2


def list_transfers(story: Story) -> pl.DataFrame:
    """Lines of transfers with transfer_ref, sku, and the numbers of both stores."""
    rows, pairs = story.history.transfers, story.world.pairs
    return rows.with_columns(
        from_store=pl.Series(pairs.store[rows["source"].to_numpy()]),
        to_store=pl.Series(pairs.store[rows["target"].to_numpy()]),
        sku=story.world.catalogue.frame["sku"].gather(pairs.sku[rows["source"].to_numpy()]),
        item=pl.Series(pairs.sku[rows["source"].to_numpy()]),
        transfer_ref=pl.format("TR-{}", pl.col("transfer").cast(pl.String).str.zfill(6)),
    )


def tabulate_transfers(story: Story, lines: pl.DataFrame, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Transfers shipped before `end` that left or arrived since `first`."""
    moved = (pl.col("day") >= first) | pl.col("arrival_day").is_between(first, end, closed="left")
    lines = lines.filter((pl.col("day") < end) & moved).sort("transfer_ref", "sku")
    heads = lines.unique("transfer_ref", keep="first", maintain_order=True)
    arrived = pl.col("arrival_day") < end
    source, target = heads["from_store"].to_numpy(), heads["to_store"].to_numpy()
    start = story.world.start
    closing = pl.col("kind") == FROM_CLOSING
    asked = pl.when(closing).then(pl.lit("hq.operations")).otherwise(story.staff.manager(target))
    shipped = pl.col("day") * DAY + OPENS + 900
    received = pl.col("arrival_day") * DAY + OPENS + 300
    return {
        "stock_transfers": heads.select(
            "transfer_ref",
            from_store_code=story.code("from_store"),
            to_store_code=story.code("to_store"),
            requested_by=asked,
            status=pl.when(arrived).then(pl.lit("received")).otherwise(pl.lit("shipped")),
            approved_by=pl.lit("hq.buyer"),
            approved_at=stamp(start, shipped - 3600),
            shipped_by=story.staff.manager(source),
            shipped_at=stamp(start, shipped),
            received_by=pl.when(arrived).then(story.staff.manager(target)),
            received_at=stamp(start, pl.when(arrived).then(received)),
            created_at=stamp(start, shipped - 7200),
        ),
        "stock_transfer_lines": lines.select(
            "transfer_ref",
            "sku",
            requested_qty="requested",
            approved_qty="shipped",
            shipped_qty="shipped",
            received_qty=pl.when(arrived).then("received").otherwise(0),
            damaged_qty=pl.when(arrived).then("damaged").otherwise(0),
            lost_qty=pl.when(arrived).then("lost").otherwise(0),
            short_reason=pl.when(pl.col("shipped") < pl.col("requested")).then(pl.lit("not enough on hand")),
        ),
    }


def list_counts(story: Story) -> pl.DataFrame:
    """Lines of counts with count_ref, sku, store and category."""
    rows, pairs = story.history.counts, story.world.pairs
    return rows.with_columns(
        store=pl.Series(pairs.store[rows["pair"].to_numpy()]),
        category=pl.Series(pairs.category[rows["pair"].to_numpy()]),
        item=pl.Series(pairs.sku[rows["pair"].to_numpy()]),
        sku=story.world.catalogue.frame["sku"].gather(pairs.sku[rows["pair"].to_numpy()]),
        count_ref=pl.format("CN-{}", pl.col("count").cast(pl.String).str.zfill(5)),
    )


def tabulate_counts(story: Story, lines: pl.DataFrame, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Counts of the evenings of first <= day < end, every line of them."""
    lines = lines.filter(pl.col("day").is_between(first, end, closed="left")).sort("count_ref", "sku")
    heads = lines.unique("count_ref", keep="first", maintain_order=True)
    start, names = story.world.start, {i: c.name for i, c in enumerate(story.world.categories)}
    done = pl.col("day") * DAY + CLOSES + 900
    seller = story.staff.seller(story.luck, lines["store"].to_numpy(), lines["count"].to_numpy())
    return {
        "stock_counts": heads.select(
            "count_ref",
            store_code=story.code(),
            category=pl.col("category").replace_strict(names, return_dtype=pl.String),
            opened_by=story.staff.manager(heads["store"].to_numpy()),
            status=pl.lit("posted"),
            closed_by=story.staff.manager(heads["store"].to_numpy()),
            closed_at=stamp(start, done),
            created_at=stamp(start, pl.col("day") * DAY + OPENS),
        ),
        "stock_count_lines": lines.select(
            "count_ref",
            "sku",
            counted_qty="counted",
            expected_qty="expected",
            counted_by=seller,
            counted_at=stamp(start, done - 600),
        ),
    }
