"""Rules of thumb that a replay sets ours against: minimum and maximum, and what the chain's own buyers seem to do.

Each reads history before the week it orders in. The fixed-cover mean and ours are in policies.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.backtest.history import History, ReplayTerms, turn_week
from models.features.panel import Panel
from models.policy.paths import Floats, Ints

MEAN_WEEKS = 13


@dataclass
class MinMax:
    """The ERP's habit: at or below the minimum, order up to the maximum; both in weeks of the 13-week mean, no season.

    levels: (weeks of the minimum beyond lead time + review, weeks from minimum to maximum), one cell each. Worked
    number: lead two weeks, review one, mean 4, level (.5, 1): at 14 units or fewer, order up to 18.
    """

    levels: Sequence[tuple[float, float]]

    @property
    def n_cells(self) -> int:
        return len(self.levels)

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        mean = recent_mean(history.panel, week)[None, :]
        level, gap = np.asarray(self.levels).T[:, :, None]
        least = np.rint((history.terms.cover_days / 7.0 + level) * mean)
        most = np.maximum(np.rint((history.terms.cover_days / 7.0 + level + gap) * mean), least + (mean > 0))
        position = on_hand + due.sum(axis=2)
        return fill_lots(np.where(position <= least, most - position, 0), history.terms)


@dataclass
class Incumbent:
    """What the chain's own orders look like as a rule: at some reviews, up to so many weeks of the 13-week mean.

    cover_weeks (n,): stock and units on order after an order, in weeks of the mean, as was usual in the pair's
    category. order_share (n,): how often an order followed when they were below that (shelf.learn_incumbent).
    """

    cover_weeks: Floats
    order_share: Floats

    @property
    def n_cells(self) -> int:
        return 1

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        level = np.rint(self.cover_weeks * recent_mean(history.panel, week))[None, :]
        position = on_hand + due.sum(axis=2)
        remembers = (turn_week(history.keys, week + 1_000) < self.order_share)[None, :]
        return fill_lots(np.where(remembers, level - position, 0), history.terms)


def recent_mean(panel: Panel, week: int) -> Floats:
    """Units a week in stock over the 13 weeks before `week`: (n,)."""
    recent = slice(max(week - MEAN_WEEKS, 0), week)
    weight = panel.weight[:, recent]
    return np.asarray((weight * panel.demand[:, recent]).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9))


def fill_lots(wanted: Floats, terms: ReplayTerms) -> Ints:
    """Whole packs that hold what is wanted, at least the smallest order, or nothing: 7 wanted in packs of 5 is 10."""
    least = -(-np.maximum(terms.moq, 1) // terms.pack) * terms.pack
    units = np.rint(np.maximum(wanted, 0)).astype(np.int64)
    lots = -(-units // terms.pack) * terms.pack
    return np.asarray(np.where(units > 0, np.maximum(lots, least), 0))
