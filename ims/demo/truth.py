"""Writes the true demand, served or not, beside the chain folder: to score a planner with, never for one to read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from ims.demo.assortment import Pairs
from ims.demo.days import date_days
from ims.demo.simulation import History
from ims.demo.statements import is_ranged


def write_truth(
    folder: Path,
    week: int,
    history: History,
    pairs: Pairs,
    labels: pl.DataFrame,
    start: date,
    first: int,
    end: int,
) -> None:
    """`demand-<week>.parquet`, one row per day and ranged or stocked pair, days first <= day < end.

    mean_qty is the expected demand before the week's and the day's luck; sales_qty = min(demand_qty, available_qty).
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = is_ranged(pairs, first, end) | (history.available[first:end] > 0)
    day, pair = np.nonzero(listed)
    labels[pair].select(
        date_days(start, day + first).alias("demand_on"),
        "store_code",
        "sku",
        mean_qty=pl.Series(history.mean[first:end][day, pair]),
        demand_qty=pl.Series(history.demand[first:end][day, pair]),
        sales_qty=pl.Series(history.sales[first:end][day, pair]),
        available_qty=pl.Series(history.available[first:end][day, pair]),
    ).write_parquet(folder / f"demand-{week}.parquet", compression="zstd")
