"""Files of money beside goods: what stores spend, and what they are to sell."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from ims.demo.clock import DAY, at_hour, stamp
from ims.demo.records.rupees import rupees
from ims.demo.story import Story

# code: name, entries a month in a mean store, rupees of one, share of it that is tax
CATEGORIES = {
    "RENT": ("Rent", 1.0, 90_000, 0.0),
    "UTILITIES": ("Electricity and water", 1.0, 14_000, 0.0),
    "TRAVEL": ("Travel", 2.0, 900, 0.0),
    "FOOD": ("Food and tea", 4.0, 700, 0.0476),
    "COURIER": ("Courier", 5.0, 350, 0.1525),
    "REPAIRS": ("Repairs", 0.7, 3_200, 0.1525),
    "OFFICE_SUPPLIES": ("Office supplies", 1.2, 1_100, 0.1525),
    "CLIENT_RELATED": ("Customers' goodwill", 0.8, 800, 0.0),
    "PETTY_CASH": ("Petty cash", 2.0, 400, 0.0),
    "OTHER": ("Other", 0.6, 1_500, 0.1525),
}
SLOTS = 8  # entries of one category in a month, at most
REFUSED = 0.02
DECIDED_DAYS, PAID_DAYS = 4, 12
AMBITION = 1.04  # targets over what the chain's seasons would bring


def tabulate_finance(story: Story, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Expenses of first <= day < end, older ones decided or paid in it, and targets of the months that begin in it."""
    files = {"expenses": _tabulate_expenses(story, first, end), "sales_targets": _tabulate_targets(story, first, end)}
    if first:
        return files
    categories = pl.DataFrame([{"code": code, "name": row[0]} for code, row in CATEGORIES.items()])
    return {"expense_categories": categories, **files}


def _months(story: Story) -> list[date]:
    """Firsts of the months that the story touches, and one more."""
    last = story.world.start + timedelta(days=story.world.total_days + 31)
    months = [story.world.start.replace(day=1)]
    while months[-1] < last:
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    return months


def _tabulate_expenses(story: Story, first: int, end: int) -> pl.DataFrame:
    luck, world = story.luck, story.world
    months = [(m - world.start).days for m in _months(story)]
    stores, codes = len(world.stores.codes), list(CATEGORIES)
    shape = (len(months), stores, len(codes), SLOTS)
    key = np.arange(np.prod(shape))
    month, store, category, slot = np.unravel_index(key, shape)
    rate, rupee, tax = (np.array([CATEGORIES[c][i] for c in codes], dtype=np.float64)[category] for i in (1, 2, 3))
    happens = luck.uniform("expense", key) < np.clip(rate - slot, 0, 1)
    month_day = np.where(rate == 1.0, 2, (luck.uniform("expense day", key) * 27).astype(np.int64))
    day = np.array(months)[month] + month_day
    amount = rupee * np.where(category < 2, world.stores.size[store], 1.0) * np.exp(0.25 * luck.normal("amount", key))
    paise = np.maximum(np.rint(amount), 10).astype(np.int64) * 100
    is_open = (world.stores.open_day[store] <= day) & (day < world.stores.close_day[store])
    frame = pl.DataFrame(
        {"key": key, "store": store, "category": category, "day": day, "amount": paise,
         "tax": np.rint(paise * tax).astype(np.int64), "refused": luck.uniform("refused", key) < REFUSED}
    )  # fmt: skip
    frame = frame.filter(pl.Series(happens & is_open & (day >= 0)))
    moved = pl.any_horizontal(
        (pl.col("day") + d).is_between(first, end, closed="left") for d in (0, DECIDED_DAYS, PAID_DAYS)
    )
    frame = frame.filter((pl.col("day") < end) & moved).sort("day", "key")
    decided, paid = pl.col("day") + DECIDED_DAYS < end, ~pl.col("refused") & (pl.col("day") + PAID_DAYS < end)
    done = pl.when("refused").then(pl.lit("refused")).otherwise(pl.lit("approved"))
    hour = at_hour(frame["day"].to_numpy(), luck.uniform("expense hour", frame["key"].to_numpy()))
    frame = frame.with_columns(at=pl.Series(hour))
    code = pl.col("category").replace_strict(dict(enumerate(codes)), return_dtype=pl.String)
    name = pl.col("category").replace_strict({i: CATEGORIES[c][0] for i, c in enumerate(codes)}, return_dtype=pl.String)
    return frame.select(
        store_code=story.code(),
        expense_category=code,
        spent_on=story.on("day"),
        amount=rupees("amount"),
        description=pl.format("{}, {}", name, story.on("day").dt.strftime("%B %Y")),
        submitted_by=story.staff.manager(frame["store"].to_numpy()),
        expense_ref=pl.format("EX-{}", pl.col("key").cast(pl.String).str.zfill(7)),
        tax_amount=rupees("tax"),
        state=pl.when(paid).then(pl.lit("paid")).when(decided).then(done).otherwise(pl.lit("submitted")),
        submitted_at=stamp(story.world.start, pl.col("at")),
        decided_by=pl.when(decided).then(pl.lit("hq.accounts")),
        decided_at=stamp(story.world.start, pl.when(decided).then(pl.col("at") + DECIDED_DAYS * DAY)),
        paid_at=stamp(story.world.start, pl.when(paid).then(pl.col("at") + PAID_DAYS * DAY)),
        paid_by=pl.when(paid).then(pl.lit("hq.accounts")),
    )


def _tabulate_targets(story: Story, first: int, end: int) -> pl.DataFrame:
    """A month's target: the chain's sales a day at index 1, by the store's size and the season, and a bit more."""
    world = story.world
    placed = story.orders.filter((pl.col("source") < 6) & (pl.col("day") < world.days))
    index = world.index[:, -world.total_days :].mean(axis=0)
    stores = world.stores
    opens, closes = np.maximum(stores.open_day, 0), np.minimum(stores.close_day, world.days)
    weight = sum(stores.size[s] * index[opens[s] : closes[s]].sum() for s in range(len(stores.codes)))
    usual = float(placed["net"].sum()) / weight
    people = len(placed) / weight / 0.42
    rows = []
    months = _months(story)
    for m, month in enumerate(months[:-1]):
        low, high = (month - world.start).days, (months[m + 1] - world.start).days
        if not (first + 31 if first else 1) <= low < end + 31:
            continue
        days = np.arange(low, high)
        season = index[np.where(days < world.days, days, days - 364).clip(0)]  # what lies ahead is as it was a year ago
        for s, code in enumerate(stores.codes):
            trades = (days >= stores.open_day[s]) & (days < stores.close_day[s])
            if trades.any():
                full = float((season * trades).sum()) * stores.size[s] * AMBITION
                rows.append((code, month, round(full * usual / 100 / 1000) * 1000, round(full * people / 10) * 10))
    schema = {"store_code": pl.String, "month_on": pl.Date, "target_amount": pl.Int64, "walk_in_count": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
