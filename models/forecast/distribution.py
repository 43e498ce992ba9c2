"""Distributions of a forecast: negative binomial quantiles of a week, joint paths, quantiles of sums of weeks.

Reads a Forecast's arrays. How wide they are is estimated elsewhere (dispersion, size).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.features.panel import Floats

# Above this mean a root search beats adding up probabilities one unit at a time.
LARGE = 150.0
LEVELS: Floats = np.round(np.arange(1, 20) * 0.05, 2)


def week_size(shared: Floats, inner: Floats) -> Floats:
    """Size k of one week under both shocks: 1 / k = shared + inner + shared * inner; .1 and .25 give 2.67."""
    return np.asarray(1.0 / np.maximum(shared + inner + shared * inner, 1e-6))


def sum_size(mean: Floats, shared: Floats, inner: Floats) -> Floats:
    """Size k (n,) of the sum of weeks with means (n, n_weeks): the negative binomial with its variance.

    1 / k = shared + (1 + shared) inner sum m^2 / (sum m)^2. Three equal weeks, .1 and .25: .1 + 1.1 * .25 / 3 = .192.
    """
    total = np.maximum(mean.sum(axis=1), 1e-9)
    return np.asarray(1.0 / np.maximum(shared + (1.0 + shared) * inner * (mean**2).sum(axis=1) / total**2, 1e-6))


def count_quantiles(mean: Floats, size: Floats, levels: Floats = LEVELS) -> Floats:
    """Negative binomial quantiles, shape of `mean` plus a last axis of `levels`; 0 where mean is 0.

    Variance mean + mean^2 / size. Mean 2, size 1 (geometric, p = 1/3): the median is 1.
    """
    mean, size = np.broadcast_arrays(np.asarray(mean, float), np.asarray(size, float))
    shape = mean.shape
    mean, size = mean.ravel(), np.maximum(size.ravel(), 1e-3)
    out = np.zeros((mean.size, len(levels)))
    large = mean > LARGE
    if large.any():
        share = size[large] / (size[large] + mean[large])
        out[large] = stats.nbinom.ppf(levels[None, :], size[large, None], share[:, None])
    rows = np.flatnonzero(~large & (mean > 1e-9))
    for chunk in np.array_split(rows[np.argsort(mean[rows], kind="stable")], max(1, rows.size // 20_000)):
        out[chunk] = _walk(mean[chunk], size[chunk], levels)
    return out.reshape(*shape, len(levels))


def _walk(mean: Floats, size: Floats, levels: Floats) -> Floats:
    """Quantiles by adding up probabilities from 0: ten times faster than a root search when means are small."""
    odds = mean / (mean + size)
    mass = np.exp(-size * np.log1p(mean / size))
    below = mass.copy()
    out = np.zeros((len(levels), mean.size), dtype=np.int32)
    left = np.arange(mean.size)
    count = 0
    while left.size and count < 100 * LARGE:
        short = below[None, :] < levels[:, None]
        out[:, left] += short
        keep = short[-1]
        left, mass, below, odds, size = left[keep], mass[keep], below[keep], odds[keep], size[keep]
        mass = mass * odds * (count + size) / (count + 1.0)
        below = below + mass
        count += 1
    return np.asarray(out.T, dtype=float)


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
