"""Errors of past forecasts, each made by a model that had not seen the weeks it was about.

Reads a history and the models by cutoff; gives means and actual units for the dispersion to learn from.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from models.features.history import History
from models.features.panel import Floats, Ints
from models.forecast.blend import Expectation, expect
from models.forecast.boosted import Boosted

WEEKS = 3
RECENT = 52
ROWS_PER_ORIGIN = 6_000


@dataclass(frozen=True)
class Errors:
    """Rows of in-stock runs of three weeks: origin (n,), mean and units (n, 3), size (n, 3) or nan.

    series: (n,) row of the panel, of n_series rows, where errors are told apart by series.
    """

    origin: Ints
    mean: Floats
    units: Floats
    size: Floats
    series: Ints | None = None
    n_series: int = 0

    def before(self, cutoff: int) -> Errors:
        """Those whose last week lies before `cutoff`, and that are not over a year old."""
        keep = (self.origin + WEEKS <= cutoff) & (self.origin >= cutoff - RECENT)
        series = None if self.series is None else self.series[keep]
        return Errors(self.origin[keep], self.mean[keep], self.units[keep], self.size[keep], series, self.n_series)


def draw_series(n_series: int) -> Ints:
    """The series whose past forecasts are looked at: all of them, or 6,000 drawn once."""
    if n_series <= ROWS_PER_ORIGIN:
        return np.arange(n_series)
    return np.sort(np.random.default_rng(0).choice(n_series, ROWS_PER_ORIGIN, replace=False))


def expect_past(history: History, models: dict[int, Boosted | None], end: int) -> dict[int, Expectation]:
    """What was expected at every origin from the first cutoff to the last whose three weeks end before column `end`.

    Of the drawn series. `models`: cutoff -> what was trained before it; an origin takes the latest cutoff not after it.
    """
    cutoffs, series = sorted(models), draw_series(history.panel.n_series)
    return {
        origin: expect(history, models[cutoffs[bisect_right(cutoffs, origin) - 1]], origin, WEEKS, series)
        for origin in range(max(cutoffs[0], 1), end - WEEKS + 1)
    }


def collect_errors(history: History, past: dict[int, Expectation]) -> Errors:
    """Errors of what was expected in the past, on runs of three whole weeks on the shelf."""
    panel = history.panel
    series = draw_series(panel.n_series)
    parts = []
    for origin, seen in past.items():
        columns = slice(origin, origin + WEEKS)
        whole = (panel.weight[series, columns] >= 0.999).all(axis=1) & (seen.mean > 0).all(axis=1)
        size = seen.size if seen.size is not None else np.full(seen.mean.shape, np.nan)
        stamp = np.full(int(whole.sum()), origin, dtype=np.int64)
        parts.append((stamp, seen.mean[whole], panel.demand[series, columns][whole], size[whole], series[whole]))
    if not parts:
        nothing = np.zeros((0, WEEKS))
        return Errors(np.zeros(0, dtype=np.int64), nothing, nothing, nothing)
    origins, means, units, sizes, rows = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Errors(origins, means, units, sizes, rows, panel.n_series)
