"""One-off spikes damped: a bulk order or a slip of a key must not become a level, nor a target to learn.

Reads a panel, gives a panel. A promotion is no one-off: what other stores sold of the sku in the same week counts too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.features.history import sum_by
from models.features.panel import Panel

# A week may be this many times the mean of the series' last year, or of its sku elsewhere that week, and 8 units more.
TIMES, FLOOR = 10.0, 8.0
YEAR, LEAST_WEEKS = 52, 4.0


def damp_spikes(panel: Panel) -> Panel:
    """The panel with each week at most at its cap, which only weeks before it, and other stores that week, set.

    Mean 2 a week and 500 once: 8 + 10 * 2 = 28. A series under 4 weeks old is held to the mean of all series before.
    """
    if panel.n_weeks < 2:
        return panel
    weight, demand = panel.weight, panel.demand.copy()
    code = panel.codes["sku"]
    sold_weeks = sum_by(code, weight)
    for column in range(panel.n_weeks):
        first = max(column - YEAR, 0)
        seen = weight[:, first:column].sum(axis=1)
        # what was damped before stays damped: two bulk orders are not a level either
        own = (weight[:, first:column] * demand[:, first:column]).sum(axis=1) / np.maximum(seen, 1e-9)
        everyone = float((weight[:, first:column] * demand[:, first:column]).sum() / max(seen.sum(), 1e-9))
        usual = np.where(seen >= LEAST_WEEKS, own, np.maximum(own, 3.0 * everyone))
        units = weight[:, column] * panel.demand[:, column]
        total = np.bincount(code, units)[code] - units
        others = total / np.maximum(sold_weeks[code, column] - weight[:, column], 1.0)
        cap = FLOOR + TIMES * np.maximum(usual, others)
        if column == 0:
            typical = float(np.median(units[units > 0])) if units.any() else 1.0
            cap = np.full(panel.n_series, FLOOR + 5.0 * TIMES * typical)
        demand[:, column] = np.minimum(demand[:, column], cap)
    return replace(panel, demand=demand)
