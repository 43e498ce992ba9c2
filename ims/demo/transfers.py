"""Goods on their way between the chain's own places: from the warehouse, store to store, from a store that closes."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.assortment import Pairs
from ims.demo.days import Flags, Floats, Ints
from ims.demo.picking import Picker, rank_within

FROM_WAREHOUSE, BETWEEN_STORES, FROM_CLOSING, RECALLED = range(4)  # kinds
LEAD = {
    FROM_WAREHOUSE: (2.0, 1.0),
    BETWEEN_STORES: (3.0, 1.5),
    FROM_CLOSING: (3.0, 1.0),
    RECALLED: (4.0, 2.0),
}  # mean, sd in days
DAMAGED_SHARE = 0.006  # of shipped units
LOST_SHARE = 0.004
ASKED_SHARE = 0.15  # of empty shelves that are reviewed, for how many a manager rings up other stores
SPARE = 2  # units a store must have to give one away
TRANSFER_COLUMNS = (
    "transfer", "day", "arrival_day", "source", "target", "requested", "shipped", "received", "damaged", "lost", "kind",
)  # fmt: skip


class Transfers:
    """Ships, remembers what is in transit, and hands over what arrives; one transfer is two places and one day."""

    def __init__(self, pairs: Pairs) -> None:
        self.in_transit = np.zeros(len(pairs.sku), dtype=np.int64)
        self._pairs = pairs
        self._leaving = np.zeros(len(pairs.sku), dtype=np.int64)
        self._places = int(pairs.store.max()) + 1
        skus = int(pairs.sku.max()) + 1
        self._reserve = np.full(skus, -1)  # the warehouse's pair of a SKU
        behind = np.nonzero(~pairs.is_shop)[0]
        self._reserve[pairs.sku[behind]] = behind
        self._styles = Picker(pairs.sku)
        self._due: dict[int, list[tuple[Ints, Ints, Ints]]] = {}
        self._rows: list[Ints] = []
        self._numbers = 0

    def draw_on_warehouse(self, day: int, pair: Ints, need: Ints, stock: Ints, rng: np.random.Generator) -> Ints:
        """Ship to each shop's pair named what the warehouse has of its need, first come first served; units shipped."""
        source = self._reserve[self._pairs.sku[pair]]
        has = np.where(source >= 0, stock[source], 0)
        asked = np.nonzero((has > 0) & self._pairs.is_shop[pair])[0]
        order = asked[np.lexsort((rng.random(len(asked)), source[asked]))]
        running = np.cumsum(need[order])
        first = rank_within(source[order]) == 0
        before = running - need[order]
        offset = np.maximum.accumulate(np.where(first, before, 0))
        shipped = np.zeros(len(pair), dtype=np.int64)
        shipped[order] = np.clip(has[order] - (before - offset), 0, need[order])
        self.ship(day, source[order], pair[order], need[order], shipped[order], FROM_WAREHOUSE, rng)
        return shipped

    def ask_around(self, day: int, pair: Ints, stock: Ints, giving: Flags, rng: np.random.Generator) -> Ints:
        """Ask other stores for one unit of each pair named; units shipped. `giving` marks pairs that may be asked."""
        asking = np.nonzero(rng.random(len(pair)) < ASKED_SHARE)[0]
        weight: Floats = np.where(giving & (stock >= SPARE), stock, 0).astype(np.float64)
        source = self._styles.pick(self._pairs.sku[pair[asking]], weight, rng)
        granted = (source >= 0) & (rank_within(source) == 0) & (source != pair[asking])
        source, asking = source[granted], asking[granted]
        one = np.ones(len(asking), dtype=np.int64)
        self.ship(day, source, pair[asking], one, one, BETWEEN_STORES, rng)
        shipped = np.zeros(len(pair), dtype=np.int64)
        shipped[asking] = 1
        return shipped

    def send_back(self, day: int, pair: Ints, stock: Ints, kind: int, rng: np.random.Generator) -> None:
        """Ship all that the pairs hold to the warehouse, where there is one that has room for it."""
        target = self._reserve[self._pairs.sku[pair]]
        pair, target = pair[target >= 0], target[target >= 0]
        self.ship(day, pair, target, stock[pair], stock[pair], kind, rng)

    def ship(
        self,
        day: int,
        source: Ints,
        target: Ints,
        requested: Ints,
        shipped: Ints,
        kind: int,
        rng: np.random.Generator,
    ) -> None:
        """Note one line per entry that ships something; `collect` then says what left each source."""
        moving = shipped > 0
        source, target, requested, shipped = (a[moving] for a in (source, target, requested, shipped))
        if not len(source):
            return
        trip = self._pairs.store[source] * self._places + self._pairs.store[target]
        trips, journey = np.unique(trip, return_inverse=True)
        mean, sd = LEAD[kind]
        sigma = np.sqrt(np.log1p((sd / mean) ** 2))
        lead = np.clip(np.rint(mean * rng.lognormal(-0.5 * sigma**2, sigma, len(trips))), 1, 14).astype(np.int64)
        arrival = day + lead[journey]
        damaged = rng.binomial(shipped, DAMAGED_SHARE)
        lost = rng.binomial(shipped - damaged, LOST_SHARE)
        arrives = arrival < self._pairs.close_day[target]  # what comes after a store has closed is written off
        lost = np.where(arrives, lost, shipped - damaged)
        received = shipped - damaged - lost
        same = np.ones(len(source), dtype=np.int64)
        columns = [self._numbers + journey, day * same, arrival, source, target]
        self._rows.append(np.stack([*columns, requested, shipped, received, damaged, lost, kind * same]))
        self._numbers += len(trips)
        np.add.at(self.in_transit, target, shipped)
        np.add.at(self._leaving, source, shipped)
        for due in np.unique(arrival).tolist():
            now = arrival == due
            self._due.setdefault(due, []).append((target[now], shipped[now], received[now]))

    def collect(self) -> Ints:
        """Units that left since the last call, by pair."""
        left, self._leaving = self._leaving, np.zeros(len(self._leaving), dtype=np.int64)
        return left

    def receive(self, day: int) -> Ints:
        """Units that reach their place in good order in the morning of `day`, by pair."""
        arrived = np.zeros(len(self.in_transit), dtype=np.int64)
        for target, shipped, received in self._due.pop(day, ()):
            np.subtract.at(self.in_transit, target, shipped)
            np.add.at(arrived, target, received)
        return arrived

    def tabulate(self) -> pl.DataFrame:
        """Every line shipped, or still on its way at day 0."""
        if not self._rows:
            return pl.DataFrame(schema=dict.fromkeys(TRANSFER_COLUMNS, pl.Int64))
        frame = pl.DataFrame(dict(zip(TRANSFER_COLUMNS, np.concatenate(self._rows, axis=1), strict=True)))
        return frame.filter(pl.col("arrival_day") >= 0)
