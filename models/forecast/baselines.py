"""Simple means that challenge the model: each reads a history before an origin and gives (n_series, n_steps) units."""

from __future__ import annotations

import numpy as np

from models.features.history import SLOW, History
from models.features.panel import Floats
from models.features.season import season_at
from models.forecast.structural import structural

YEAR = 52


def mean_13_season(history: History, origin: int, n_steps: int) -> Floats:
    """Mean of the last 13 in-stock weeks, deseasonalised, times the season."""
    panel = history.panel
    season = season_at(panel, origin)[panel.codes["sku"]]
    first = max(origin - 13, 0)
    weight = panel.weight[:, first:origin]
    expected = (weight * season[:, panel.weeks_of_year(first, origin)]).sum(axis=1)
    level = (weight * panel.demand[:, first:origin]).sum(axis=1) / np.maximum(expected, 1e-9)
    return np.asarray(level[:, None] * season[:, panel.weeks_of_year(origin, origin + n_steps)])


def decayed_mean(history: History, origin: int, n_steps: int) -> Floats:
    """Exponentially decayed in-stock mean (.85 a week), flat."""
    units, weeks = history.decayed[SLOW]
    level = units[:, origin] / np.maximum(weeks[:, origin], 1e-9)
    return np.repeat(level[:, None], n_steps, axis=1)


def mean_52(history: History, origin: int, n_steps: int) -> Floats:
    """In-stock mean of the last year, flat: what a trickle of sale does not move."""
    first = max(origin - YEAR, 0)
    weeks = np.maximum(history.weeks[:, origin] - history.weeks[:, first], 1e-9)
    level = (history.units[:, origin] - history.units[:, first]) / weeks
    return np.repeat(level[:, None], n_steps, axis=1)


def season_and_level(history: History, origin: int, n_steps: int) -> Floats:
    """The structural forecast on its own (structural.py)."""
    return structural(history.panel, origin, n_steps)


CHALLENGERS = {
    "structural": season_and_level,
    "mean_13_season": mean_13_season,
    "decayed_mean": decayed_mean,
    "mean_52": mean_52,
}
