"""The champions at work: a segment that a challenger holds is forecast by him, with the scatter of his own errors.

Reads a forecast made by the model, gives it back with the challengers' rows in it. The choice is champion.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.features.history import History
from models.forecast.baselines import CHALLENGERS
from models.forecast.champion import choose_champions
from models.forecast.dispersion import Dispersion, fit_dispersion
from models.forecast.distribution import week_size
from models.forecast.structural import close
from models.forecast.trials import MODEL, Trials

if TYPE_CHECKING:
    from models.forecast.engine import Forecast

# A fallback keeps its rows: it stands in where no method has enough to go by.
OPEN = (MODEL, "structural")


@dataclass(frozen=True)
class Seats:
    """champions: CHAMPION_SCHEMA; scatter of each challenger that holds a segment."""

    champions: pl.DataFrame
    scatter: dict[str, Dispersion]

    def take(self, forecast: Forecast, history: History, origin: int) -> Forecast:
        """The forecast with the rows of segments held by challengers made by them, and named so."""
        if not self.scatter or forecast.segment is None:
            return forecast
        holder = dict(self.champions.select("segment", "champion").iter_rows())
        held = np.array([holder.get(name, MODEL) for name in forecast.segment.tolist()])
        mean, method = forecast.mean.copy(), forecast.method.copy()
        shared, inner = forecast.shared.copy(), forecast.inner.copy()
        size = None if forecast.size is None else forecast.size.copy()
        knots = None if forecast.knots is None else forecast.knots.copy()
        for name, scatter in self.scatter.items():
            rows = np.flatnonzero((held == name) & np.isin(forecast.method, OPEN))
            theirs = CHALLENGERS[name](history, origin, mean.shape[1])
            mean[rows] = close(history.panel, origin, theirs)[rows]
            shared[rows], inner[rows], _ = scatter.spread(mean[rows], None)
            if size is not None:
                size[rows] = week_size(shared[rows], inner[rows])[:, None]
            if knots is not None:
                knots[rows] = np.nan
            method[rows] = name
        return replace(forecast, mean=mean, shared=shared, inner=inner, size=size, method=method, knots=knots)


def seat_champions(trials: Trials, reigning: pl.DataFrame | None) -> Seats:
    """Champions by these trials, and the scatter of those that are challengers."""
    champions = choose_champions(trials, reigning)
    names = sorted(set(champions["champion"].to_list()) - {MODEL})
    return Seats(champions, {name: fit_dispersion(trials.errors(name)) for name in names})
