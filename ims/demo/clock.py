"""The hours of a store: open from 10 to 21 by its own clock. Times are seconds since the history's first midnight."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import betaincinv

from ims.demo.days import Ints
from ims.demo.folder import TIMEZONE
from ims.demo.luck import Keys, Luck

DAY = 86_400
OPENS, CLOSES = 10 * 3600, 21 * 3600
TEST_BEFORE = 4_500  # seconds after opening, at least, before somebody tested the same day orders
NEVER = 10**12  # the time of what does not happen


def order_times(luck: Luck, order: Keys, day: Ints, tested_today: npt.NDArray[np.bool_]) -> Ints:
    """When an order is placed: the afternoon is busiest, and a test comes first."""
    first = np.where(tested_today, TEST_BEFORE, 0)
    span = CLOSES - OPENS - 600 - first
    share = betaincinv(1.6, 1.3, luck.uniform("hour", order))
    placed: Ints = day * DAY + OPENS + first + (share * span).astype(np.int64)
    return placed


def at_hour(day: Ints, share: npt.NDArray[np.float64], opens: float = 10.25, closes: float = 20.75) -> Ints:
    """A time of the day, by a share of its hours."""
    return day * DAY + (3600 * (opens + (closes - opens) * share)).astype(np.int64)


def stamp(start: date, seconds: pl.Expr) -> pl.Expr:
    """A UTC timestamp of seconds since the first midnight of the chain's timezone; null stays null."""
    origin = int(datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(TIMEZONE)).timestamp())
    return ((seconds + origin) * 1_000_000).cast(pl.Datetime("us", "UTC"))


def day_on(start: date, day: pl.Expr) -> pl.Expr:
    """The date of a day index."""
    return pl.lit(start) + pl.duration(days=day)
