"""Trials: the model and its challengers at past origins, each on weeks that it had not seen, judged by segment.

Reads a history and what was expected in its past. Who wins is decided in champion.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features.history import History
from models.features.panel import Floats, Ints
from models.features.segments import name_segments
from models.forecast.accuracy import SUM_WEEKS, pinball
from models.forecast.baselines import CHALLENGERS
from models.forecast.blend import Expectation
from models.forecast.dispersion import fit_dispersion
from models.forecast.distribution import count_quantiles, sum_size, week_size
from models.forecast.errors import RECENT, Errors, draw_series, keep_runs
from models.forecast.structural import close

# Weeks count by quantiles across the distribution, the sum by the quantile that orders are near to: its pinball is the
# cost of a newsvendor who loses four for every one he holds.
WEEK_LEVELS: Floats = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
SUM_LEVELS: Floats = np.array([0.8])
MODEL = "boosted_blend"


@dataclass(frozen=True)
class Trials:
    """Runs of three weeks on the shelf: origin, segment (n,), units (n, 3), and means (n, 3) by method."""

    origin: Ints
    segment: NDArray[np.str_]
    units: Floats
    means: dict[str, Floats]

    def before(self, cutoff: int) -> Trials:
        """Those whose last week lies before `cutoff`, and that are not over a year old."""
        keep = (self.origin + SUM_WEEKS <= cutoff) & (self.origin >= cutoff - RECENT)
        means = {name: mean[keep] for name, mean in self.means.items()}
        return Trials(self.origin[keep], self.segment[keep], self.units[keep], means)

    def errors(self, name: str) -> Errors:
        """A method's errors, for its scatter."""
        mean = np.maximum(self.means[name], 1e-3)
        return Errors(self.origin, mean, self.units, np.full(mean.shape, np.nan))

    def losses(self) -> dict[str, Floats]:
        """Pinball a row (n,) by method, half of weeks and half of the sum; its scatter learned from its own errors."""
        made = {}
        for name in self.means:
            errors = self.errors(name)
            mean = errors.mean
            shared, inner, _ = fit_dispersion(errors).spread(mean, None)
            weeks = count_quantiles(mean, week_size(shared, inner)[:, None], WEEK_LEVELS)
            sums = count_quantiles(mean.sum(axis=1), sum_size(mean, shared, inner), SUM_LEVELS)
            week = pinball(self.units, weeks, WEEK_LEVELS).mean(axis=2).sum(axis=1)
            made[name] = week + pinball(self.units.sum(axis=1), sums, SUM_LEVELS).mean(axis=1)
        return made


def hold_trials(history: History, past: dict[int, Expectation]) -> Trials:
    """Trials at every third of the origins at which something was expected (errors.py), and their series."""
    panel, series = history.panel, draw_series(history.panel.n_series)
    stamps, segments, units = [], [], []
    means: dict[str, list[Floats]] = {name: [] for name in (MODEL, *CHALLENGERS)}
    for origin in sorted(past)[::SUM_WEEKS]:
        columns = slice(origin, origin + SUM_WEEKS)
        keep = keep_runs(panel, series, origin) & (history.weeks[series, origin] >= 1)
        rows = series[keep]
        share = panel.weight[rows, columns]
        stamps.append(np.full(len(rows), origin, dtype=np.int64))
        segments.append(name_segments(history, origin)[rows])
        units.append(panel.demand[rows, columns] * share)
        means[MODEL].append(past[origin].mean[keep] * share)
        for name, method in CHALLENGERS.items():
            means[name].append(close(panel, origin, method(history, origin, SUM_WEEKS))[rows] * share)
    if not stamps:
        empty = np.zeros((0, SUM_WEEKS))
        return Trials(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=str), empty, dict.fromkeys(means, empty))
    joined = {name: np.concatenate(parts) for name, parts in means.items()}
    return Trials(np.concatenate(stamps), np.concatenate(segments), np.concatenate(units), joined)
