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
from models.policy.decision import Flags
from models.policy.paths import Floats, Ints


class Policy(Protocol):
    """Anything that orders: `n_cells` variants are replayed side by side."""

    @property
    def n_cells(self) -> int: ...

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        """Units to order at the opening of `week` (n_cells, n).

        on_hand (n_cells, n) before that day's receipts; due (n_cells, n, k) expected in week, week + 1, ...
        """
        ...


FIGURES = ("holding", "shortage", "demand", "short", "stock", "value", "weeks", "empty", "ordered", "orders")


@dataclass(frozen=True)
class Outcome:
    """What a window came to, by figure: (n_cells, n) of each pair, over its scored and charged weeks.

    holding, shortage: money. demand, short, stock: units asked for, short, held at each week's end; value: that
    stock at cost. weeks: how many; empty: those that ended without a unit. ordered, orders: units and lines
    of all order weeks.
    """

    figures: dict[str, Floats]

    @property
    def n_cells(self) -> int:
        return len(self.figures["weeks"])

    def total(self, name: str) -> Floats:
        """One figure over all pairs: (n_cells,)."""
        return np.asarray(self.figures[name].sum(axis=1))

    @property
    def cost(self) -> Floats:
        return self.total("holding") + self.total("shortage")

    @property
    def fill_rate(self) -> Floats:
        return np.asarray(1.0 - self.total("short") / np.maximum(self.total("demand"), 1.0))


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

    Orders take as long as a draw of their lead time. A policy is told the mean of it; what is late is due any day.
    Cost = holding * stock at the end of the week + shortage * units short, each in the pair's scored weeks that may be
    charged. `watch(week, stock, short)` sees every week's end.
    """
    terms, cells = history.terms, policy.n_cells
    stock = np.repeat(start.on_hand[None, :], cells, axis=0)
    due = np.repeat(start.due[None, :, :], cells, axis=0)
    under_way: list[tuple[Ints, Ints, Ints]] = []
    found = {name: np.zeros(stock.shape) for name in FIGURES}
    pairs = np.arange(len(start.on_hand))
    for step in range(window.n_weeks):
        week = window.first + step
        if step < window.order_weeks:
            is_review = (step % terms.review_weeks == 0) & start.takes_part
            if is_review.any():
                quantity = policy.order(history, week, stock, _tell(start, under_way, cells, step)) * is_review
                expected, arrives = (
                    np.minimum(step + weeks, window.n_weeks)
                    for weeks in (terms.lead_weeks, history.draw_lead_weeks(week))
                )
                due[:, pairs, arrives] += quantity
                under_way.append((quantity, expected, arrives))
                found["ordered"] += quantity
                found["orders"] += quantity > 0
        early, late = history.split_week(week)
        stock, short_early = sell(stock, early[None, :], is_backordered)
        stock, short_late = sell(stock + due[:, :, step], late[None, :], is_backordered)
        short = short_early + short_late
        scored = (step >= terms.lead_weeks) & (step < terms.lead_weeks + window.order_weeks)
        charge(found, history, week, scored & start.takes_part & history.charged[:, week], stock, short)
        if watch is not None:
            watch(week, stock, short)
    return Outcome(found)


def _tell(start: Start, under_way: list[tuple[Ints, Ints, Ints]], cells: int, step: int) -> Ints:
    """What is due from `step` on as far as anybody can know: (cells, n, k). under_way: quantity, expected, arrives."""
    told = np.repeat(start.due[None, :, :], cells, axis=0)
    pairs = np.arange(len(start.on_hand))
    for quantity, expected, arrives in under_way:
        told[:, pairs, np.maximum(expected, step)] += quantity * (arrives >= step)
    return told[:, :, step:]


def charge(found: dict[str, Floats], history: History, week: int, charged: Flags, stock: Ints, short: Ints) -> None:
    """Add one week's end to the figures: stock and units short (n_cells, n) of the pairs that are charged for it."""
    costs = history.terms.costs
    held, missed = np.maximum(stock, 0) * charged, short * charged
    found["stock"] += held
    found["value"] += held * history.terms.unit_value
    found["short"] += missed
    found["demand"] += history.units[:, week] * charged
    found["holding"] += held * costs.holding
    found["shortage"] += missed * costs.shortage
    found["weeks"] += charged
    found["empty"] += (stock <= 0) & charged
