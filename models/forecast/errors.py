"""Errors of past forecasts, each made by a model that had not seen the weeks it was about.

Reads a history and the models by cutoff; gives means and actual units for the dispersion to learn from.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features.history import History
from models.features.panel import Floats, Ints, Panel
from models.forecast.blend import Expectation, expect
from models.forecast.boosted import Boosted

WEEKS = 3
RECENT = 52
ROWS_PER_ORIGIN = 6_000
# Weeks partly on the shelf, among those on it, from which availability is one of days.
DAILY_SHARE = 0.02


@dataclass(frozen=True)
class Errors:
    """Rows of runs of three weeks on the shelf: origin (n,), mean and units (n, 3), size (n, 3) or nan.

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


def keep_runs(panel: Panel, rows: Ints, first: int) -> NDArray[np.bool_]:
    """Which of `rows` are judged on the three weeks from column `first`: those on the shelf in each of them.

    Where availability is told by the day, those on the shelf for a day: a sale of the only piece empties the shelf, so
    that full weeks are those without a sale. Both what sold and what was expected count for the days on the shelf.
    """
    weight = panel.weight[:, max(first - RECENT, 0) : first]
    seen = weight > 0
    is_daily = (seen & (weight < 1)).sum() > DAILY_SHARE * max(int(seen.sum()), 1)
    on_shelf = panel.weight[rows, first : first + WEEKS] > 0
    return np.asarray(on_shelf.any(axis=1) if is_daily else on_shelf.all(axis=1))


def collect_errors(history: History, past: dict[int, Expectation]) -> Errors:
    """Errors of what was expected in the past, on runs of three weeks, as far as they were on the shelf."""
    panel = history.panel
    series = draw_series(panel.n_series)
    parts = []
    for origin, seen in past.items():
        columns = slice(origin, origin + WEEKS)
        whole = keep_runs(panel, series, origin) & (seen.mean > 0).all(axis=1)
        share = panel.weight[series, columns][whole]
        size = seen.size if seen.size is not None else np.full(seen.mean.shape, np.nan)
        stamp = np.full(int(whole.sum()), origin, dtype=np.int64)
        units = panel.demand[series, columns][whole] * share
        parts.append((stamp, seen.mean[whole] * share, units, size[whole], series[whole]))
    if not parts:
        nothing = np.zeros((0, WEEKS))
        return Errors(np.zeros(0, dtype=np.int64), nothing, nothing, nothing)
    origins, means, units, sizes, rows = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Errors(origins, means, units, sizes, rows, panel.n_series)
