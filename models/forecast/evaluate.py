"""Accuracy of the engine beside its baselines on rolling origins of a chain's own past, in one process.

Reads the `demand` and `catalog` frames, gives a tidy frame. Judged on weeks fully on the shelf, of series seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import polars as pl

from models.features.history import History, build_history
from models.features.panel import Floats, build_panel, monday_of
from models.forecast import accuracy, baselines
from models.forecast.distribution import LEVELS, count_quantiles, draw_paths, week_size
from models.forecast.engine import Forecast, Progress, forecast_origins

SUM_WEEKS = 3
N_PATHS = 400
# Paths of this many series measure coverage to half a percent; all of a large chain would take its memory.
SUM_SERIES = 5_000
NINETY = int(np.flatnonzero(LEVELS == 0.9)[0])

Baseline = Callable[[History, int, int], tuple[Floats, Floats]]
BASELINES: dict[str, Baseline] = {
    "seasonal_naive": baselines.seasonal_naive,
    "mean_13_season": baselines.mean_13_season,
    "decayed_mean": baselines.decayed_mean,
    "empirical_8": baselines.empirical_quantiles,
}


def evaluate(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    origins: Sequence[date],
    horizon: int = 4,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Tidy frame origin, method, metric, value for "ims" and each baseline over the `horizon` weeks from each origin.

    Metrics: wql, wape, bias, coverage_90_below (P(y < q)), coverage_90 (P(y <= q)); for "ims" also sum_wql,
    sum_coverage_90_below, sum_coverage_90 and sum_coverage_90_exact of the sum of three weeks. Models are trained at a
    few of the origins, as the engine does; every origin must leave `horizon` complete weeks after it to judge by.
    """
    made = forecast_origins(demand, catalog, origins, horizon, progress)
    last = pl.Series([monday_of(max(origins))]).dt.offset_by(f"{horizon}w").item()
    history = build_history(build_panel(demand, catalog, last))
    rows: list[dict[str, object]] = []
    for forecast in made:
        origin = history.panel.index_of(forecast.origin)
        size = forecast.size if forecast.size is not None else week_size(forecast.shared, forecast.inner)[:, None]
        found = {"ims": (forecast.mean, count_quantiles(forecast.mean, size))}
        found |= {name: method(history, origin, horizon) for name, method in BASELINES.items()}
        for name, (mean, quantiles) in found.items():
            metrics = _judge_weeks(history, origin, mean, quantiles)
            if name == "ims" and horizon >= SUM_WEEKS:
                metrics |= _judge_sums(history, origin, forecast)
            rows += [
                {"origin": forecast.origin, "method": name, "metric": metric, "value": value}
                for metric, value in metrics.items()
            ]
    schema = {"origin": pl.Date, "method": pl.String, "metric": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def summarise(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per method, one column per metric: the mean over origins."""
    return frame.pivot("metric", index="method", values="value", aggregate_function="mean")


def _judge_weeks(history: History, origin: int, mean: Floats, quantiles: Floats) -> dict[str, float]:
    columns = slice(origin, origin + mean.shape[1])
    units = history.panel.demand[:, columns]
    keep = (history.panel.weight[:, columns] >= 0.999) & (history.weeks[:, origin] >= 1)[:, None]
    units, mean, quantiles = units[keep], mean[keep], quantiles[keep]
    below, at_or_below = accuracy.coverage(units, quantiles[:, NINETY])
    return {
        "wql": accuracy.weighted_quantile_loss(units, quantiles, LEVELS),
        "wape": accuracy.weighted_absolute_error(units, mean),
        "bias": accuracy.bias(units, mean),
        "coverage_90_below": below,
        "coverage_90": at_or_below,
    }


def _judge_sums(history: History, origin: int, forecast: Forecast) -> dict[str, float]:
    columns = slice(origin, origin + SUM_WEEKS)
    keep = (history.panel.weight[:, columns] >= 0.999).all(axis=1) & (history.weeks[:, origin] >= 1)
    rows = np.flatnonzero(keep)
    if len(rows) > SUM_SERIES:
        rows = np.sort(np.random.default_rng(origin).choice(rows, SUM_SERIES, replace=False))
    units = history.panel.demand[rows, columns].sum(axis=1)
    paths = draw_paths(forecast.mean[rows, :SUM_WEEKS], forecast.shared[rows], forecast.inner[rows], N_PATHS, origin)
    totals = np.sort(paths.sum(axis=2), axis=0)
    quantiles = totals[np.ceil(LEVELS * N_PATHS).astype(np.int64) - 1].T.astype(float)
    below, at_or_below = accuracy.coverage(units, quantiles[:, NINETY])
    under, upto = (totals < units).mean(axis=0), (totals <= units).mean(axis=0)
    return {
        "sum_wql": accuracy.weighted_quantile_loss(units, quantiles, LEVELS),
        "sum_coverage_90_below": below,
        "sum_coverage_90": at_or_below,
        "sum_coverage_90_exact": accuracy.exact_coverage(units, under, upto, 0.9),
    }
