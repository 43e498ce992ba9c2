"""Measures of a forecast distribution: pinball loss, weighted quantile loss, coverage, bias. Pure functions on arrays.

What is forecast, and on which weeks it is judged, is decided in judge.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.features.panel import Floats

# What an order must cover is judged as one sum.
SUM_WEEKS = 3
NINETY = 17  # the .90 among the 19 levels


def pinball(units: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Pinball loss, shape of `quantiles`: q (y - x) above the quantile x, (1 - q) (x - y) below.

    y 10, x 8, q .9: 1.8; y 6: .2. `units` lacks the last axis, which runs over `levels`.
    """
    error = np.asarray(units)[..., None] - quantiles
    return np.asarray(np.maximum(levels * error, (levels - 1.0) * error))


def weighted_quantile_loss(units: Floats, quantiles: Floats, levels: Floats) -> float:
    """2 * pinball, mean over levels, summed over rows, over total units; nan without units.

    Quantiles all equal to one number make it the weighted absolute error: y (10, 0), x 5 each: 1.0.
    """
    total = float(np.sum(units))
    if total <= 0:
        return float("nan")
    return float(2.0 * pinball(units, quantiles, levels).mean(axis=-1).sum() / total)


def weighted_absolute_error(units: Floats, mean: Floats) -> float:
    """Sum of |y - mean| over sum of y (WAPE): y (10, 0), mean (8, 1): .3; nan without units."""
    total = float(np.sum(units))
    return float(np.abs(units - mean).sum() / total) if total > 0 else float("nan")


def coverage(units: Floats, quantile: Floats) -> tuple[float, float]:
    """Shares (P(y < x), P(y <= x)). With counts the level lies between them: y (0, 1, 2), x 1: (1/3, 2/3)."""
    units, quantile = np.asarray(units), np.asarray(quantile)
    if units.size == 0:
        return float("nan"), float("nan")
    return float((units < quantile).mean()), float((units <= quantile).mean())


def exact_coverage(
    units: Floats, below: Floats, at_or_below: Floats, level: float, weight: Floats | None = None
) -> float:
    """Coverage that a count forecast would have with ties broken at random: mean share of [F(y-1), F(y)] under level.

    .9 for a calibrated forecast whatever the scale. y with F(y-1) .8 and F(y) 1.0 counts as half covered at .9.
    `weight` (same shape) makes it a weighted mean.
    """
    if np.size(units) == 0:
        return float("nan")
    covered = np.clip((level - below) / np.maximum(at_or_below - below, 1e-12), 0.0, 1.0)
    return float(np.average(covered, weights=weight))


def bias(units: Floats, mean: Floats, weight: NDArray[np.bool_] | None = None) -> float:
    """(sum of means - sum of units) / sum of units: +.03 is three percent too much; nan without units."""
    keep = np.ones(np.shape(units), dtype=bool) if weight is None else weight
    total = float(np.asarray(units)[keep].sum())
    return float((np.asarray(mean)[keep].sum() - total) / total) if total > 0 else float("nan")
