"""How far demand scatters around its mean, learned from errors of forecasts made before the weeks they were about.

Reads means and actual units of past origins; gives the shared and the inner shock variance per volume class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.features.panel import Floats, Ints
from models.forecast.errors import Errors

N_CLASSES = 6
SHRINK_ROWS = 200.0
LEAST_ROWS = 50
LEAST_SHARED, LEAST_INNER = 0.02, 0.01
# What a chain too young for errors of its own gets: near the pooled figures of two grocery chains.
YOUNG = (0.15, 0.25)


@dataclass(frozen=True)
class Dispersion:
    """Shock variances at the middle of each volume class; log_mean ascending, all (n_classes,).

    size_scale: what a learned 1 / k must be multiplied by to give the scatter seen.
    """

    log_mean: Floats
    shared: Floats
    inner: Floats
    size_scale: float = 1.0

    def at(self, weekly_mean: Floats) -> tuple[Floats, Floats]:
        """Shared and inner variance for expected weekly units, linear in their log between classes."""
        where = np.log(np.maximum(weekly_mean, 1e-3))
        return np.interp(where, self.log_mean, self.shared), np.interp(where, self.log_mean, self.inner)


def fit_dispersion(errors: Errors) -> Dispersion:
    """Dispersion from errors over runs of n in-stock weeks.

    phi = sum(min(e^2, 16 (m + m^2)) - m) / sum m^2, for weeks and for sums of n weeks, by six classes of volume,
    shrunk to the pooled one with the weight of 200 rows. A sum of n sees shared + inner / n, so
    inner = (phi_week - phi_sum) n / (n - 1). With n = 3, phi_week .5, phi_sum .3: inner .3, shared .2.
    """
    mean, units = errors.mean, errors.units
    n_rows, n_weeks = mean.shape
    if n_rows < LEAST_ROWS:
        return Dispersion(np.zeros(1), np.full(1, YOUNG[0]), np.full(1, YOUNG[1]))
    volume = mean.mean(axis=1)
    group = np.searchsorted(np.quantile(volume, np.linspace(0, 1, N_CLASSES + 1)[1:-1]), volume)
    week = _by_class(mean, units, group)
    total = _by_class(mean.sum(axis=1)[:, None], units.sum(axis=1)[:, None], group)
    inner = np.maximum((week - total) * n_weeks / (n_weeks - 1), LEAST_INNER)
    shared = np.maximum(week - inner, LEAST_SHARED)
    count = np.bincount(group, minlength=N_CLASSES)
    kept = count > 0
    middle = np.log(np.maximum(np.bincount(group, volume, N_CLASSES)[kept] / count[kept], 1e-3))
    return Dispersion(middle, shared[kept], inner[kept], _size_scale(errors))


def _size_scale(errors: Errors) -> float:
    known = np.isfinite(errors.size).all(axis=1)
    if known.sum() < LEAST_ROWS:
        return 1.0
    mean, units, size = errors.mean[known], errors.units[known], errors.size[known]
    seen = _excess(mean, units).sum()
    return float(np.clip(seen / max((mean**2 / size).sum(), 1e-9), 0.5, 2.0))


def _excess(mean: Floats, units: Floats) -> Floats:
    # one freak week must not widen everybody's order
    return np.asarray(np.minimum((units - mean) ** 2, 16.0 * (mean + mean**2)) - mean)


def _by_class(mean: Floats, units: Floats, group: Ints) -> Floats:
    top = np.bincount(group, _excess(mean, units).sum(axis=1), N_CLASSES)
    bottom = np.bincount(group, (mean**2).sum(axis=1), N_CLASSES)
    count = np.bincount(group, minlength=N_CLASSES)
    pooled = top.sum() / max(bottom.sum(), 1e-9)
    own = top / np.maximum(bottom, 1e-9)
    return np.asarray(np.maximum((count * own + SHRINK_ROWS * pooled) / (count + SHRINK_ROWS), 0.0))
