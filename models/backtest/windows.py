"""Windows of history to replay: where orders begin, which weeks are scored, who takes part, what the shelf starts with.

Weeks are column numbers of the panel. Reads history before a window only where it sets the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.backtest.history import History, ReplayTerms
from models.policy.decision import Flags
from models.policy.paths import Ints

ORDER_WEEKS = 6
LEAST_HISTORY = 26
LEAST_SEEN = 8
MAX_WINDOWS, ENOUGH_WINDOWS = 15, 6
MAX_REVIEW_WEEKS = 13


@dataclass(frozen=True)
class Window:
    """Orders in weeks first .. first + order_weeks - 1; each pair is scored as long, from its first arrival."""

    first: int
    order_weeks: int
    n_weeks: int

    @property
    def order_at(self) -> range:
        return range(self.first, self.first + self.order_weeks)


@dataclass(frozen=True)
class Start:
    """What n pairs begin a window with: takes_part, on_hand (n,), due (n, n_weeks) units arriving in each week."""

    takes_part: Flags
    on_hand: Ints
    due: Ints


def keep_replayable(terms: pl.DataFrame, n_weeks: int) -> pl.DataFrame:
    """Terms rows whose lead time and review period leave room for six windows in n_weeks of history, if any do.

    One vendor half a year away must not cost the chain its calibration: the slowest tenth, quarter, or half of the
    pairs is left out, whichever first gives six windows, else the one that gives most.
    """
    lead = pl.col("lead_time_days").clip(lower_bound=0) // 7
    review = (pl.col("review_period_days") / 7.0).round().clip(1, MAX_REVIEW_WEEKS)
    weeks = terms.select(lead.alias("lead"), review.alias("review")).drop_nulls()
    if weeks.is_empty():
        return terms
    found: dict[int, pl.Expr] = {}
    for share in (1.0, 0.9, 0.75, 0.5):
        most = {name: float(np.quantile(weeks[name].to_numpy(), share, method="higher")) for name in weeks.columns}
        order_weeks = max(ORDER_WEEKS, 2 * int(most["review"]))
        n_windows = max((n_weeks - order_weeks - int(most["lead"]) - LEAST_HISTORY) // order_weeks + 1, 0)
        found.setdefault(min(n_windows, ENOUGH_WINDOWS), (lead <= most["lead"]) & (review <= most["review"]))
    return terms.filter(found[max(found)])


def list_windows(terms: ReplayTerms, n_weeks: int, max_windows: int = MAX_WINDOWS) -> list[Window]:
    """The latest windows whose scored weeks do not overlap, oldest first; none begins before week 26."""
    if len(terms.lead_weeks) == 0:
        return []
    order_weeks = max(ORDER_WEEKS, 2 * int(min(terms.review_weeks.max(), MAX_REVIEW_WEEKS)))
    length = order_weeks + int(terms.lead_weeks.max())
    firsts = list(range(n_weeks - length, LEAST_HISTORY - 1, -order_weeks))[:max_windows]
    return [Window(first, order_weeks, length) for first in reversed(firsts)]


def list_origins(history: History, windows: list[Window]) -> list[date]:
    """Mondays at which a replay of the windows needs a forecast, ascending, none twice."""
    return [history.panel.monday(week) for week in sorted({week for window in windows for week in window.order_at})]


def start_window(history: History, window: Window) -> Start:
    """A plausible shelf: lead time plus one week of the last 13 weeks' mean, three quarters of a review in each order.

    Worked number: mean 4, lead two weeks, review one: two orders of 3 under way and 2 * 4 + 4 - 6 = 6 on hand.
    """
    terms = history.terms
    recent = slice(max(window.first - 13, 0), window.first)
    weight = history.panel.weight[:, recent]
    mean = (weight * history.panel.demand[:, recent]).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    due = np.zeros((len(mean), window.n_weeks + 1), dtype=np.int64)
    each = np.rint(0.75 * mean * terms.review_weeks).astype(np.int64)
    under_way = np.zeros(len(mean))
    for back in range(1, int(terms.lead_weeks.max(initial=0)) + 1):
        # an order of week -back * review arrives in week lead - back * review, if that is still to come
        week = terms.lead_weeks - back * terms.review_weeks
        is_due = week >= 0
        due[is_due, week[is_due]] += each[is_due]
        under_way += 0.75 * mean * terms.review_weeks * is_due
    on_hand = np.rint(np.maximum((terms.lead_weeks + 1) * mean - under_way, 0.0)).astype(np.int64)
    seen = (history.panel.weight[:, : window.first] > 0).sum(axis=1)
    return Start(seen >= LEAST_SEEN, on_hand, due)
