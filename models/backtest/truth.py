"""Demand that is known because a chain is invented: policies judged on it, and estimates of lost sales beside it.

Reads frames, gives replays and frames. No forecast and no policy ever reads it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from models.backtest.history import PAIR
from models.backtest.replay import Replay
from models.backtest.shelf import count_weeks

LOST_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "category": pl.String,
    "true_lost_qty": pl.Float64,
    "estimated_lost_qty": pl.Float64,
    "ratio": pl.Float64,
}


def judge_on(replay: Replay, truth: pl.DataFrame) -> Replay:
    """The replay on the demand of `truth` (store_code, sku, demand_on, demand_qty), every week charged."""
    history = replay.history
    units = count_weeks(history, truth, "demand_on", "demand_qty", history.panel.n_weeks, 0)
    judged = replace(history, units=np.maximum(units, 0), charged=np.ones_like(history.charged))
    return replace(replay, history=judged)


def compare_lost(estimated: pl.DataFrame, truth: pl.DataFrame, products: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Lost units estimated and true by category, and of all (category 'all'): ratio = estimated over true.

    estimated: store_code, sku, month_on, lost_qty. truth: store_code, sku, demand_on, demand_qty, available_qty; lost
    is what was asked for beyond what was available, of the same pairs and months.
    """
    months = estimated.select(*PAIR, "month_on").unique()
    lost = truth.filter(pl.col("demand_on") < as_of).select(
        *PAIR,
        pl.col("demand_on").dt.month_start().alias("month_on"),
        (pl.col("demand_qty") - pl.col("available_qty")).clip(lower_bound=0).cast(pl.Float64).alias("true_lost_qty"),
    )
    lost = lost.group_by(*PAIR, "month_on").agg(pl.col("true_lost_qty").sum()).join(months, on=[*PAIR, "month_on"])
    said = estimated.select(*PAIR, "month_on", pl.col("lost_qty").cast(pl.Float64).alias("estimated_lost_qty"))
    both = said.join(lost, on=[*PAIR, "month_on"], how="left").join(products.select("sku", "category"), on="sku")
    sums = pl.col("true_lost_qty", "estimated_lost_qty").fill_null(0.0).sum()
    by_category = both.group_by("category").agg(sums).sort("category")
    whole = both.select(pl.lit("all").alias("category"), sums)
    rows = pl.concat([by_category, whole.select(by_category.columns)])
    ratio = pl.when(pl.col("true_lost_qty") > 0).then(pl.col("estimated_lost_qty") / pl.col("true_lost_qty"))
    return rows.select(pl.lit(as_of).alias("as_of"), *by_category.columns, ratio.alias("ratio")).cast(LOST_SCHEMA)  # type: ignore[arg-type]  # polars types the mapping invariantly
