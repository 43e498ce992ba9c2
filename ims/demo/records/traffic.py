"""Files of who came in: walk-in counts, and people who left without buying and why."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import at_hour, stamp
from ims.demo.days import Ints
from ims.demo.lines import QUICK
from ims.demo.records.rupees import rupees
from ims.demo.story import Story

CONVERSION = (0.34, 0.48)  # of walk-ins become customers, by store
COUNTED, ROUNDED = 0.90, 0.08
LOST, NOTED = 3, 0.30  # outcome of unmet demand; of these, walkouts that somebody wrote down
ELSE_A_DAY = [0.20, 0.30, 0.28, 0.15, 0.07]  # 0-4 other walkouts noted in a store's day
REASONS = ["budget", "collection", "colour", "brand", "enquiry_only", "staff_behaviour", "style", "fit", "other"]
REASON_SHARES = [0.24, 0.13, 0.09, 0.08, 0.22, 0.02, 0.11, 0.07, 0.04]
RECOVERED = 0.06  # of quick orders of newcomers had left without buying before
OPEN_DAYS = 14
BANDS = [(0, 1000), (1000, 2500), (2500, 5000), (5000, 10000), (10000, 20000)]


def tabulate_traffic(story: Story, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Counts and walkouts of first <= day < end, and older walkouts that ended in an order or were given up in it."""
    return {"walk_in_counts": _count_walk_ins(story, first, end), "walkouts": _tabulate_walkouts(story, first, end)}


def _store_days(story: Story) -> tuple[Ints, Ints, Ints]:
    """Store, day and key of every day that a store was open."""
    stores = story.world.stores
    day, store = (
        a.ravel() for a in np.divmod(np.arange(story.world.total_days * len(stores.codes)), len(stores.codes))
    )
    is_open = (stores.open_day[store] <= day) & (day < stores.close_day[store])
    return store[is_open], day[is_open], (day * 64 + store)[is_open]


def _count_walk_ins(story: Story, first: int, end: int) -> pl.DataFrame:
    """Everybody who ordered that day and, by the store's conversion, those who did not; some days nobody counted."""
    store, day, key = _store_days(story)
    luck, world = story.luck, story.world
    placed = story.orders.filter(pl.col("source") < 6)
    served = placed.group_by("store", "day").agg(n=pl.len().cast(pl.Int64))
    days = pl.DataFrame({"store": store, "day": day}).join(
        served, on=["store", "day"], how="left", maintain_order="left"
    )
    buyers = days["n"].fill_null(0).to_numpy().astype(np.int64)
    usual = len(placed.filter(pl.col("day") < world.days)) / max(1, int((day < world.days).sum()))
    kept = CONVERSION[0] + (CONVERSION[1] - CONVERSION[0]) * luck.uniform(
        "conversion", np.arange(len(world.stores.codes))
    )
    index = world.index[:, -world.total_days :].mean(axis=0)[day]
    mean = usual * world.stores.size[store] * index * (1 / kept[store] - 1)
    others = np.rint(np.maximum(mean + np.sqrt(mean) * 1.3 * luck.normal("passers-by", key), 0)).astype(np.int64)
    seen = buyers + others
    rounded = np.ceil(seen / 10).astype(np.int64) * 10
    shown = np.where(luck.uniform("rounded count", key) < ROUNDED, rounded, seen)
    counted = pl.Series((luck.uniform("counted", key) < COUNTED) & (day >= first) & (day < end))
    frame = pl.DataFrame({"store": store, "day": day, "walk_in_count": shown, "key": key}).filter(counted)
    return frame.select(
        "walk_in_count",
        store_code=story.code(),
        counted_on=story.on("day"),
        counted_by=story.staff.seller(luck, frame["store"].to_numpy(), frame["key"].to_numpy()),
    ).sort("store_code", "counted_on")


