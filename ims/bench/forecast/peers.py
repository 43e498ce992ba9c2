"""The peers: what a forecaster would reach for, each seeing the same weeks as the engine in the same process.

Each takes what is seen before an origin and gives a mean and 19 quantiles a step. statsforecast and mlforecast come
with `uv sync --group bench`; without them their rows are left out, and the report says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import polars as pl

from ims.bench.forecast.seen import Seen
from models.features.panel import Floats
from models.forecast.distribution import LEVELS, count_quantiles

Made = tuple[Floats, Floats]
Peer = Callable[[Seen, int], Made]

# an interval's level in per cent -> the two quantiles it ends at
INTERVALS = [round(100 * (1 - 2 * level)) for level in LEVELS[LEVELS < 0.5]]
RECENT, VARIANCE = 8, 26
SMOOTHING = 0.1
ETS_LEAST = 10  # steps: a damped trend has five parameters, and the library asks for four more than it has


def autoets(seen: Seen, n_steps: int) -> Made:
    """statsforecast's AutoETS, its normal intervals cut at 0."""
    from statsforecast.models import AutoETS

    frame = _statsforecast(seen, n_steps, AutoETS(season_length=1), INTERVALS, ETS_LEAST)
    return _pick(seen, frame, "AutoETS", n_steps)


def tsb(seen: Seen, n_steps: int) -> Made:
    """Teunter, Syntetos and Babai's intermittent smoothing at .1 and .1, negative binomial by own variance."""
    from statsforecast.models import TSB

    return _counted(seen, n_steps, TSB(SMOOTHING, SMOOTHING), "TSB")


def sba(seen: Seen, n_steps: int) -> Made:
    """Croston's method with Syntetos and Boylan's correction, negative binomial by own variance."""
    from statsforecast.models import CrostonSBA

    return _counted(seen, n_steps, CrostonSBA(), "CrostonSBA")


def ses(seen: Seen, n_steps: int) -> Made:
    """Simple exponential smoothing, its weight fitted per series, negative binomial by own variance."""
    from statsforecast.models import SimpleExponentialSmoothingOptimized

    return _counted(seen, n_steps, SimpleExponentialSmoothingOptimized(), "SESOpt")


def seasonal_naive(seen: Seen, n_steps: int) -> Made:
    """The same step a year ago, else the last one; every quantile equal to it."""
    year = 52 // seen.width
    columns = [seen.n_weeks + step - year for step in range(n_steps)]
    picked = [column if 0 <= column < seen.n_weeks else seen.n_weeks - 1 for column in columns]
    mean = seen.units[:, picked]
    return mean, np.repeat(mean[:, :, None], len(LEVELS), axis=2)


def empirical(seen: Seen, n_steps: int) -> Made:
    """Quantiles of each series' last 8 steps."""
    last = seen.units[:, -RECENT:]
    quantiles = np.quantile(last, LEVELS, axis=1, method="inverted_cdf").T
    mean = last.mean(axis=1)
    return np.repeat(mean[:, None], n_steps, axis=1), np.repeat(quantiles[:, None, :], n_steps, axis=1)


def mlforecast(seen: Seen, n_steps: int) -> Made:
    """mlforecast with LightGBM Tweedie on lags and rolling means, conformal intervals of two windows."""
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean
    from mlforecast.utils import PredictionIntervals

    from models.forecast.plain import tweedie_regressor

    lags = [1, 2, 3, 4, 8, 13] if seen.width == 1 else [1, 2, 3, 4]
    rolling = {1: [RollingMean(4), RollingMean(13)] if seen.width == 1 else [RollingMean(4)]}
    frame = seen.long(np.arange(len(seen.units)), max(lags) + 2 * n_steps + 2)
    codes = [np.asarray(seen.panel.codes[name])[frame["unique_id"].to_numpy()] for name in ("store", "subcategory")]
    frame = frame.with_columns(store=pl.Series(codes[0]), subcategory=pl.Series(codes[1]))
    model = MLForecast(models={"plain": tweedie_regressor()}, freq="1w", lags=lags, lag_transforms=rolling)
    model.fit(
        frame,
        static_features=["store", "subcategory"],
        prediction_intervals=PredictionIntervals(n_windows=2, h=n_steps),
    )
    return _pick(seen, model.predict(n_steps, level=INTERVALS), "plain", n_steps)


def plain_quantiles(seen: Seen, n_steps: int) -> Made:
    """LightGBM quantile models on raw lags, means and codes, one per level of a grid."""
    from models.forecast.plain import quantile_models

    return quantile_models(seen.panel, seen.units, seen.first, n_steps, seen.width)


def list_peers() -> dict[str, Peer]:
    """The peers that can run here."""
    found: dict[str, Peer] = {"LightGBM quantiles": plain_quantiles}
    if find_spec("mlforecast"):
        found["mlforecast Tweedie, conformal"] = mlforecast
    if find_spec("statsforecast"):
        found |= {"AutoETS": autoets, "SES": ses, "SBA (Croston)": sba, "TSB": tsb}
    return found | {"empirical, last 8": empirical, "seasonal naive": seasonal_naive}


def _statsforecast(
    seen: Seen, n_steps: int, model: object, levels: list[int] | None = None, least: int = 5
) -> pl.DataFrame:
    from statsforecast import StatsForecast

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = StatsForecast(models=[model], freq="1w", n_jobs=1)
        made = fitted.forecast(df=seen.long(seen.rows, least), h=n_steps, level=levels)
    assert isinstance(made, pl.DataFrame), "polars in, polars out"
    return made


def _counted(seen: Seen, n_steps: int, model: object, column: str) -> Made:
    mean = _spread_rows(seen, _statsforecast(seen, n_steps, model), column, n_steps)
    return mean, count_quantiles(mean, _own_size(seen)[:, None])


def _own_size(seen: Seen) -> Floats:
    """Negative binomial size by moments of the last half year: variance = mean + mean^2 / k."""
    last = seen.units[:, -VARIANCE if seen.n_weeks > VARIANCE else 0 :]
    mean, variance = last.mean(axis=1), last.var(axis=1)
    return np.asarray(np.clip(mean**2 / np.maximum(variance - mean, 1e-3), 0.1, 1e3))


def _pick(seen: Seen, frame: pl.DataFrame, column: str, n_steps: int) -> Made:
    mean = _spread_rows(seen, frame, column, n_steps)
    quantiles = np.zeros((*mean.shape, len(LEVELS)))
    for at, level in enumerate(LEVELS):
        side = "lo" if level < 0.5 else "hi"
        name = column if level == 0.5 else f"{column}-{side}-{round(100 * abs(1 - 2 * level))}"
        quantiles[:, :, at] = _spread_rows(seen, frame, name, n_steps)
    return mean, np.sort(quantiles, axis=2)


def _spread_rows(seen: Seen, frame: pl.DataFrame, column: str, n_steps: int) -> Floats:
    """Forecasts by series in the panel's rows; a series too short for the library gets its own mean."""
    own = np.asarray(seen.units[:, -13:].mean(axis=1))
    mean = np.repeat(own[:, None], n_steps, axis=1)
    ordered = frame.sort("unique_id", "ds")
    rows = ordered["unique_id"].to_numpy().astype(np.int64)[::n_steps]
    mean[rows] = np.nan_to_num(ordered[column].to_numpy().astype(float).reshape(-1, n_steps))
    return np.asarray(np.maximum(mean, 0.0))
