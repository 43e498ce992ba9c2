"""Plain boosted models, as a forecaster would first try them: peers that the engine is measured against.

Reads a panel and its filled weeks; nothing here is ever published.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.features.panel import Floats, Ints, Panel
from models.forecast.distribution import LEVELS

GRID = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ROWS = 100_000
LAGS, MEANS = (1, 2, 3, 4, 8, 13, 26), (4, 8, 13, 26, 52)
PARAMS: dict[str, Any] = {
    "objective": "quantile",
    "num_leaves": 31,
    "learning_rate": 0.1,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "verbose": -1,
    "num_threads": 1,  # two starve each other on a busy machine
    "seed": 20,
}
ROUNDS = 100


def tweedie_regressor() -> Any:
    """LightGBM's regressor with the Tweedie loss, otherwise much as it comes."""
    from lightgbm import LGBMRegressor

    return LGBMRegressor(objective="tweedie", n_estimators=200, learning_rate=0.05, num_threads=1, verbose=-1)


def quantile_models(panel: Panel, units: Floats, first: Ints, n_steps: int, width: int) -> tuple[Floats, Floats]:
    """Mean (n, n_steps) of a Poisson model, 19 quantiles (n, n_steps, 19) of one quantile model for each of 11 levels.

    units: (n, n) steps of `width` weeks that end with the panel's last; first: their first observed column. Raw lags,
    means, week of the year and codes are the features; quantiles between those of the grid are drawn linearly.
    """
    import lightgbm

    n, end = units.shape
    rng = np.random.default_rng(20)
    total = np.concatenate([np.zeros((n, 1)), np.cumsum(units, axis=1)], axis=1)
    start = max(4, end - 104)
    wanted_rows = min(ROWS, n * (end - start) * n_steps)
    drawn = 3 * wanted_rows
    i, t, h = rng.integers(0, n, drawn), rng.integers(start, end, drawn), rng.integers(1, n_steps + 1, drawn)
    target = t + h - 1
    good = (target < end) & (first[i] + 2 <= t)
    if width == 1:
        good[good] = panel.weight[i[good], target[good]] >= 0.999
    i, t, h = (array[good][:wanted_rows] for array in (i, t, h))
    rows, wanted = _rows(panel, units, total, width, i, t, h), units[i, t + h - 1]
    data = lightgbm.Dataset(rows, wanted, params=PARAMS, free_raw_data=False)
    ahead = [
        _rows(panel, units, total, width, np.arange(n), np.full(n, end), np.full(n, step + 1))
        for step in range(n_steps)
    ]
    made = np.zeros((n, n_steps, len(GRID)))
    for at, level in enumerate(GRID):
        model = lightgbm.train(PARAMS | {"alpha": level}, data, ROUNDS)
        for step in range(n_steps):
            made[:, step, at] = np.maximum(np.asarray(model.predict(ahead[step], num_threads=1)), 0.0)
    model = lightgbm.train(PARAMS | {"objective": "poisson"}, data, ROUNDS)
    mean = np.column_stack([np.asarray(model.predict(each, num_threads=1)) for each in ahead])
    made.sort(axis=2)
    right = np.clip(np.searchsorted(GRID, LEVELS), 1, len(GRID) - 1)
    grid = np.array(GRID)
    share = (LEVELS - grid[right - 1]) / (grid[right] - grid[right - 1])
    quantiles = made[:, :, right - 1] * (1 - share) + made[:, :, right] * share
    return mean, quantiles


def _rows(panel: Panel, units: Floats, total: Floats, width: int, i: Ints, t: Ints, h: Ints) -> Floats:
    out = [np.where(t >= lag, units[i, np.maximum(t - lag, 0)], np.nan) for lag in LAGS]
    out += [(total[i, t] - total[i, np.maximum(t - length, 0)]) / np.minimum(length, t) for length in MEANS]
    week = panel.weeks_of_year(0, panel.n_weeks + 3 * 16)
    target = panel.n_weeks - width * (units.shape[1] - (t + h - 1))
    out += [h.astype(float), week[target].astype(float)]
    out += [panel.codes[name][i].astype(float) for name in ("store", "category", "subcategory", "sku")]
    return np.column_stack(out).astype(np.float32)
