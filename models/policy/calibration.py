"""The calibration in use: the common bias of the forecast and the shift of tau that an earlier replay chose.

Reads the tidy calibration frame; the replay that fills it is models/backtest/calibrate.py. Rows by kind: `baseline` and
`cell` state a window's money, `coverage` a nominal level (tau) and the level that covers so much (ratio), `chosen` what
the plan takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

CALIBRATION_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "kind": pl.String,
    "window_starts_on": pl.Date,
    "bias": pl.Float64,
    "tau_shift": pl.Float64,
    "tau": pl.Float64,
    "cover_weeks": pl.Float64,
    "cost": pl.Float64,
    "ratio": pl.Float64,
    "note": pl.String,
}


@dataclass(frozen=True)
class Calibration:
    """bias multiplies the mean of the paths, tau_shift moves tau in log odds; note says where they come from.

    p90_level: level of the path distribution that the plan's demand_p90 is read at.
    """

    bias: float
    tau_shift: float
    note: str
    p90_level: float = 0.9


THEORY = Calibration(1.0, 0.0, "theory: no calibration was run")


def read_calibration(frame: pl.DataFrame | None) -> Calibration:
    """The chosen values of a calibration frame, or theory (bias 1, no shift) where there is none."""
    if frame is None or frame.is_empty():
        return THEORY
    chosen = frame.filter(pl.col("kind") == "chosen")
    if chosen.height != 1:
        raise ValueError(f"calibration: {chosen.height} rows of kind 'chosen', expected 1")
    row = chosen.row(0, named=True)
    found = frame.filter(pl.col("kind") == "coverage") if "tau" in frame.columns else frame.clear()
    p90_level = float(found["ratio"][0]) if found.height else 0.9
    return Calibration(float(row["bias"]), float(row["tau_shift"]), str(row["note"]), p90_level)


def is_reusable(frame: pl.DataFrame | None, as_of: date, within_days: int = 28) -> bool:
    """True if the frame was calibrated on or before as_of, at most `within_days` ago, and not by fallback."""
    if frame is None or frame.is_empty():
        return False
    chosen = frame.filter(pl.col("kind") == "chosen")
    if chosen.height != 1 or str(chosen["note"][0]).startswith("theory"):
        return False
    calibrated_on: date = chosen["as_of"][0]
    return 0 <= (as_of - calibrated_on).days <= within_days
