"""Columns of a frame as arrays, nulls filled in one way everywhere; and the columns that all suggested lines share."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.policy.paths import Floats, Ints

# what every suggested line says, a purchase as a transfer
SUGGESTED: dict[str, type[pl.DataType]] = {
    "on_hand": pl.Int64,
    "on_order": pl.Int64,
    "suggested_qty": pl.Int64,
    "order_by": pl.Date,
    "arrives_on": pl.Date,
    "covers_until": pl.Date,
    "expected_demand": pl.Float64,
    "demand_p50": pl.Float64,
    "demand_p90": pl.Float64,
    "reason": pl.String,
    "priority": pl.Float64,
}
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


def take_floats(frame: pl.DataFrame, name: str) -> Floats:
    """Column as float64, null as NaN."""
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)


def take_ints(frame: pl.DataFrame, name: str, default: int) -> Ints:
    """Column as int64, null as `default`."""
    return frame[name].cast(pl.Int64).fill_null(default).to_numpy().astype(np.int64)


def take_flags(frame: pl.DataFrame, name: str) -> Flags:
    """Column as booleans, null as false."""
    return frame[name].cast(pl.Boolean).fill_null(value=False).to_numpy().astype(np.bool_)
