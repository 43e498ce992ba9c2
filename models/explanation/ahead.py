"""Demand of the days ahead as a distribution, for lists: its median and 90 % quantile over a fixed number of days.

Reads weekly means and receipts; the spread is the one that the receipt was decided on, never a sum of quantiles.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.policy.decision import spread_quantile
from models.policy.paths import key_pair, sample_paths, seed_origin
from models.policy.timeline import segment_means, spread_weeks

PAIR = ["store_code", "sku"]
PATHS, CHUNK = 400, 4_000
SCHEMA = {"store_code": pl.String, "sku": pl.String, "forecast_28d_p50": pl.Float64, "forecast_28d_p90": pl.Float64}


def spread_ahead(weekly: pl.DataFrame, receipts: pl.DataFrame, as_of: date, days: int) -> pl.DataFrame:
    """PAIR, forecast_28d_p50 and _p90: units of the `days` from as_of on.

    `weekly`: store_code, sku, week_starting_on, mean_qty (the first week from as_of on). `receipts`: PAIR, receipt.
    Pairs whose receipt says nothing of the spread have no row.
    """
    start = as_of.weekday()
    weeks = -(-(start + days) // 7)
    monday = as_of - timedelta(days=start)
    near = weekly.filter(pl.col("week_starting_on") < monday + timedelta(weeks=weeks)).sort(*PAIR, "week_starting_on")
    means = near.group_by(PAIR, maintain_order=True).agg("mean_qty").filter(pl.col("mean_qty").list.len() == weeks)
    known = receipts.unique(PAIR, maintain_order=True).join(means, on=PAIR)
    rows = [(row, said) for row in known.iter_rows(named=True) if (said := _read(row["receipt"])) is not None]
    parts = [pl.DataFrame(schema=SCHEMA)]
    for first in range(0, len(rows), CHUNK):
        parts.append(_spread(rows[first : first + CHUNK], as_of, days))
    return pl.concat(parts)


def _spread(rows: list[tuple[dict[str, Any], dict[str, Any]]], as_of: date, days: int) -> pl.DataFrame:
    start = as_of.weekday()
    mean = np.array([row["mean_qty"] for row, _ in rows], dtype=np.float64)
    mean[:, 0] *= 7 / (7 - start)  # of the first week only what is left of it is told
    shared = np.array([said["shared"] for _, said in rows])
    inner = np.array([_weekly_factor(said) for _, said in rows])
    bounds = np.tile(np.array([[float(start), float(start + days)]]), (len(rows), 1))
    total, spread = segment_means(mean, inner, bounds)
    keys = np.array([key_pair(row["store_code"], row["sku"]) for row, _ in rows], dtype=np.uint64)
    units = np.sort(sample_paths(total, shared, spread, 0, keys, seed_origin(as_of), PATHS)[:, 0], axis=1)
    level = rows[0][1]["p90_level"]
    return pl.DataFrame(
        {
            "store_code": [row["store_code"] for row, _ in rows],
            "sku": [row["sku"] for row, _ in rows],
            "forecast_28d_p50": np.round(spread_quantile(units, 0.5), 1),
            "forecast_28d_p90": np.round(spread_quantile(units, level), 1),
        },
        schema=SCHEMA,
    )


def _read(receipt: str | None) -> dict[str, Any] | None:
    said: dict[str, Any] = json.loads(receipt) if receipt else {}
    return said if {"shared", "segment_inner", "weekly_mean", "p90_level"} <= said.keys() else None


def _weekly_factor(said: dict[str, Any]) -> float:
    """The variance of a week's own factor, back from that of the receipt's first segment with demand (timeline.py)."""
    begins = [date.fromisoformat(day) for day in said["segment_begins_on"]]
    monday = begins[0] - timedelta(days=begins[0].weekday())
    days = [float((day - monday).days) for day in begins]
    end = date.fromisoformat(said["as_of"]) + timedelta(days=said["lead_time_days"] + said["review_period_days"])
    bounds = np.array([[*days, float((end - monday).days)]])
    weekly = np.array(said["weekly_mean"])
    if not len(weekly):
        return 0.0
    parts = spread_weeks(bounds, len(weekly))[0] * weekly
    for inner, part in zip(said["segment_inner"], parts, strict=False):
        if part.sum() > 0:
            return float(inner * part.sum() ** 2 / (part * part).sum())
    return float(said["segment_inner"][0])
