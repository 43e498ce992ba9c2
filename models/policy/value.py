"""What units are worth: the money an order saves, and what each further lot adds, for budgets and vendors' minimums.

Reads needs and costs of a batch, gives money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.policy.costs import UnitCosts
from models.policy.order import expected_mismatch
from models.policy.paths import Floats, Ints, Units
from models.policy.terms import Terms

STEPS, MORE = 8, 4  # steps up to the quantity wanted, packs beyond it


@dataclass(frozen=True)
class Ladder:
    """Quantities a pair may be given, ascending, and the money each saves: units, saved (n, STEPS + MORE).

    The first step is the least order; a step that is not there repeats the one before. `top` (n,): the step of the
    quantity wanted, -1 where nothing is.
    """

    units: Ints
    saved: Floats
    top: Ints


def value_units(need: Units, quantity: Ints, costs: UnitCosts, terms: Terms) -> Floats:
    """Expected money saved by a quantity against ordering nothing now, over its cover: (n,)."""
    held = costs.holding * terms.review_days / 7.0
    over, short = expected_mismatch(need, quantity)
    idle_over, idle_short = expected_mismatch(need, np.zeros_like(quantity))
    return np.asarray(held * (idle_over - over) + costs.shortage * (idle_short - short))


def build_ladder(need: Units, quantity: Ints, most: Ints, costs: UnitCosts, terms: Terms) -> Ladder:
    """Steps in whole packs from the least order to `quantity`, and up to MORE packs above it within `most`.

    Worked number: 7 wanted, packs of 1, no minimum: 1, 2, 3, 4, 5, 6, 7, 7, and 8, 9, 10, 11 beyond.
    """
    least = -(-terms.moq // terms.pack) * terms.pack
    above = np.maximum(quantity - least, 0) // terms.pack
    steps = []
    for step in range(STEPS):
        lots = np.minimum(-(-above * step // (STEPS - 1)) if step else 0 * above, above)
        lots = np.where(above < STEPS, np.minimum(step, above), lots)
        steps.append(np.where(quantity > 0, least + lots * terms.pack, 0))
    for pack in range(MORE):
        more = np.where(quantity > 0, quantity + (pack + 1) * terms.pack, least + pack * terms.pack)
        steps.append(np.where((more <= most) & ~terms.is_closed, more, steps[-1]))
    units = np.stack(steps, axis=1)
    saved = np.zeros(units.shape)
    rows = np.flatnonzero(units[:, -1] > 0)
    part, few = _few(costs, terms, rows)
    for column in range(units.shape[1]):
        saved[rows, column] = value_units(need[rows], units[rows, column], part, few)
    return Ladder(units, saved, np.where(quantity > 0, STEPS - 1, -1))


def _few(costs: UnitCosts, terms: Terms, rows: Ints) -> tuple[UnitCosts, Terms]:
    return UnitCosts(**{name: getattr(costs, name)[rows] for name in costs.__dataclass_fields__}), terms.rows(rows)
