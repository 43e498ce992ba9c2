"""The forecast of one origin: the boosted model blended with the structural one, and who stands in where.

Reads a history and what was trained before the origin. Training and dispersion do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features.history import History
from models.features.panel import Floats, Ints
from models.forecast.boosted import Boosted
from models.forecast.structural import close, name_methods, structural

# Share of the structural forecast: a season seen once is worth little, seen three times it steadies the model
# (docs/forecast.md). Where there is little to learn from, it keeps the larger share.
MOST_SHARE = 0.3
FEW_PAIRS = 20_000


def structural_share(n_series: int, n_weeks: int) -> float:
    """Weight of the structural forecast: 0 up to one year of history, .3 from three years on, or on a small chain."""
    if n_series * n_weeks < FEW_PAIRS:
        return MOST_SHARE
    return MOST_SHARE * min(max((n_weeks - 52) / 104, 0.0), 1.0)


@dataclass(frozen=True)
class Expectation:
    """mean (n, n_steps) expected units; size (n, n_steps) of the weeks, or None; method (n,).

    knots: (n, n_near, 6) quantiles learned directly (knots.py), nan for rows of a fallback; or None.
    """

    mean: Floats
    size: Floats | None
    method: NDArray[np.str_]
    knots: Floats | None = None


def expect(
    history: History, model: Boosted | None, origin: int, n_steps: int, series: Ints | None = None
) -> Expectation:
    """Expected demand of columns origin .. origin + n_steps - 1 for all series, or those of `series` without knots."""
    panel = history.panel
    rows = np.arange(panel.n_series) if series is None else series
    base = close(panel, origin, structural(panel, origin, n_steps))[rows]
    method = name_methods(panel, origin, "structural" if model is None else "boosted_blend")[rows]
    if model is None:
        return Expectation(base, None, method)
    own = np.flatnonzero(np.isin(method, ("boosted_blend", "inherited_demand")))
    seen = model.predict(history, origin, n_steps, rows[own], with_knots=series is None)
    blended = base.copy()
    share = structural_share(panel.n_series, origin)
    blended[own] = share * base[own] + (1.0 - share) * seen.mean
    size = None
    if seen.size is not None:
        # fallbacks have no learned size: the typical one of rows that have
        size = np.full(base.shape, float(np.median(seen.size)) if seen.size.size else 1.0)
        size[own] = seen.size
    knots = None
    if seen.knots is not None:
        knots = np.full((len(rows), *seen.knots.shape[1:]), np.nan)
        knots[own] = seen.knots
    return Expectation(np.where(base > 0, blended, 0.0), size, method, knots)
