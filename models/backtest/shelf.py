"""The chain's own shelf, week by week: what stood on it, what was sold, what was ordered. What really happened.

Reads frames, gives arrays in the order of a history's pairs, the start they give a window, and the money they cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.backtest.history import PAIR, History
from models.backtest.rules import Incumbent, recent_mean
from models.backtest.simulator import FIGURES, Outcome, charge
from models.backtest.windows import LEAST_SEEN, Start, Window
from models.policy.paths import Ints

LEAST_ORDERS = 20


@dataclass(frozen=True)
class Shelf:
    """n pairs by week. opening (n, n_weeks + 1): units at the opening of each Monday, -1 where not known.

    sold, ordered: units of the week, orders: lines ordered in it. outstanding: ordered before the week's opening and
    still to come.
    """

    opening: Ints
    sold: Ints
    ordered: Ints
    orders: Ints
    outstanding: Ints

    @property
    def is_known(self) -> bool:
        return bool((self.opening >= 0).any())

    def arrived(self, week: int) -> Ints:
        """Units that came in the week less those that went otherwise than by sale; 0 where not known."""
        before, after = self.opening[:, week], self.opening[:, week + 1]
        return np.asarray(np.where((before >= 0) & (after >= 0), after - before + self.sold[:, week], 0))


def read_shelf(history: History, demand: pl.DataFrame, stock: pl.DataFrame, lines: pl.DataFrame) -> Shelf:
    """Shelf of the history's pairs.

    stock: store_code, sku, week_starting_on, on_hand_qty at that Monday's opening. lines: store_code, sku, sent_on,
    arrived_on (null: still open), ordered_qty, of orders and of transfers into the store.
    """
    n_weeks = history.panel.n_weeks
    sold = count_weeks(history, demand, "week_starting_on", "demand_qty", n_weeks, 0)
    sent = lines.with_columns(pl.lit(1).alias("line"))
    ordered = count_weeks(history, sent, "sent_on", "ordered_qty", n_weeks + 1, 0)
    ended = count_weeks(
        history, sent.filter(pl.col("arrived_on").is_not_null()), "arrived_on", "ordered_qty", n_weeks + 1, 0
    )
    outstanding = np.concatenate(
        [np.zeros((len(sold), 1), dtype=np.int64), np.cumsum(ordered - ended, axis=1)[:, :-1]], axis=1
    )
    return Shelf(
        opening=count_weeks(history, stock, "week_starting_on", "on_hand_qty", n_weeks + 1, -1),
        sold=sold,
        ordered=ordered[:, :n_weeks],
        orders=count_weeks(history, sent, "sent_on", "line", n_weeks, 0),
        outstanding=np.maximum(outstanding, 0),
    )


def own_history(history: History, shelf: Shelf) -> History:
    """The history as judged from the chain's own shelf: every week of a series on which its stock is known counts.

    Demand of weeks out of stock is then an estimate that everybody is charged for, the chain as well as its rivals.
    """
    known = (shelf.opening[:, :-1] >= 0) & (shelf.opening[:, 1:] >= 0)
    begun = np.cumsum(history.panel.weight > 0, axis=1) > 0
    return replace(history, charged=known & begun)


def own_start(history: History, shelf: Shelf, window: Window) -> Start:
    """What each pair had and had coming: its stock, and what came in the weeks that no order of the window reaches."""
    weeks = range(window.first, window.first + window.n_weeks)
    due = np.zeros((len(history.keys), window.n_weeks + 1), dtype=np.int64)
    for step, week in enumerate(weeks):
        due[:, step] = np.where(step < history.terms.lead_weeks, np.maximum(shelf.arrived(week), 0), 0)
    known = (shelf.opening[:, window.first : weeks.stop + 1] >= 0).all(axis=1)
    seen = (history.panel.weight[:, : window.first] > 0).sum(axis=1) >= LEAST_SEEN
    lives = history.panel.discontinued > weeks.stop
    return Start(known & seen & lives, np.maximum(shelf.opening[:, window.first], 0), due)


def judge_actual(history: History, shelf: Shelf, window: Window, start: Start) -> Outcome:
    """What the chain really did in a window, in the money of the simulator: one cell. Short = demand less sales."""
    found = {name: np.zeros((1, len(history.keys))) for name in FIGURES}
    for step in range(window.n_weeks):
        week = window.first + step
        if step < window.order_weeks:
            found["ordered"] += shelf.ordered[:, week] * start.takes_part
            found["orders"] += shelf.orders[:, week] * start.takes_part
        scored = (step >= history.terms.lead_weeks) & (step < history.terms.lead_weeks + window.order_weeks)
        charged = scored & start.takes_part & history.charged[:, week]
        short = np.maximum(history.units[:, week] - shelf.sold[:, week], 0)
        charge(found, history, week, charged, shelf.opening[None, :, week + 1], short[None, :])
    return Outcome(found)


def learn_incumbent(history: History, shelf: Shelf, before: int) -> Incumbent | None:
    """The rule that the chain's orders before a week follow, by category; None with under 20 orders to learn from.

    Cover = sum of (stock + on order + quantity) over sum of 13-week means, over lines ordered; the share of weeks with
    an order among those below the cover is how often it was remembered. A category with too few takes the chain's.
    """
    weeks = range(max(before - 52, 1), before)
    known = np.stack([shelf.opening[:, week] >= 0 for week in weeks], axis=1)
    position = np.stack([np.maximum(shelf.opening[:, w], 0) + shelf.outstanding[:, w] for w in weeks], axis=1)
    mean = np.stack([recent_mean(history.panel, week) for week in weeks], axis=1)
    ordered = shelf.ordered[:, weeks.start : weeks.stop]
    lines = known & (ordered > 0) & (mean > 0)
    if int(lines.sum()) < LEAST_ORDERS:
        return None
    cover, share = np.zeros(len(mean)), np.zeros(len(mean))
    categories = history.labels["category"].to_numpy()
    whole = np.ones(len(mean), dtype=bool)
    for category in [None, *np.unique(categories)]:
        rows = whole if category is None else categories == category
        mine = lines & rows[:, None]
        if category is not None and int(mine.sum()) < LEAST_ORDERS:
            continue
        weeks_of_mean = float((position + ordered)[mine].sum() / mean[mine].sum())
        below = known & rows[:, None] & (position < np.rint(weeks_of_mean * mean))
        cover[rows] = weeks_of_mean
        share[rows] = min(float((mine & below).sum() / max(int(below.sum()), 1)), 1.0)
    return Incumbent(np.asarray(cover, dtype=np.float64), share)


def count_weeks(history: History, frame: pl.DataFrame, day: str, value: str, n_weeks: int, empty: int) -> Ints:
    """Sums of `value` by pair and week of `day`: (n, n_weeks), `empty` where the frame has no row."""
    out = np.full((len(history.keys), n_weeks), empty, dtype=np.int64)
    rows = frame.join(history.panel.series.with_row_index("row"), on=PAIR, how="inner")
    rows = rows.with_columns(((pl.col(day).cast(pl.Date) - history.panel.start).dt.total_days() // 7).alias("week"))
    rows = rows.filter(pl.col("week").is_between(0, n_weeks - 1)).group_by("row", "week").agg(pl.col(value).sum())
    out[rows["row"].to_numpy(), rows["week"].to_numpy()] = rows[value].cast(pl.Float64).round().cast(pl.Int64)
    return out
