"""Writes the true demand, served or not, beside the chain folder: to score a planner with, never for one to read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from ims.demo.days import date_days
from ims.demo.demand import expect
from ims.demo.history import History
from ims.demo.statements import is_ranged
from ims.demo.world import World

QUARTER_DAYS = 91  # what is held in memory at once


def write_truth(
    folder: Path,
    week: int,
    history: History,
    world: World,
    labels: pl.DataFrame,
    first: int,
    end: int,
) -> None:
    """`demand-<week>.parquet`, one row per day and ranged or stocked pair, days first <= day < end.

    mean_qty is the expected demand before the week's and the day's luck; sales_qty is the least of demand_qty and
    available_qty, and what was sold in place of another SKU or for another store.
    """
    folder.mkdir(parents=True, exist_ok=True)
    quarters = [
        _tabulate(history, world, labels, begin, min(begin + QUARTER_DAYS, end))
        for begin in range(first, end, QUARTER_DAYS)
    ]
    pl.concat(quarters).write_parquet(folder / f"demand-{week}.parquet", compression="zstd")


def _tabulate(history: History, world: World, labels: pl.DataFrame, first: int, end: int) -> pl.DataFrame:
    pairs = world.pairs
    listed = is_ranged(pairs, first, end) | ((history.available[first:end] > 0) & pairs.is_shop)
    mean = expect(pairs, history.base, world.index, world.life, first, end)
    day, pair = np.nonzero(listed)
    return labels[pair].select(
        date_days(world.start, day + first).alias("demand_on"),
        "store_code",
        "sku",
        mean_qty=pl.Series(mean[day, pair]),
        demand_qty=pl.Series(history.demand[first:end][day, pair]),
        sales_qty=pl.Series(history.sales[first:end][day, pair]),
        available_qty=pl.Series(history.available[first:end][day, pair]),
    )
