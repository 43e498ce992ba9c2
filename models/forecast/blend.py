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

# Share of the structural forecast. It steadies the model on a few hundred series and costs nothing measurable
# on thirty thousand (docs/forecast.md).
STRUCTURAL_SHARE = 0.25


@dataclass(frozen=True)
class Expectation:
    """mean (n, n_steps) expected units; size (n, n_steps) of the weeks, or None; method (n,)."""

    mean: Floats
    size: Floats | None
    method: NDArray[np.str_]


def expect(
    history: History, model: Boosted | None, origin: int, n_steps: int, series: Ints | None = None
) -> Expectation:
    """Expected demand of columns origin .. origin + n_steps - 1 for all series, or those of `series`."""
    panel = history.panel
    rows = np.arange(panel.n_series) if series is None else series
    base = close(panel, origin, structural(panel, origin, n_steps))[rows]
    method = name_methods(panel, origin, "structural" if model is None else "boosted_blend")[rows]
    if model is None:
        return Expectation(base, None, method)
    own = np.flatnonzero(method == "boosted_blend")
    mean, learned = model.predict(history, origin, n_steps, rows[own])
    blended = base.copy()
    blended[own] = STRUCTURAL_SHARE * base[own] + (1.0 - STRUCTURAL_SHARE) * mean
    size = None
    if learned is not None:
        # fallbacks have no learned size: the typical one of rows that have
        size = np.full(base.shape, float(np.median(learned)) if learned.size else 1.0)
        size[own] = learned
    return Expectation(np.where(base > 0, blended, 0.0), size, method)
