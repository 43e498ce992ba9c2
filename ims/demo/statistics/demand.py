"""Figures of demand: how it spreads over SKUs, weekdays and months, how it grows, how irregular it is."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import numpy as np

from ims.demo.days import Flags, Floats, Ints
from ims.demo.demand import expect
from ims.demo.history import History
from ims.demo.world import World

WEEKDAYS = list(calendar.day_abbr)
MONTHS = list(calendar.month_abbr)[1:]
STEADY_INTERVAL = 1.32  # Syntetos-Boylan-Croston: mean weeks between sales, and squared variation of their size
STEADY_SIZE = 0.49
CLASSED_WEEKS = 104


def measure_demand(world: World, history: History) -> dict[str, float]:
    """Indices are 1 on average over weekdays or months; shares of classes are of series, shares of SKUs of units."""
    daily = _spread_by_store_day(world, history)
    dates = [world.start + timedelta(days=i) for i in range(world.days)]
    return (
        _measure_concentration(world, history)
        | _measure_calendar(world, daily, dates)
        | _measure_trend(world, history, dates)
        | _measure_classes(world, history)
    )


def _spread_by_store_day(world: World, history: History) -> Floats:
    """Units wanted per open store (day x category)."""
    day = np.arange(world.days)[:, None]
    open_stores = ((world.stores.open_day <= day) & (day < world.stores.close_day)).sum(axis=1)
    wanted = [
        history.demand[: world.days, world.pairs.category == i].sum(axis=1, dtype=np.int64)
        for i in range(len(world.categories))
    ]
    spread: Floats = np.array(wanted).T / open_stores[:, None]
    return spread


def _measure_concentration(world: World, history: History) -> dict[str, float]:
    """Share of units that the best-selling fifth makes of the SKUs that were sold all through the last year."""
    first = max(world.days - 364, 0)
    sales = history.sales[first : world.days].sum(axis=0, dtype=np.int64)
    by_sku = np.bincount(world.pairs.sku, sales, minlength=len(world.catalogue.frame))
    category, launch, end = (world.catalogue.column(n) for n in ("category_index", "launch_day", "end_day"))
    steady = (launch <= first) & (end >= world.days)
    figures = {}
    for index, kind in enumerate(world.categories):
        units = np.sort(by_sku[(category == index) & steady])[::-1]
        figures[f"top fifth / {kind.key}"] = float(units[: -(-len(units) // 5)].sum() / units.sum())
    return figures


def _measure_calendar(world: World, daily: Floats, dates: list[date]) -> dict[str, float]:
    """Weekday and month indices over whole years, the trend taken out."""
    years = world.days // 365
    recent = slice(world.days - max(years, 1) * 365, None)
    trend = 1.09 ** (np.arange(world.days) / 365.25)
    level = (daily / trend[:, None])[recent]
    weekday = np.array([d.weekday() for d in dates])[recent]
    month = np.array([d.month - 1 for d in dates])[recent]
    total = level.sum(axis=1)
    figures = _index("weekday", WEEKDAYS, weekday, total)
    for index, category in enumerate(world.categories):
        if category.key in ("frames", "sunglasses", "contact_lenses"):
            figures |= _index(f"month of {category.key}", MONTHS, month, level[:, index])
    return figures


def _index(name: str, labels: list[str], group: Ints, level: Floats) -> dict[str, float]:
    means = np.bincount(group, level) / np.bincount(group)
    means = means / means.mean()
    return {f"{name} / {label}": float(value) for label, value in zip(labels, means, strict=True)}


def _measure_trend(world: World, history: History, dates: list[date]) -> dict[str, float]:
    """Growth of the stores that were open throughout; frames before and after the tax cut of September 2025."""
    figures = {}
    stores = world.stores
    if world.days >= 730:
        throughout = np.append((stores.open_day < 0) & (stores.close_day > world.days), False)
        units = history.demand[world.days - 728 : world.days, throughout[world.pairs.store]].sum(axis=1, dtype=np.int64)
        figures["growth a year / all"] = float(units[364:].sum() / units[:364].sum() - 1)
    cut = next((i for i, d in enumerate(dates) if d == date(2025, 9, 22)), None)
    if cut is not None and cut >= 70 and cut + 28 <= world.days:
        pairs = pairs_of(world, "frames") & (world.pairs.end_day > cut + 28)
        first = cut - 70
        expected = expect(world.pairs, history.base, world.index, world.life, first, cut + 28)[:, pairs].sum(axis=1)
        ratio = history.demand[first : cut + 28, pairs].sum(axis=1, dtype=np.int64), expected
        wanted, usual = (np.add.reduceat(x, [0, 56, 70]) for x in ratio)
        before, after = wanted[1:] / usual[1:] / (wanted[0] / usual[0]) * (0.90, 1.08)
        figures |= {"tax cut / before": float(before), "tax cut / after": float(after)}
    return figures


def _measure_classes(world: World, history: History) -> dict[str, float]:
    """Shares of series that are smooth, intermittent, or sold in fewer than three weeks: by store, and of the chain."""
    weeks = min(CLASSED_WEEKS, world.profile.weeks)
    first = world.days - weeks * 7
    recent = history.demand[first : world.days].reshape(weeks, 7, -1).sum(axis=1, dtype=np.int32)
    pairs = world.pairs
    figures: dict[str, float] = {}
    for index, category in enumerate(world.categories):
        own = (pairs.category == index) & pairs.is_shop
        own &= (pairs.start_day <= first) & (np.minimum(pairs.end_day, pairs.close_day) >= world.days)
        if not own.any():
            continue
        figures |= _share_classes(f"by store and week / {category.key}", recent[:, own])
        skus, place = np.unique(pairs.sku[own], return_inverse=True)
        chain = np.zeros((weeks, len(skus)), dtype=np.int64)
        np.add.at(chain.T, place, recent[:, own].T)
        figures |= _share_classes(f"by week / {category.key}", chain)
    return figures


def pairs_of(world: World, key: str) -> Flags:
    """The stores' pairs of one category."""
    index = next(i for i, c in enumerate(world.categories) if c.key == key)
    chosen: Flags = (world.pairs.category == index) & world.pairs.is_shop
    return chosen


def _share_classes(name: str, units: np.ndarray) -> dict[str, float]:
    """units: (week x series)."""
    sold = units > 0
    count = sold.sum(axis=0)
    enough: Flags = count >= 3
    interval = len(units) / np.maximum(count, 1)
    mean = units.sum(axis=0) / np.maximum(count, 1)
    square = (units.astype(np.float64) ** 2).sum(axis=0) / np.maximum(count, 1)
    variation = square / np.maximum(mean, 1e-9) ** 2 - 1
    small = variation < STEADY_SIZE
    return {
        f"{name}: smooth": float((enough & (interval < STEADY_INTERVAL) & small).mean()),
        f"{name}: intermittent": float((enough & (interval >= STEADY_INTERVAL) & small).mean()),
        f"{name}: too few": float((~enough).mean()),
    }
