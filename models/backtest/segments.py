"""Figures of outcomes as rows: for the whole chain, and by category, volume class and vendor.

Reads outcomes; the money in them was counted in simulator.py.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.backtest.history import History
from models.backtest.rules import recent_mean
from models.backtest.simulator import Outcome
from models.backtest.windows import Window
from models.policy.decision import Flags

ALL = "all"
FAST, MEDIUM = 2.0, 0.5  # units a week
BACKTEST_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "window_starts_on": pl.Date,
    "starts_from": pl.String,
    "policy": pl.String,
    "segment_by": pl.String,
    "segment": pl.String,
    "setting": pl.String,
    "is_scored": pl.Boolean,
    "pairs": pl.Int64,
    "cost": pl.Float64,
    "holding_cost": pl.Float64,
    "shortage_cost": pl.Float64,
    "demand_qty": pl.Float64,
    "short_qty": pl.Float64,
    "fill_rate": pl.Float64,
    "empty_share": pl.Float64,
    "stock_qty": pl.Float64,
    "stock_value": pl.Float64,
    "ordered_qty": pl.Float64,
    "order_lines": pl.Int64,
    "ratio": pl.Float64,
}


def segment_rows(history: History, window: Window) -> dict[tuple[str, str], Flags]:
    """(kind, segment) -> rows of the pairs in it. Volume as known before the window: over 2, over .5, fewer a week."""
    volume = recent_mean(history.panel, window.first)
    found: dict[tuple[str, str], Flags] = {(ALL, ""): np.ones(len(volume), dtype=bool)}
    for kind in ("category", "vendor"):
        labels = history.labels["vendor_code" if kind == "vendor" else kind].to_numpy()
        found |= {(kind, str(label)): labels == label for label in np.unique(labels)}
    classes = {"fast": volume > FAST, "medium": (volume > MEDIUM) & (volume <= FAST), "slow": volume <= MEDIUM}
    return found | {("volume", name): rows for name, rows in classes.items()}


def list_figures(
    history: History,
    window: Window,
    outcome: Outcome,
    base: Outcome | None,
    place: dict[str, date | str | bool],
) -> list[dict[str, object]]:
    """One row per segment with demand or stock to judge; `base` is the outcome that ratio is relative to."""
    rows: list[dict[str, object]] = []
    for (kind, segment), members in segment_rows(history, window).items():
        found = {name: float(values[0, members].sum()) for name, values in outcome.figures.items()}
        if found["weeks"] == 0:
            continue
        cost = found["holding"] + found["shortage"]
        cost_of_base = 0.0
        if base is not None:
            cost_of_base = float((base.figures["holding"] + base.figures["shortage"])[0, members].sum())
        rows.append(
            {
                **place,
                "segment_by": kind,
                "segment": segment,
                "pairs": int((outcome.figures["weeks"][0, members] > 0).sum()),
                "cost": cost,
                "holding_cost": found["holding"],
                "shortage_cost": found["shortage"],
                "demand_qty": found["demand"],
                "short_qty": found["short"],
                "fill_rate": 1.0 - found["short"] / found["demand"] if found["demand"] > 0 else None,
                "empty_share": found["empty"] / found["weeks"],
                "stock_qty": found["stock"] / window.order_weeks,
                "stock_value": found["value"] / window.order_weeks,
                "ordered_qty": found["ordered"],
                "order_lines": int(found["orders"]),
                "ratio": cost / cost_of_base if cost_of_base > 0 else None,
            }
        )
    return rows
