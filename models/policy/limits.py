"""Limits that lines share: money for all orders of a run, and what one order to a vendor must be worth.

Reads quantities with their ladders (value.py), gives quantities that keep within both and says what was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.policy.columns import Flags
from models.policy.paths import Floats, Ints
from models.policy.value import STEPS, Ladder

MOQ_DEFERRED, FILLED_UP, OVER_BUDGET, NO_COST = "MOQ_DEFERRED", "FILLED_TO_MINIMUM", "OVER_BUDGET", "NO_COST"


@dataclass
class Limited:
    """Quantities after limits, the money each saves, and for a changed line the code and the words for why, else ''."""

    quantity: Ints
    saved: Floats
    code: list[str]
    note: list[str]

    def change(self, row: int, quantity: int, saved: float, code: str, note: str) -> None:
        self.quantity[row], self.saved[row], self.code[row], self.note[row] = quantity, saved, code, note


def apply_limits(
    quantity: Ints,
    saved: Floats,
    ladder: Ladder,
    unit_cost: Floats,
    order: Ints,
    minimum: Floats,
    budget: float | None,
) -> Limited:
    """Quantities within the budget, by best return per unit of money, and orders that reach their minimum or wait.

    `order` (n,) numbers the order a line is part of (vendor and store), `minimum` (n,) what it must be worth, NaN for
    none. Worked number: budget 100; A saves 30 for 60, B 24 for 40, C 20 for 50: B and A are ordered, C waits.
    """
    n = len(quantity)
    done = Limited(quantity.copy(), saved.copy(), [""] * n, [""] * n)
    left = np.inf
    if budget is not None:
        left = _spend(done, ladder, unit_cost, budget)
    for number in np.unique(order[~np.isnan(minimum)]):
        rows = np.flatnonzero(order == number)
        left = _reach(done, rows, ladder, unit_cost, float(np.nanmax(minimum[rows])), left)
    return done


def _spend(done: Limited, ladder: Ladder, unit_cost: Floats, budget: float) -> float:
    """Lots in the order of their return until the money is gone; a pair's lots one after the other. What is left."""
    asked = done.quantity > 0
    is_priced = ~np.isnan(unit_cost)
    wanted, total = done.quantity.copy(), float((done.quantity * np.nan_to_num(unit_cost))[asked].sum())
    for row in np.flatnonzero(asked & ~is_priced):
        done.change(int(row), 0, 0.0, NO_COST, "no cost is known, so it cannot be set against the budget")
    if total <= budget:
        return budget - total
    units, money = ladder.units[:, :STEPS], ladder.saved[:, :STEPS]
    before = np.concatenate([np.zeros((len(units), 1), dtype=units.dtype), units[:, :-1]], axis=1)
    gain = np.diff(money, axis=1, prepend=0.0)
    cost = (units - before) * np.nan_to_num(unit_cost)[:, None]
    # a lot is taken after those before it, so it cannot be worth more per unit of money than they are
    rate = np.minimum.accumulate(np.divide(gain, cost, out=np.full_like(gain, np.inf), where=cost > 0), axis=1)
    rows, steps = np.nonzero((units > before) & (asked & is_priced)[:, None])
    kept, closed = np.zeros(len(units), dtype=np.int64), np.zeros(len(units), dtype=bool)
    left = budget
    for at in np.lexsort((steps, rows, -rate[rows, steps])):
        row, step = rows[at], steps[at]
        if closed[row]:
            continue
        if cost[row, step] > left + 1e-9:
            closed[row] = True
            continue
        left -= float(cost[row, step])
        kept[row] = units[row, step]
    for row in np.flatnonzero(asked & is_priced & (kept < wanted)):
        worth = float(money[row, np.searchsorted(units[row], kept[row])]) if kept[row] else 0.0
        note = (
            f"{wanted[row]} wanted; the budget of {budget:g} pays for {kept[row]}, other lines earn more with the rest"
        )
        done.change(int(row), int(kept[row]), max(worth, 0.0), OVER_BUDGET, note)
    return left


def _reach(done: Limited, rows: Ints, ladder: Ladder, unit_cost: Floats, minimum: float, left: float) -> float:
    """Fill one order up to its minimum where that pays, else let all of it wait; the money that is left then."""
    price = np.nan_to_num(unit_cost[rows])
    worth = float((done.quantity[rows] * price).sum())
    if not (done.quantity[rows] > 0).any() or worth >= minimum:
        return left
    more = _fill_up(done, rows, ladder, price, minimum - worth, left)
    net = float(done.saved[rows].sum()) + sum(gain for _, _, gain in more.values())
    if not more or net <= 0:
        for row in rows[done.quantity[rows] > 0]:
            note = f"the order is worth {worth:.2f} of {minimum:.2f} that its vendor asks; filling it up does not pay"
            done.change(int(row), 0, 0.0, MOQ_DEFERRED, note)
        return left + worth
    for row, (units, spent, gain) in more.items():
        note = f"{done.quantity[row]} wanted; more to reach the vendor's minimum of {minimum:.2f}"
        left -= spent
        done.change(row, units, float(done.saved[row]) + gain, FILLED_UP, note)
    return left


def _fill_up(
    done: Limited, rows: Ints, ladder: Ladder, price: Floats, missing: float, left: float
) -> dict[int, tuple[int, float, float]]:
    """Further lots of least loss per unit of money: row -> (units, money spent, money saved); empty if not enough."""
    choices: list[tuple[float, int, int, int, float, float]] = []
    for row, cost in zip(rows.tolist(), price.tolist(), strict=True):
        if cost <= 0:
            continue
        last, worth, rate = int(done.quantity[row]), float(done.saved[row]), np.inf
        for step in range(STEPS if last else 0, ladder.units.shape[1]):
            units = int(ladder.units[row, step])
            if units <= last or units <= done.quantity[row]:
                continue
            spent, gain = (units - last) * cost, float(ladder.saved[row, step]) - worth
            rate = min(rate, gain / spent)
            choices.append((-rate, row, step, units, spent, gain))
            last, worth = units, float(ladder.saved[row, step])
    taken: dict[int, tuple[int, float, float]] = {}
    closed: set[int] = set()
    for _, row, _, units, spent, gain in sorted(choices):
        if missing <= 1e-9:
            break
        if row in closed:
            continue
        if spent > left + 1e-9:
            closed.add(row)
            continue
        before = taken.get(row, (0, 0.0, 0.0))
        taken[row] = (units, before[1] + spent, before[2] + gain)
        missing, left = missing - spent, left - spent
    return taken if missing <= 1e-9 else {}


def number_orders(store: Sequence[str], vendor: Sequence[str | None]) -> Ints:
    """The number of the order, one per store and vendor, that each line would be part of: (n,)."""
    known: dict[tuple[str, str | None], int] = {}
    return np.array([known.setdefault(key, len(known)) for key in zip(store, vendor, strict=True)], dtype=np.int64)


def is_limited(minimum: Floats, budget: float | None) -> bool:
    """Whether any limit is to be kept, so that ladders are needed."""
    has_minimum: Flags = ~np.isnan(minimum) & (minimum > 0)
    return budget is not None or bool(has_minimum.any())
