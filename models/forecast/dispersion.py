"""How far demand scatters around its mean, learned from errors of forecasts made before the weeks they were about.

Reads means and actual units of past origins; gives the shared and the inner shock variance per volume class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from models.features.panel import Floats, Ints
from models.forecast.accuracy import exact_coverage, pinball
from models.forecast.distribution import LEVELS, count_quantiles, week_size
from models.forecast.errors import Errors

N_CLASSES = 6
SHRINK_ROWS = 200.0
LEAST_ROWS = 50
LEAST_SHARED, LEAST_INNER = 0.02, 0.01
# Steps whose volume and learned size stand for the series: orders are decided there.
NEAR = 3
TARGET = 0.9
SCALE_ROWS = 10_000
SCALE_RANGE = (0.7, 1.4)
# Sizes that quantiles of a week are tried at, as multiples of what matches the variance.
WEEK_SCALES = (0.7, 0.85, 1.0, 1.2, 1.45, 1.75, 2.1)
WEEK_ROWS = 3_000
OWN_RANGE = (0.4, 2.5)
# What a chain too young for errors of its own gets: near the pooled figures of two grocery chains.
YOUNG = (0.15, 0.25)


@dataclass(frozen=True)
class Dispersion:
    """Shock variances at the middle of each volume class; log_mean ascending, all (n_classes,).

    size_scale: what a learned 1 / k must be multiplied by to give the scatter seen. sum_scale: the same for shared and
    inner, so that sums of weeks fall under their .90 quantile nine times in ten. week_scale: what a week's size is
    multiplied by, so that pinball of its quantiles is least. own: (n_series,) how far each series
    of the panel scatters, relative to its class; None where errors were not told apart by series.
    """

    log_mean: Floats
    shared: Floats
    inner: Floats
    size_scale: float = 1.0
    sum_scale: float = 1.0
    own: Floats | None = None
    week_scale: float = 1.0

    def spread(
        self, mean: Floats, size: Floats | None, series: Ints | None = None
    ) -> tuple[Floats, Floats, Floats | None]:
        """Shared and inner variance (n,) and size (n, n_weeks) for means and learned sizes (n, n_weeks).

        By class, linear in log volume between classes, times the series' own; `series`: their rows in the panel, all
        of it where not given. A learned size sets the series' total instead, the class how it splits.
        """
        where = np.log(np.maximum(mean[:, :NEAR].mean(axis=1), 1e-3))
        shared = np.interp(where, self.log_mean, self.shared)
        inner = np.interp(where, self.log_mean, self.inner)
        if size is not None:
            size = size / self.size_scale
            ratio = (1.0 / size[:, :NEAR]).mean(axis=1) / (shared + inner)
            shared, inner = shared * ratio, inner * ratio
        elif self.own is not None:
            own = self.own if series is None else self.own[series]
            shared, inner = shared * own, inner * own
        return shared * self.sum_scale, inner * self.sum_scale, size


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
    raw = Dispersion(middle, shared[kept], inner[kept], _size_scale(errors))
    raw = replace(raw, own=_own_scatter(raw, errors))
    raw = replace(raw, sum_scale=_sum_scale(raw, errors))
    return replace(raw, week_scale=_week_scale(raw, errors))


def _own_scatter(raw: Dispersion, errors: Errors) -> Floats | None:
    """Each series' scatter over its class's: sum(min(e^2, 16 (m + m^2)) - m) over sum(phi m^2), shrunk to 1, .4 to 2.5.

    A weekly phi is shared + inner + shared * inner; the weight of 1 is the median series' sum of phi m^2. Worked
    number: phi m^2 sums to 10 as in the median series, the excess to 30: (30 + 10) / (10 + 10) = 2.
    """
    if errors.series is None or not errors.n_series:
        return None
    shared, inner, _ = raw.spread(errors.mean, None)
    phi = shared + inner + shared * inner
    seen = np.bincount(errors.series, _excess(errors.mean, errors.units).sum(axis=1), errors.n_series)
    meant = np.bincount(errors.series, phi * (errors.mean**2).sum(axis=1), errors.n_series)
    weight = float(np.median(meant[meant > 0])) if (meant > 0).any() else 1.0
    return np.asarray(np.clip((np.maximum(seen, 0.0) + weight) / (meant + weight), *OWN_RANGE))


def _sum_scale(raw: Dispersion, errors: Errors) -> float:
    """Factor on both variances at which sums fall under their .90 quantile as often as they should, ties split.

    Matching variances alone makes that quantile too high wherever a few freak weeks carry the variance. Rows count by
    volume: slow movers scatter as Poisson whatever the factor, and would drive it to its end for nothing.
    """
    rows, (shared, inner, _) = _draw_spread(raw, errors, SCALE_ROWS)
    mean, units = errors.mean[rows].sum(axis=1), errors.units[rows].sum(axis=1)
    phi = np.maximum(shared + inner / errors.mean.shape[1], 1e-3)
    low, high = SCALE_RANGE
    for _ in range(8):
        middle = (low * high) ** 0.5
        k = 1.0 / (middle * phi)
        share = k / (k + mean)
        below, upto = stats.nbinom.cdf(units - 1, k, share), stats.nbinom.cdf(units, k, share)
        if exact_coverage(units, below, upto, TARGET, mean) < TARGET:
            low = middle
        else:
            high = middle
    return float((low * high) ** 0.5)


def _week_scale(raw: Dispersion, errors: Errors) -> float:
    """The multiple of a week's size at which its quantiles lose least pinball in the past.

    A size that matches the variance is too small wherever a few freak weeks carry it: the bulk is narrower.
    """
    rows, (shared, inner, learned) = _draw_spread(raw, errors, WEEK_ROWS)
    mean, units = errors.mean[rows], errors.units[rows]
    size = week_size(shared, inner)[:, None] if learned is None else learned
    loss = [pinball(units, count_quantiles(mean, size * scale), LEVELS).sum() for scale in WEEK_SCALES]
    return WEEK_SCALES[int(np.argmin(loss))]


def _draw_spread(raw: Dispersion, errors: Errors, most: int) -> tuple[Ints, tuple[Floats, Floats, Floats | None]]:
    """At most so many rows of errors, drawn once, and their spread."""
    rows = np.arange(len(errors.mean))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    size = errors.size[rows] if np.isfinite(errors.size[rows]).all() else None
    return rows, raw.spread(errors.mean[rows], size, None if errors.series is None else errors.series[rows])


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
