"""Contact lenses run out on a day that is known when they are bought: boxes due in a week, beside walk-in demand.

Reads what was bought and when it runs out; answers what was due in any week as known at any origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.features.panel import Floats, Ints, Panel

# Columns either side of the panel that an event may lie in.
REACH = 1_000


@dataclass(frozen=True)
class Renewals:
    """keys: (n_events,) ascending: series, due column and order column in one number. total: (n_events + 1,) boxes.

    sold: (n_series,) whether the series has any event.
    """

    keys: Ints
    total: Floats
    sold: NDArray[np.bool_]

    def due(self, i: Ints, column: Ints, t: Ints) -> Floats:
        """Boxes of series `i` that run out in `column`, of those bought before column `t`."""
        first, last = _key(i, column, np.full(len(i), -REACH)), _key(i, column, t)
        return np.asarray(self.total[np.searchsorted(self.keys, last)] - self.total[np.searchsorted(self.keys, first)])

    def around(self, i: Ints, column: Ints, t: Ints) -> Floats:
        """Boxes due about a week: a quarter of the week before and after, half of its own. 0, 8, 4: 5."""
        near = self.due(i, column - 1, t) + self.due(i, column + 1, t)
        return np.asarray(0.25 * near + 0.5 * self.due(i, column, t))


def index_renewals(panel: Panel, bought: pl.DataFrame) -> Renewals | None:
    """Renewals of the panel's series; None where nobody's lenses run out.

    `bought`: store_code, sku, ordered_on, runs_out_on, boxes.
    """
    rows = panel.series.with_row_index("row")
    known = bought.drop_nulls(["ordered_on", "runs_out_on"]).join(rows, on=["store_code", "sku"])
    if known.is_empty():
        return None
    i = known["row"].to_numpy().astype(np.int64)
    ordered, due = (
        np.clip((known[name] - panel.start).dt.total_days().to_numpy().astype(np.int64) // 7, 1 - REACH, REACH - 1)
        for name in ("ordered_on", "runs_out_on")
    )
    keys = _key(i, due, ordered)
    order = np.argsort(keys, kind="stable")
    boxes = known["boxes"].to_numpy().astype(float)[order]
    sold = np.zeros(panel.n_series, dtype=bool)
    sold[i] = True
    return Renewals(keys[order], np.concatenate([[0.0], np.cumsum(boxes)]), sold)


def _key(i: Ints, column: Ints, t: Ints) -> Ints:
    width = 2 * REACH
    return np.asarray((i * width + np.clip(column + REACH, 0, width - 1)) * width + np.clip(t + REACH, 0, width - 1))
