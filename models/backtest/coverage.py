"""Coverage on history: which level of the forecast's own distribution has been exceeded as often as a level should be.

Reads a replay with forecasts, gives levels for the plan's demand quantiles. Orders do not depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.backtest.replay import Replay
from models.policy.paths import Floats, sample_paths, seed_origin
from models.policy.timeline import segment_means

NOMINAL = (0.9,)  # medians swing with the whole chain from one window to the next: what they missed by predicts nothing
LEAST_SUMS = 200
MOST_MOVE = 0.1
EVERY_WEEKS = 3


def measure_levels(replay: Replay, nominal: Sequence[float] = NOMINAL) -> dict[float, float]:
    """Nominal level -> level of the path distribution of the cover's demand that history says deserves the name.

    The probability integral transform of past sums (Dawid 1984; a count takes the middle of its step): its .9 quantile
    is the level whose quantile covered 90 % of them. Moves by .1 at most; too few sums leave the levels alone. Worked
    number: if nine of ten past sums lay below the distribution's own .87 quantile, .9 is answered by .87.
    """
    places = [place_sums(replay, week) for window in replay.windows for week in window.order_at[::EVERY_WEEKS]]
    place = np.concatenate([np.zeros(0), *places])
    if len(place) < LEAST_SUMS:
        return {level: level for level in nominal}
    return {
        level: round(float(np.clip(np.quantile(place, level), level - MOST_MOVE, min(level + MOST_MOVE, 0.99))), 4)
        for level in nominal
    }


def place_sums(replay: Replay, week: int) -> Floats:
    """Where the demand of each pair's cover, begun at `week`, fell in its forecast distribution: 0..1, if observed."""
    history = replay.history
    forecast, row = replay.forecasts[week]
    weeks = np.maximum(np.rint(history.terms.cover_days / 7.0).astype(np.int64), 1)
    ends = week + weeks
    whole = np.concatenate([np.zeros((len(row), 1)), np.cumsum(history.panel.demand, axis=1)], axis=1)
    seen = np.concatenate([np.zeros((len(row), 1)), np.cumsum(history.charged, axis=1)], axis=1)
    inside = np.minimum(ends, history.panel.n_weeks)
    pairs = np.arange(len(row))
    known = (row >= 0) & (ends <= history.panel.n_weeks) & (seen[pairs, inside] - seen[:, week] == weeks)
    known &= seen[:, week] > 0
    if not known.any():
        return np.zeros(0)
    total = np.rint(whole[pairs, inside] - whole[:, week])[known]
    bounds = np.stack([np.zeros(len(row)), 7.0 * weeks], axis=1)[known]
    means, inner = segment_means(forecast.mean[row[known]], forecast.inner[row[known]], bounds)
    seed = seed_origin(history.panel.monday(week))
    keys = history.keys[known]
    demand = sample_paths(means, forecast.shared[row[known]], inner, 0, keys, seed, replay.n_paths)[:, 0]
    below = (demand < total[:, None]).mean(axis=1)
    return np.asarray(below + 0.5 * (demand == total[:, None]).mean(axis=1))
