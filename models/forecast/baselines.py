"""Simple forecasts to beat: seasonal naive, 13-week in-stock mean x season, decayed mean, empirical quantiles.

Each reads a history before an origin and gives means and quantiles; none is ever published.
"""

from __future__ import annotations

import numpy as np

from models.features.history import SLOW, History
from models.features.panel import Floats
from models.features.season import season_at
from models.forecast.distribution import LEVELS, count_quantiles

YEAR = 52
RECENT = 8

Distribution = tuple[Floats, Floats]


def seasonal_naive(history: History, origin: int, n_steps: int) -> Distribution:
    """The same week a year ago, else the last week; mean (n, n_steps) and all its quantiles equal to it."""
    panel = history.panel
    mean = np.zeros((panel.n_series, n_steps))
    for step in range(n_steps):
        column = origin + step - YEAR
        column = column if 0 <= column < origin else origin - 1
        if column >= 0:
            mean[:, step] = panel.demand[:, column]
    return mean, np.repeat(mean[:, :, None], len(LEVELS), axis=2)


def mean_13_season(history: History, origin: int, n_steps: int) -> Distribution:
    """Mean of the last 13 in-stock weeks, deseasonalised, times the season; negative binomial by own variance."""
    panel = history.panel
    season = season_at(panel, origin)[panel.codes["sku"]]
    first = max(origin - 13, 0)
    weight = panel.weight[:, first:origin]
    expected = (weight * season[:, panel.weeks_of_year(first, origin)]).sum(axis=1)
    level = (weight * panel.demand[:, first:origin]).sum(axis=1) / np.maximum(expected, 1e-9)
    mean = level[:, None] * season[:, panel.weeks_of_year(origin, origin + n_steps)]
    return mean, count_quantiles(mean, _own_size(history, origin, 13)[:, None])


def decayed_mean(history: History, origin: int, n_steps: int) -> Distribution:
    """Exponentially decayed in-stock mean (.85 a week), flat; negative binomial by the variance of 26 weeks."""
    units, weeks = history.decayed[SLOW]
    level = units[:, origin] / np.maximum(weeks[:, origin], 1e-9)
    mean = np.repeat(level[:, None], n_steps, axis=1)
    return mean, count_quantiles(mean, _own_size(history, origin, 26)[:, None])


def empirical_quantiles(history: History, origin: int, n_steps: int) -> Distribution:
    """Quantiles of each series' last 8 weeks in stock, the same at every step."""
    panel = history.panel
    first = max(origin - RECENT, 0)
    known = panel.weight[:, first:origin] > 0
    values = np.sort(np.where(known, panel.demand[:, first:origin], np.inf), axis=1)
    count = known.sum(axis=1)
    quantiles = np.zeros((panel.n_series, len(LEVELS)))
    for at, level in enumerate(LEVELS):
        pick = np.clip(np.ceil(level * count).astype(np.int64) - 1, 0, max(values.shape[1] - 1, 0))
        if values.shape[1]:
            quantiles[:, at] = np.where(count > 0, values[np.arange(panel.n_series), pick], 0.0)
    finite = np.where(np.isfinite(values), values, 0.0)
    mean = finite.sum(axis=1) / np.maximum(count, 1)
    return np.repeat(mean[:, None], n_steps, axis=1), np.repeat(quantiles[:, None, :], n_steps, axis=1)


def _own_size(history: History, origin: int, window: int) -> Floats:
    """Size by moments: variance of the window = mean + mean^2 / k."""
    first = max(origin - window, 0)
    weeks = np.maximum(history.weeks[:, origin] - history.weeks[:, first], 1e-9)
    mean = (history.units[:, origin] - history.units[:, first]) / weeks
    variance = (history.squares[:, origin] - history.squares[:, first]) / weeks - mean**2
    return np.asarray(np.clip(mean**2 / np.maximum(variance - mean, 1e-3), 0.1, 1e3))