def _tabulate_walkouts(story: Story, first: int, end: int) -> pl.DataFrame:
    walkouts = pl.concat([_not_available(story), _other_reasons(story), _recovered(story)], how="diagonal_relaxed")
    walkouts = walkouts.sort("store", "day", "at", "key").with_columns(
        number=pl.int_range(1, pl.len() + 1).over("store", "day"), closed=pl.col("day") + OPEN_DAYS
    )
    is_told = pl.col("day") < end
    moved = (pl.col("day") >= first) | pl.col("closed").is_between(first, end, closed="left")
    moved |= pl.col("order_day").is_between(first, end, closed="left")
    rows = walkouts.filter(is_told & moved)
    came_back = pl.col("order_day").is_not_null() & (pl.col("order_day") < end)
    result = (
        pl.when(came_back)
        .then(pl.lit("converted"))
        .when(pl.col("closed") < end)
        .then(pl.lit("lost"))
        .otherwise(pl.lit("open"))
    )
    category = pl.col("category").replace_strict(
        {i: c.name for i, c in enumerate(story.world.categories)}, default=None, return_dtype=pl.String
    )
    digits = pl.col("number").cast(pl.String).str.zfill(2)
    return rows.select(
        "reason",
        "sku",
        store_code=story.code(),
        walked_out_on=story.on("day"),
        walked_out_at=stamp(story.world.start, pl.col("at")),
        walkout_ref=pl.format("W-{}-{}-{}", story.code(), story.on("day").dt.strftime("%y%m%d"), digits),
        category=category,
        customer_code=pl.when(came_back).then("customer_code"),
        price_from=rupees("price_from"),
        price_to=rupees("price_to"),
        result=result,
        order_ref=pl.when(came_back).then("order_ref"),
        recorded_by=story.staff.seller(story.luck, rows["store"].to_numpy(), rows["key"].to_numpy()),
    ).sort("walkout_ref")


def _not_available(story: Story) -> pl.DataFrame:
    """What was wanted and not there, where somebody wrote it down."""
    world = story.world
    lost = (
        story.history.unmet.filter(pl.col("outcome") == LOST)
        .with_columns(unit=pl.int_ranges(0, "quantity"))
        .explode("unit")
    )
    lost = lost.with_columns(unit=pl.int_range(pl.len()).over("day", "pair"))
    key = (lost["day"].to_numpy() * len(world.pairs.sku) + lost["pair"].to_numpy()) * 64 + lost["unit"].to_numpy()
    noted = story.luck.uniform("noted", key) < NOTED
    item = world.pairs.sku[lost["pair"].to_numpy()]
    price = story.prices.mrp_on(item, lost["day"].to_numpy())
    return lost.select(
        "day",
        store=pl.Series(world.pairs.store[lost["pair"].to_numpy()]),
        key=pl.Series(key),
        at=pl.Series(at_hour(lost["day"].to_numpy(), story.luck.uniform("walkout hour", key), 10.5, 20.9)),
        reason=pl.lit("not_available"),
        sku=story.world.catalogue.frame["sku"].gather(item),
        category=pl.Series(world.pairs.category[lost["pair"].to_numpy()]),
        price_from=pl.Series(price * 8 // 10 // 10_000 * 10_000),
        price_to=pl.Series((price * 12 // 10 // 10_000 + 1) * 10_000),
    ).filter(pl.Series(noted))


def _other_reasons(story: Story) -> pl.DataFrame:
    store, day, key = _store_days(story)
    luck = story.luck
    count = luck.choose("walkouts", key, ELSE_A_DAY)
    row = np.repeat(np.arange(len(key)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    own = key[row] * 8 + number
    band = np.array(BANDS)[luck.choose("price band", own, [0.15, 0.35, 0.28, 0.15, 0.07])]
    return pl.DataFrame(
        {
            "day": day[row],
            "store": store[row],
            "key": own,
            "at": at_hour(day[row], luck.uniform("walkout hour", own), 10.5, 20.9),
            "reason": np.array(REASONS)[luck.choose("walkout reason", own, REASON_SHARES)],
            "category": luck.choose("walkout category", own, [0.6, 0.2, 0.1, 0.1]),
            "price_from": band[:, 0] * 100,
            "price_to": band[:, 1] * 100,
        }
    )


def _recovered(story: Story) -> pl.DataFrame:
    """People who left, and came back within a week and bought."""
    # within one week: what a folder tells does not hang on what the next one brings
    orders = story.orders.filter((pl.col("source") == QUICK) & (pl.col("customer") % 4 == 2))
    key = orders["order"].to_numpy()
    before = story.luck.whole("days before", key, 1, 6)
    day = orders["day"].to_numpy() - before
    opened = np.maximum(story.world.stores.open_day[orders["store"].to_numpy()], 0)
    same_week = day // 7 == orders["day"].to_numpy() // 7
    chosen = (story.luck.uniform("recovered", key) < RECOVERED) & (day >= opened) & same_week
    return orders.select(
        "store",
        "order_ref",
        "customer_code",
        day=pl.Series(day),
        key=pl.col("order"),
        at=pl.Series(at_hour(day, story.luck.uniform("walkout hour", key), 10.5, 20.9)),
        reason=pl.Series(np.array(REASONS)[story.luck.choose("walkout reason", key, REASON_SHARES)]),
        order_day=pl.col("day"),
    ).filter(pl.Series(chosen))
