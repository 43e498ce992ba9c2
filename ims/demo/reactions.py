"""What customers do when the shelf is empty: take another one, have it ordered, go to another store, or go away."""

from __future__ import annotations

import numpy as np

from ims.demo.assortment import Pairs
from ims.demo.days import Flags, Ints
from ims.demo.parameters import Category
from ims.demo.picking import Picker, rank_within

SUBSTITUTED, SPECIAL_ORDER, ELSEWHERE, LOST, MADE_TO_ORDER = range(5)
SHARES = (0.35, 0.15, 0.10, 0.40, 0.0)
OWN_SHARES = {
    "lenses": (0.0, 0.0, 0.0, 0.0, 1.0),  # the lab makes what the drawer has not
    "contact_lenses": (0.0, 0.50, 0.0, 0.50, 0.0),  # eyes admit no other lens
}


class Reactions:
    """Deals with a day's unmet demand as sets; a wish that nothing on a shelf can serve is lost."""

    def __init__(self, pairs: Pairs, categories: list[Category]) -> None:
        self._pairs = pairs
        self._bounds = np.cumsum([OWN_SHARES.get(c.key, SHARES) for c in categories], axis=1)
        self._taste = np.maximum(pairs.base, 1e-6)
        self._neighbours = Picker(pairs.group)
        self._styles = Picker(pairs.sku)

    def settle(self, unmet: Ints, left: Ints, open_now: Flags, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
        """(pair, outcome, other) of each unit of `unmet` (by pair) that was wanted in vain.

        `left` is what the shelves still hold; `other` is the pair that was sold instead, -1 for none. `open_now`
        marks pairs that a customer can be sent to.
        """
        wished = np.repeat(np.arange(len(unmet)), unmet)
        luck = rng.random(len(wished))[:, None] * (1.0 - 1e-12)
        outcome = (luck >= self._bounds[self._pairs.category[wished]]).sum(axis=1)
        other = np.full(len(wished), -1)
        left = left.copy()
        for reaction, picker, group in (
            (SUBSTITUTED, self._neighbours, self._pairs.group),
            (ELSEWHERE, self._styles, self._pairs.sku),
        ):
            mine = np.nonzero(outcome == reaction)[0]
            choice = picker.pick(group[wished[mine]], self._taste * ((left > 0) & open_now), rng)
            granted = (choice >= 0) & (rank_within(choice) < left[choice])
            other[mine[granted]] = choice[granted]
            outcome[mine[~granted]] = LOST
            np.subtract.at(left, choice[granted], 1)
        return wished, outcome, other
