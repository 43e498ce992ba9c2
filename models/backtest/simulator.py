"""The simulator: one shelf per pair and cell, a week at a time, under any policy. Common random terms: true demand.

Reads history and a policy's orders, gives money, units and service. Policies live elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.backtest.history import History
from models.backtest.windows import Start, Window
from models.policy.paths import Floats, Ints


class Policy(Protocol):
    """Anything that orders: `n_cells` variants are replayed side by side."""

    @property
    def n_cells(self) -> int: ...

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        """Units to order at the opening of `week` (n_cells, n).

        on_hand (n_cells, n) before that day's receipts; due (n_cells, n, k) arriving in week, week + 1, ...
        """
        ...


@dataclass(frozen=True)
class Outcome:
    """Per cell, over the scored and charged weeks of a window: money, units asked for, units short, units held."""

    cost: Floats
    holding: Floats
    shortage: Floats
    demand: Floats
    short: Floats
    stock: Floats
    ordered: Floats

    @property
    def fill_rate(self) -> Floats:
        return np.asarray(1.0 - self.short / np.maximum(self.demand, 1.0))


def sell(stock: Ints, asked: Ints, is_backordered: bool) -> tuple[Ints, Ints]:
    """Stock after a demand and units short: lost sales stop at 0, back-orders go below.

    Worked number: 3 on the shelf, 5 asked for: 2 short, and 0 (lost) or -2 (owed) left.
    """
    short = np.clip(asked - np.maximum(stock, 0), 0, None)
    left = stock - asked
    return (left if is_backordered else np.maximum(left, 0)), short


def simulate(
    history: History,
    window: Window,
    start: Start,
    policy: Policy,
    is_backordered: bool,
    watch: Callable[[int, Ints, Ints], None] | None = None,
) -> Outcome:
    """Replay one window. A week: order at its opening, then what is due on the arrival day, before that day's demand.

    Cost = holding * stock at the end of the week + shortage * units short, each in the pair's scored weeks that may be
    charged. `watch(week, stock, short)` sees every week's end.
    """
    terms, cells = history.terms, policy.n_cells
    stock = np.repeat(start.on_hand[None, :], cells, axis=0)
    due = np.repeat(start.due[None, :, :], cells, axis=0)
    totals = {name: np.zeros(cells) for name in ("holding", "shortage", "demand", "short", "stock", "ordered")}
    pairs = np.arange(len(start.on_hand))
    for step in range(window.n_weeks):
        week = window.first + step
        if step < window.order_weeks:
            is_review = (step % terms.review_weeks == 0) & start.takes_part
            if is_review.any():
                quantity = policy.order(history, week, stock, due[:, :, step:]) * is_review
                arrives = np.minimum(step + terms.lead_weeks, window.n_weeks)
                due[:, pairs, arrives] += quantity
                totals["ordered"] += quantity.sum(axis=1)
        early, late = history.split_week(week)
        stock, short_early = sell(stock, early[None, :], is_backordered)
        stock, short_late = sell(stock + due[:, :, step], late[None, :], is_backordered)
        short = short_early + short_late
        scored = (step >= terms.lead_weeks) & (step < terms.lead_weeks + window.order_weeks)
        charged = scored & start.takes_part & history.charged[:, week]
        held = np.maximum(stock, 0) * charged
        totals["stock"] += held.sum(axis=1)
        totals["short"] += (short * charged).sum(axis=1)
        totals["demand"] += (history.units[:, week] * charged).sum()
        totals["holding"] += held @ terms.costs.holding
        totals["shortage"] += (short * charged) @ terms.costs.shortage
        if watch is not None:
            watch(week, stock, short)
    return Outcome(cost=totals["holding"] + totals["shortage"], **totals)
