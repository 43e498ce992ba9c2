"""Quantiles of single weeks, as they are published: the count distribution and the learned knots, half and half.

Reads a Forecast. What several weeks sum to comes from its means and shocks, never from here.
"""

from __future__ import annotations

import numpy as np

from models.features.panel import Floats
from models.forecast.distribution import LEVELS, count_quantiles, week_size
from models.forecast.engine import Forecast
from models.forecast.knots import read_knots

PRIOR_UNITS, LEVEL_RANGE = 10.0, (0.7, 1.4)


def week_quantiles(forecast: Forecast, n_steps: int, left: float = 1.0) -> Floats:
    """Quantiles (n_series, n_steps, 19) of the first weeks, `left` the share of the first one that is still to come.

    Whole units, ascending, 0 where nothing is expected. Counts say 4, knots on their level 5.2: 4.6, so 5.
    """
    mean = forecast.mean[:, :n_steps].copy()
    mean[:, 0] *= left
    size = week_size(forecast.shared, forecast.inner)[:, None] if forecast.size is None else forecast.size[:, :n_steps]
    made = count_quantiles(mean, size * forecast.week_scale)
    if forecast.knots is None:
        return made
    knots = forecast.knots[:, :n_steps].copy()
    knots[:, 0] *= left
    near = made[:, : knots.shape[1]]
    is_learned = np.isfinite(knots[:, :, 0]) & (mean[:, : knots.shape[1]] > 0)
    counts, learned = near[is_learned], read_knots(knots[is_learned], LEVELS)
    near[is_learned] = np.rint((counts + learned * level_learned(counts, learned)) / 2)
    return made


def level_learned(counts: Floats, learned: Floats) -> float:
    """What brings all learned quantiles together to the level of all counts, which know the season better.

    Counts that sum to 1,000 and learned ones to 900: 1,010 / 910 = 1.11.
    """
    return float(np.clip((counts.sum() + PRIOR_UNITS) / (learned.sum() + PRIOR_UNITS), *LEVEL_RANGE))
