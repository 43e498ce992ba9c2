"""Distributions of a forecast: negative binomial quantiles of a week, joint paths, quantiles of sums of weeks.

Reads a Forecast's arrays. How wide they are is estimated elsewhere (dispersion, size).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.features.panel import Floats

LEVELS: Floats = np.round(np.arange(1, 20) * 0.05, 2)


def week_size(shared: Floats, inner: Floats) -> Floats:
    """Size k of one week under both shocks: 1 / k = shared + inner + shared * inner; .1 and .25 give 2.67."""
    return np.asarray(1.0 / np.maximum(shared + inner + shared * inner, 1e-6))


def count_quantiles(mean: Floats, size: Floats, levels: Floats = LEVELS) -> Floats:
    """Negative binomial quantiles, shape of `mean` plus a last axis of `levels`; 0 where mean is 0.

    Variance mean + mean^2 / size. Mean 2, size 1 (geometric, p = 1/3): the median is 1.
    """
    mean, size = np.broadcast_arrays(np.asarray(mean, float), np.asarray(size, float))
    share = size / (size + np.maximum(mean, 1e-12))
    quantiles = stats.nbinom.ppf(np.asarray(levels), size[..., None], share[..., None])
    return np.where(mean[..., None] > 1e-9, quantiles, 0.0)


def draw_paths(mean: Floats, shared: Floats, inner: Floats, n_paths: int, seed: int) -> NDArray[np.int64]:
    """Joint demand paths (n_paths, n_series, n_weeks): Poisson(mean_h * G * G_h), G shared by a path's weeks.

    The same seed gives the same paths. Shock variances of 0 leave plain Poisson demand.
    """
    rng = np.random.default_rng(seed)
    n_series, n_weeks = mean.shape
    common = _gamma(rng, shared, (n_paths, n_series))[:, :, None]
    own = _gamma(rng, inner[:, None], (n_paths, n_series, n_weeks))
    return rng.poisson(mean[None] * common * own)


def _gamma(rng: np.random.Generator, variance: Floats, shape: tuple[int, ...]) -> Floats:
    safe = np.maximum(variance, 1e-6)
    return np.asarray(rng.gamma(1.0 / safe, safe, size=shape))
