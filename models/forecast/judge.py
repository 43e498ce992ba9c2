"""A forecast set against what came: losses, bias and coverage of weeks and of the sum of three weeks.

Reads a panel that reaches past the origin. Judged on weeks fully on the shelf, of series seen before the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.features.panel import Floats, Ints, Panel
from models.forecast import accuracy
from models.forecast.accuracy import NINETY, SUM_WEEKS
from models.forecast.distribution import LEVELS, count_quantiles, sum_size
from models.forecast.engine import Forecast
from models.forecast.quantiles import week_quantiles


@dataclass(frozen=True)
class Made:
    """What a method says from one origin: mean (n, n_steps), quantiles (n, n_steps, 19), those of the sum (n, 19)."""

    mean: Floats
    quantiles: Floats
    sums: Floats


def read_forecast(forecast: Forecast, n_steps: int) -> Made:
    """The engine's forecast as quantiles."""
    mean = forecast.mean[:, :n_steps]
    near = forecast.mean[:, :SUM_WEEKS]
    sums = count_quantiles(near.sum(axis=1), sum_size(near, forecast.shared, forecast.inner))
    return Made(mean, week_quantiles(forecast, n_steps), sums)


def exact_cover(forecast: Forecast, panel: Panel, origin: int, rows: Ints) -> float:
    """Coverage of the .90 quantile of three-week sums with ties split: .9 when calibrated, whatever the volume."""
    rows = _whole_sums(panel, origin, rows)
    near = forecast.mean[rows, :SUM_WEEKS]
    mean, size = near.sum(axis=1), sum_size(near, forecast.shared[rows], forecast.inner[rows])
    units = panel.demand[rows, origin : origin + SUM_WEEKS].sum(axis=1)
    share = size / (size + np.maximum(mean, 1e-9))
    below, upto = stats.nbinom.cdf(units - 1, size, share), stats.nbinom.cdf(units, size, share)
    return accuracy.exact_coverage(units, below, upto, 0.9)


def judge(panel: Panel, origin: int, made: Made, rows: Ints) -> dict[str, float]:
    """Figures of one window over `rows`: wql, wape, bias, units, coverage of .90, and the same of three-week sums."""
    columns = slice(origin, origin + made.mean.shape[1])
    keep = judged_weeks(panel, origin, rows, made.mean.shape[1])
    units, mean, quantiles = panel.demand[rows, columns][keep], made.mean[rows][keep], made.quantiles[rows][keep]
    below, upto = accuracy.coverage(units, quantiles[:, NINETY])
    whole = _whole_sums(panel, origin, rows)
    total, sums = panel.demand[whole, origin : origin + SUM_WEEKS].sum(axis=1), made.sums[whole]
    sum_below, sum_upto = accuracy.coverage(total, sums[:, NINETY])
    return {
        "units": float(units.sum()),
        "wql": accuracy.weighted_quantile_loss(units, quantiles, LEVELS),
        "sum_wql": accuracy.weighted_quantile_loss(total, sums, LEVELS),
        "wape": accuracy.weighted_absolute_error(units, mean),
        "bias": accuracy.bias(units, mean),
        "coverage_below": below,
        "coverage_upto": upto,
        "sum_coverage_below": sum_below,
        "sum_coverage_upto": sum_upto,
    }


def judged_weeks(panel: Panel, origin: int, rows: Ints, n_steps: int) -> NDArray[np.bool_]:
    """Which weeks from `origin` on are judged, (len(rows), n_steps): fully on the shelf, of a series seen before."""
    seen = panel.weight[rows, :origin].sum(axis=1) >= 1
    return np.asarray((panel.weight[rows, origin : origin + n_steps] >= 0.999) & seen[:, None])


def _whole_sums(panel: Panel, origin: int, rows: Ints) -> Ints:
    whole = (panel.weight[rows, origin : origin + SUM_WEEKS] >= 0.999).all(axis=1)
    return np.asarray(rows[whole & (panel.weight[rows, :origin].sum(axis=1) >= 1)])
