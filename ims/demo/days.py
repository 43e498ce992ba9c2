"""Day indices and calendar dates: day 0 opens the history, negative days are its burn-in."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

BURN_IN_DAYS = 84  # simulated before the history starts, so that it opens with orders already on their way
FOREVER = 10**6  # the day of what has no end in sight, and with a minus, of what has always been there

Floats = npt.NDArray[np.float64]
Factors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def date_days(start: date, days: npt.NDArray[np.integer[Any]]) -> pl.Series:
    """Dates of day indices; day 6 of a history that starts on 2025-01-06 is 2025-01-12."""
    return pl.Series(np.datetime64(start, "D") + days.astype("timedelta64[D]"))
