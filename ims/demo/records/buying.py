"""Files of supply: purchase orders as they stand, and what came of them."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import DAY, OPENS, stamp
from ims.demo.records.rupees import rupees
from ims.demo.story import Story

SPECIAL = 2  # kind of a purchase for one customer
REASONS, REASON_SHARES = ["damaged", "wrong_item", "quality", "other"], [0.5, 0.2, 0.2, 0.1]
BATCHED = ("contact_lenses", "solutions")


def list_purchases(story: Story) -> pl.DataFrame:
    """One row per line of an order, with order_ref, sku, store_code, vendor_code, accepted and cost (paise)."""
    rows, world = story.history.purchases, story.world
    item = world.pairs.sku[rows["pair"].to_numpy()]
    codes = pl.Series(story.history.vendors)
    rows = rows.with_columns(
        store=pl.Series(world.pairs.store[rows["pair"].to_numpy()]),
        sku=world.catalogue.frame["sku"].gather(item),
        item=pl.Series(item),
        vendor_code=codes.gather(rows["vendor"]),
    )
    mark = pl.when(pl.col("kind") == SPECIAL).then(pl.lit("SO")).otherwise(pl.lit("PO"))
    ordered = story.on("day").dt.strftime("%y%m%d")
    rows = rows.with_columns(
        store_code=story.code(),
        order_ref=pl.format("{}-{}-{}-{}", mark, story.code(), pl.col("vendor_code").str.slice(2), ordered),
    )
    first = ("store", "store_code", "vendor_code", "day", "item", "kind")
    rows = rows.group_by("order_ref", "sku").agg(
        pl.col(first).first(), pl.col("quantity", "received", "rejected").sum(),
        pl.col("arrival_day", "promised_day", "eta_day").max(),
    )  # fmt: skip
    rows = rows.sort("day", "order_ref", "sku")
    cost = story.prices.cost_on(rows["item"].to_numpy(), rows["day"].to_numpy())
    return rows.with_columns(cost=pl.Series(cost), accepted=pl.col("received") - pl.col("rejected"))


def tabulate_buying(story: Story, purchases: pl.DataFrame, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Orders placed before `end` that came to be or moved since `first`, their lines, and the period's receipts."""
    arrived = pl.col("arrival_day") < end
    moved = (pl.col("day") >= first) | pl.col("arrival_day").is_between(first, end, closed="left")
    # what was ordered for a customer is told once it has come: the statement of open orders, which closes what it does
    # not name, is of what will be on hand
    told = purchases.filter((pl.col("day") < end) & ((pl.col("kind") != SPECIAL) | arrived))
    heads = told.group_by("order_ref").agg(
        pl.col("store_code", "vendor_code", "day").first(),
        promised=pl.col("promised_day").max(),
        open=(~arrived).sum(),
        came=(arrived & (pl.col("received") > 0)).sum(),
        moved=moved.any(),
    )
    heads = heads.filter("moved").sort("day", "order_ref")
    status = (
        pl.when((pl.col("open") == 0) & (pl.col("came") > 0))
        .then(pl.lit("received"))
        .when(pl.col("open") == 0)
        .then(pl.lit("cancelled"))
        .when(pl.col("came") > 0)
        .then(pl.lit("partially_received"))
        .otherwise(pl.lit("sent"))
    )
    start = story.world.start
    sent = stamp(start, pl.col("day") * DAY + OPENS + 5400)
    return {
        "purchase_orders": heads.select(
            "order_ref",
            "vendor_code",
            status=status,
            delivery_store_code="store_code",
            sent_at=sent,
            expected_on=pl.when(pl.col("promised") >= 0).then(story.on("promised")),
            created_at=stamp(start, pl.col("day") * DAY + OPENS + 1800),
        ),
        "purchase_order_lines": _lines(story, told.filter(moved), end),
        **_receipts(story, purchases, first, end),
    }


def _lines(story: Story, lines: pl.DataFrame, end: int) -> pl.DataFrame:
    arrived = pl.col("arrival_day") < end
    came = arrived & (pl.col("received") > 0)
    state = pl.when(~arrived).then(pl.lit("open")).when(came).then(pl.lit("received")).otherwise(pl.lit("cancelled"))
    promised = pl.when(pl.col("promised_day") >= 0).then("promised_day").otherwise("eta_day")
    lines = lines.with_columns(expected=pl.when(arrived).then(promised).otherwise("eta_day"))
    return lines.select(
        "order_ref",
        "store_code",
        "sku",
        state=state,
        open_qty=pl.when(arrived).then(0).otherwise("quantity"),
        received_qty=pl.when(arrived).then("accepted").otherwise(0),
        expected_on=story.on("expected"),
        closed_on=pl.when(arrived).then(story.on("arrival_day")),
        ordered_qty="quantity",
        rejected_qty=pl.when(arrived).then("rejected").otherwise(0),
        cancelled_qty=pl.when(arrived).then(pl.col("quantity") - pl.col("received")).otherwise(0),
        unit_price=rupees("cost"),
    )


def _receipts(story: Story, purchases: pl.DataFrame, first: int, end: int) -> dict[str, pl.DataFrame]:
    """What came on first <= day < end: one receipt for an order and day, with batch and expiry where there are any."""
    world = story.world
    came = purchases.filter(
        pl.col("arrival_day").is_between(max(first, 0), end, closed="left") & (pl.col("received") > 0)
    )
    came = came.with_columns(receipt_number=number_receipt(story)).sort("arrival_day", "receipt_number", "sku")
    heads = came.unique("receipt_number", keep="first", maintain_order=True)
    store = heads["store"].to_numpy()
    item, day = came["item"].to_numpy(), came["arrival_day"].to_numpy()
    category = world.catalogue.frame["category_index"].to_numpy()[item]
    life = np.array([c.shelf_life_days if c.key in BATCHED else 0 for c in world.categories])[category]
    has_batch = pl.Series(life > 0)
    reason = story.luck.choose("rejected", item * 4096 + day, REASON_SHARES)
    at = stamp(world.start, pl.col("arrival_day") * DAY + OPENS)
    return {
        "goods_receipts": heads.select(
            "receipt_number",
            "order_ref",
            "store_code",
            received_on=story.on("arrival_day"),
            created_by=story.staff.manager(store),
            state=pl.lit("accepted"),
            delivery_note=pl.format("DN-{}", pl.col("receipt_number").str.slice(3)),
            accepted_at=at,
        ),
        "goods_receipt_lines": came.with_columns(expires=pl.Series(day + life)).select(
            "receipt_number",
            "order_ref",
            "store_code",
            "sku",
            received_qty="received",
            accepted_qty="accepted",
            rejected_qty="rejected",
            reason=pl.when(pl.col("rejected") > 0).then(pl.Series(np.array(REASONS)[reason])),
            batch_code=pl.when(has_batch).then(
                pl.format("B{}-{}", story.on("arrival_day").dt.strftime("%y%m"), pl.col("sku").str.slice(3))
            ),
            expires_on=pl.when(has_batch).then(story.on("expires")),
            unit_cost=rupees("cost"),
        ),
    }


def number_receipt(story: Story) -> pl.Expr:
    """An order's receipt of a day."""
    return pl.format("GR-{}-{}", "order_ref", story.on("arrival_day").dt.strftime("%y%m%d"))
