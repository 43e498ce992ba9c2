"""What disappears: units that are stolen or mislaid until a count finds them missing, and boxes past their date."""

from __future__ import annotations

import numpy as np

from ims.demo.assortment import Pairs
from ims.demo.days import Flags, Ints
from ims.demo.parameters import Category
from ims.demo.picking import Picker, rank_within

SHRINKAGE = 0.006  # units lost per unit sold
QUARTER_DAYS = 91


class Shrinkage:
    """Losses happen by day and are found by category and store, once a quarter."""

    def __init__(self, pairs: Pairs, categories: list[Category]) -> None:
        self.shelf: Ints = pairs.store * len(categories) + pairs.category
        self._shelves = Picker(self.shelf)
        self._turn = self.shelf * 37 % QUARTER_DAYS  # 37 has no divisor in common with 91: counts spread evenly

    def lose(self, sales: Ints, physical: Ints, rng: np.random.Generator) -> Ints:
        """Units lost today by pair, for what was sold: somewhere in the same store and category."""
        unlucky = np.repeat(np.arange(len(sales)), rng.binomial(sales, SHRINKAGE))
        gone = self._shelves.pick(self.shelf[unlucky], physical.astype(np.float64), rng)
        gone = gone[(gone >= 0) & (rank_within(gone) < physical[gone])]
        return np.bincount(gone, minlength=len(sales))

    def is_counted(self, column: int, trading: Flags) -> Flags:
        """Which pairs are counted in the evening of this day of the simulation."""
        counted: Flags = (self._turn == column % QUARTER_DAYS) & trading
        return counted


class Expiry:
    """First in, first out, by the book: before each week staff write off what will be past its date in it.

    What is on hand is of the deliveries that came last; a box that was lost is written off with the others of its age.
    """

    def __init__(self, pairs: Pairs, categories: list[Category]) -> None:
        life = np.array([c.shelf_life_days for c in categories])[pairs.category]
        self._own = np.nonzero(life > 0)[0]
        self._weeks = life[self._own] // 7 - 1
        self._came = np.zeros(len(self._own), dtype=np.int64)
        self._opening = np.zeros(len(self._own), dtype=np.int64)
        self._ring = np.zeros((int(self._weeks.max(initial=0)) + 1, len(self._own)), dtype=np.int32)

    def note(self, came: Ints) -> None:
        """Units that came from vendors, by pair."""
        self._came += came[self._own]

    def expire(self, week: int, book: Ints) -> Ints:
        """Units to write off, by pair; call once a week, on its last morning when goods are in."""
        if week == 0:
            self._opening = self._came.copy()
        rows = len(self._ring)
        self._ring[week % rows] = self._came
        then = self._ring[(week - self._weeks) % rows, np.arange(len(self._own))]
        young = self._opening * week // np.maximum(self._weeks, 1)  # what the chain opened with was of all ages
        old = np.where(week >= self._weeks, then, young)
        expired = np.zeros(len(book), dtype=np.int64)
        expired[self._own] = np.clip(book[self._own] - (self._came - old), 0, old)
        return expired
