"""The forecasting engine: distributions of weekly demand for every series of the catalog, at one or many origins.

Reads the `demand` and `catalog` frames, gives Forecast objects. Order rules and money do not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.features.panel import Floats, build_panel, monday_of
from models.forecast.structural import close, name_methods, structural

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Forecast:
    """Distribution of weekly demand seen from one origin.

    origin: Monday of step 0. series: store_code, sku in the row order of the arrays.
    mean: (n_series, n_weeks) expected units of each full week.
    shared, inner: (n_series,) variance of the gamma shock (mean 1) that all weeks of a path share, and of the one
        each week draws for itself: demand of step h ~ Poisson(mean_h * G * G_h).
    size: (n_series, n_weeks) negative binomial size k of single weeks, variance mean + mean^2 / k, or None: then
        1 / k = shared + inner + shared * inner.
    method: (n_series,) the model, or the fallback that stood in for it.
    """

    origin: date
    series: pl.DataFrame
    mean: Floats
    shared: Floats
    inner: Floats
    size: Floats | None
    method: NDArray[np.str_]


def forecast(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    as_of: date,
    horizon_weeks: int = 16,
    progress: Progress | None = None,
) -> Forecast:
    """Forecast from complete weeks before `as_of`; step 0 is the week that holds it, as a full week."""
    return forecast_origins(demand, catalog, [as_of], horizon_weeks, progress)[0]


def forecast_origins(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    origins: Sequence[date],
    horizon_weeks: int,
    progress: Progress | None = None,
) -> list[Forecast]:
    """One forecast per origin, in the order given, each from complete weeks before it only."""
    panel = build_panel(demand, catalog, monday_of(max(origins)))
    result = []
    for done, day in enumerate(origins):
        origin = max(panel.index_of(day), 0)
        mean = close(panel, origin, structural(panel, origin, horizon_weeks))
        result.append(
            Forecast(
                origin=monday_of(day),
                series=panel.series,
                mean=mean,
                shared=np.full(panel.n_series, 0.1),
                inner=np.full(panel.n_series, 0.25),
                size=None,
                method=name_methods(panel, origin, "structural"),
            )
        )
        if progress is not None:
            progress("forecast", (done + 1) / len(origins))
    return result
