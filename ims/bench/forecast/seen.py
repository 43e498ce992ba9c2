"""What a peer is shown at an origin: the same weeks as the engine, in the shape that forecasting libraries take.

Reads a panel. A week out of stock is filled with the series' mean around it, which favours peers that know no gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.features.panel import Floats, Ints, Panel
from models.forecast.accuracy import SUM_WEEKS

AROUND = 4


@dataclass(frozen=True)
class Seen:
    """Weekly units before an origin, gaps filled: units (n, n_weeks), first observed column (n,), of all series.

    width: weeks of a step. rows: the series that a slow peer is asked for; the others it may leave at their mean.
    """

    panel: Panel
    units: Floats
    first: Ints
    rows: Ints
    width: int = 1

    @property
    def n_weeks(self) -> int:
        return int(self.units.shape[1])

    def blocks(self) -> Seen:
        """The same in sums of three weeks, counted back from the origin: a peer's direct view of such a sum."""
        left = self.n_weeks % SUM_WEEKS
        units = self.units[:, left:].reshape(len(self.units), -1, SUM_WEEKS).sum(axis=2)
        first = np.maximum(-(-(self.first - left) // SUM_WEEKS), 0)
        return Seen(self.panel, units, first, self.rows, SUM_WEEKS)

    def long(self, rows: Ints, least: int) -> pl.DataFrame:
        """unique_id (row), ds, y of `rows` with at least `least` steps, from their first observed one on."""
        rows = rows[self.n_weeks - self.first[rows] >= least]
        column = np.arange(self.n_weeks)
        keep = column[None, :] >= self.first[rows][:, None]
        # any dates will do: a block of three weeks stands as one
        days = np.array([date(2001, 1, 1) + timedelta(weeks=int(i)) for i in column], dtype="datetime64[D]")
        return pl.DataFrame(
            {
                "unique_id": np.broadcast_to(rows[:, None], keep.shape)[keep],
                "ds": pl.Series(np.broadcast_to(days[None, :], keep.shape)[keep]).cast(pl.Date),
                "y": self.units[rows][keep],
            }
        )


def see(panel: Panel, rows: Ints) -> Seen:
    """What `panel`, cut at its origin, shows."""
    weight, units = panel.weight, panel.demand * panel.weight
    n = panel.n_weeks
    total = np.concatenate([np.zeros((len(units), 1)), np.cumsum(units, axis=1)], axis=1)
    weeks = np.concatenate([np.zeros((len(units), 1)), np.cumsum(weight, axis=1)], axis=1)
    low, high = np.maximum(np.arange(n) - AROUND, 0), np.minimum(np.arange(n) + AROUND + 1, n)
    known = weeks[:, high] - weeks[:, low]
    own = total[:, -1:] / np.maximum(weeks[:, -1:], 1e-9)
    around = np.where(known > 0, (total[:, high] - total[:, low]) / np.maximum(known, 1e-9), own)
    observed = weight > 0
    first = np.where(observed.any(axis=1), np.argmax(observed, axis=1), n)
    return Seen(panel, np.where(observed, panel.demand, around), first.astype(np.int64), rows)
