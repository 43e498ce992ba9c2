"""The published forecast: one row per series and calendar week, mean and 19 quantiles of weekly demand.

Reads a Forecast, writes the `forecast_weekly` frame. Distributions of several weeks come from paths, never from here.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from models.forecast.distribution import LEVELS
from models.forecast.engine import Forecast
from models.forecast.quantiles import week_quantiles

QUANTILES = [f"p{round(level * 100):02d}" for level in LEVELS]


def forecast_weekly(forecast: Forecast, as_of: date) -> pl.DataFrame:
    """Rows by store_code, sku, week_starting_on with mean_qty, p05 .. p95 (ordered, not negative) and method.

    The first week counts from `as_of` on: on a Thursday 4/7 of a full week's mean. Raises ValueError when `as_of` lies
    outside the forecast's first week.
    """
    passed = (as_of - forecast.origin).days
    if not 0 <= passed < 7:
        raise ValueError(f"as_of {as_of} is not in the first week of the forecast, which starts on {forecast.origin}")
    mean = forecast.mean.copy()
    mean[:, 0] *= (7 - passed) / 7
    n_series, n_weeks = mean.shape
    quantiles = week_quantiles(forecast, n_weeks, (7 - passed) / 7)
    weeks = [forecast.origin + timedelta(weeks=step) for step in range(n_weeks)]
    row = np.repeat(np.arange(n_series), n_weeks)
    return forecast.series.select("store_code", "sku")[row].select(
        pl.lit(as_of).alias("as_of"),
        "store_code",
        "sku",
        pl.Series("week_starting_on", np.tile(np.array(weeks, dtype="datetime64[D]"), n_series)).cast(pl.Date),
        pl.Series("mean_qty", mean.ravel()),
        *(pl.Series(name, quantiles[:, :, at].ravel()) for at, name in enumerate(QUANTILES)),
        pl.Series("method", forecast.method[row].tolist(), dtype=pl.String),
    )
