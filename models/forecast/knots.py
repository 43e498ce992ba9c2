"""Quantiles learned directly: a boosted model for each level of a grid, on the rows that the mean is learned from.

A count distribution is wrong in its shape somewhere, a quantile model in its level: the mean of both beats either
(docs/forecast.md). Mixing them is quantiles.py's.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from models.features.panel import Floats, Ints
from models.features.rows import Matrix

if TYPE_CHECKING:
    import lightgbm

# Eleven levels instead of six gain a thousandth.
GRID: Floats = np.array([0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
# Weeks ahead that quantiles are learned for: those that orders are decided on.
STEPS = 4
ROWS = 100_000
# Small and slow trees where series are few, large and quick ones where they are many: chosen on earlier windows.
FEW: dict[str, Any] = {"num_leaves": 15, "learning_rate": 0.07, "rounds": 100}
MANY: dict[str, Any] = {"num_leaves": 63, "learning_rate": 0.15, "rounds": 60}
PARAMS: dict[str, Any] = {
    "objective": "quantile",
    "min_data_in_leaf": 100,
    "lambda_l2": 0.0,
}


def draw_near(h: Ints) -> Ints:
    """Rows whose step is a near one, at most 100,000 of them, drawn once."""
    near = np.flatnonzero(h <= STEPS)
    if len(near) > ROWS:
        near = np.sort(np.random.default_rng(5).choice(near, ROWS, replace=False))
    return near


def fit_knots(
    rows: Matrix, scale: Floats, units: Floats, share: Floats, params: dict[str, Any], rounds: int, workers: int
) -> list[lightgbm.Booster]:
    """A model of units over `scale` for each level of GRID.

    Rows weigh by their scale, so that the loss is pinball of units, and by their days on the shelf.
    """
    import lightgbm

    settings = params | PARAMS
    data = lightgbm.Dataset(rows, units / scale, weight=share * scale, params=settings, free_raw_data=False).construct()

    def fit(alpha: float) -> lightgbm.Booster:
        return lightgbm.train(settings | {"alpha": alpha}, data, rounds)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(fit, GRID.tolist()))


def predict_knots(models: list[lightgbm.Booster], rows: Matrix, scale: Floats) -> Floats:
    """Units at the levels of GRID, (n, 6), ascending and not negative."""
    made = np.column_stack([np.asarray(model.predict(rows, num_threads=1)) for model in models])
    return np.sort(np.maximum(made, 0.0) * scale[:, None], axis=1)


def read_knots(knots: Floats, levels: Floats) -> Floats:
    """Quantiles at `levels` from those at GRID: last axis 6 -> len(levels), straight lines between, flat beyond.

    Knots 2 at .4 and 4 at .6: 3 at .5.
    """
    right = np.clip(np.searchsorted(GRID, levels), 1, len(GRID) - 1)
    share = np.clip((levels - GRID[right - 1]) / (GRID[right] - GRID[right - 1]), 0.0, 1.0)
    return np.asarray(knots[..., right - 1] * (1 - share) + knots[..., right] * share)
