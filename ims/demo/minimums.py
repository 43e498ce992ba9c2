"""What one order to a vendor must be worth: small orders wait for the next review, then they are filled up."""

from __future__ import annotations

import numpy as np

from ims.demo.assortment import Pairs
from ims.demo.catalogue import Catalogue
from ims.demo.days import Flags, Floats, Ints
from ims.demo.parameters import Category
from ims.demo.supply import Vendors

PATIENCE = 1  # reviews that an order below the minimum waits for


class Minimums:
    """The minimum order value per store and vendor, and how long a store has been waiting for one to be reached."""

    def __init__(self, pairs: Pairs, categories: list[Category], catalogue: Catalogue, vendors: Vendors) -> None:
        count = len(vendors.codes)
        self._key = pairs.store * count + vendors.of_pair
        self._cost = catalogue.column("unit_cost")[pairs.sku]
        self._least = np.zeros((int(pairs.store.max()) + 1) * count)
        value = np.array([c.min_order_value for c in categories], dtype=np.float64)[pairs.category]
        value[catalogue.column("is_imported")[pairs.sku]] = 0.0  # headquarters orders abroad for all stores at once
        np.maximum.at(self._least, self._key, value)
        self._waited = np.zeros(len(self._least), dtype=np.int64)
        self._pack = catalogue.column("pack_size")[pairs.sku]

    def apply(self, pair: Ints, quantity: Ints, reviewed: Flags, wish: Floats) -> tuple[Ints, Ints]:
        """The lines that are ordered now. `wish` says what is most wanted to fill up with, among `reviewed` pairs."""
        size = len(self._least)
        value = np.bincount(self._key[pair], quantity * self._cost[pair], minlength=size)
        below = (value > 0) & (value < self._least)
        fill = below & (self._waited >= PATIENCE)
        wait = below & ~fill
        self._waited = np.where(wait, self._waited + 1, np.where(value > 0, 0, self._waited))
        kept = ~wait[self._key[pair]]
        more, packs = self._fill_up(np.where(fill, self._least - value, 0.0), reviewed, wish)
        together = np.zeros(len(self._key), dtype=np.int64)
        np.add.at(together, pair[kept], quantity[kept])
        together[more] += packs
        lines = np.nonzero(together)[0]
        return lines, together[lines]

    def _fill_up(self, missing: Floats, reviewed: Flags, wish: Floats) -> tuple[Ints, Ints]:
        """One pack each of what is most wanted, until the missing value of each store and vendor is reached."""
        candidate = np.nonzero(reviewed & (missing[self._key] > 0))[0]
        order = candidate[np.lexsort((-wish[candidate], self._key[candidate]))]
        cost = self._cost[order] * self._pack[order]
        running = np.cumsum(cost) - cost
        key = self._key[order]
        first = np.concatenate(([True], key[1:] != key[:-1])) if len(order) else np.zeros(0, dtype=bool)
        spent = running - np.maximum.accumulate(np.where(first, running, 0.0))
        taken = order[spent < missing[key]]
        return taken, self._pack[taken]
