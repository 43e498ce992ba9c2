"""How the chain ordered before it had IMS: order-up-to on the last month's sales, by feel, sometimes not at all."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ims.demo.assortment import Pairs
from ims.demo.catalogue import Catalogue
from ims.demo.days import BURN_IN_DAYS, Floats, Ints
from ims.demo.minimums import Minimums
from ims.demo.parameters import Category, Profile
from ims.demo.streams import open_stream
from ims.demo.supply import STOCK, Purchases, Vendors
from ims.demo.transfers import Transfers

MEMORY_DAYS = 30.0
EXPERIENCE_DAYS = 240.0  # what a manager has in the fingers, beside what the last month sold
RECENT_WEIGHT = 0.2
SKIPPED_SHARE = 0.15  # of reviews
FEEL = (0.6, 1.4)  # factor on the target, new for each store, category and quarter
RESERVE_SHARE = 0.5  # of what the chain sells of an imported style, the warehouse buys for
RESERVE_DAYS = 21  # beyond the lead time and review
LAST_ORDER_DAYS = 30  # before a style ends
PRESEASON = 1.25  # factor on the target of sunglasses in February


class Managers:
    """Store managers: a remembered sales rate per pair and a habit per store, category and quarter."""

    def __init__(
        self,
        pairs: Pairs,
        categories: list[Category],
        catalogue: Catalogue,
        vendors: Vendors,
        start: date,
        profile: Profile,
        seed: int,
    ) -> None:
        self._pairs, self._start, self._seed = pairs, start, seed
        self._categories = len(categories)
        self._groups = (int(pairs.store.max()) + 1) * self._categories
        self._group = pairs.store * self._categories + pairs.category
        self._review_days = np.array([c.review_days for c in categories])[pairs.category]
        self._cover = profile.caution * np.array([c.cover for c in categories])[pairs.category]
        self._overlooked = np.array([c.overlooked_share for c in categories])[pairs.category] * pairs.is_shop
        self._sunny = np.array([c.key == "sunglasses" for c in categories])[pairs.category]
        self._pack = catalogue.column("pack_size")[pairs.sku]
        self._moq = catalogue.column("moq")[pairs.sku]
        self._bought = catalogue.column("is_imported")[pairs.sku] | pairs.is_shop
        self._lead_mean = vendors.lead_mean
        self._minimums = Minimums(pairs, categories, catalogue, vendors)
        newcomer = pairs.start_day > -BURN_IN_DAYS
        typical = np.bincount(self._group, pairs.base) / np.maximum(np.bincount(self._group), 1)
        self._known = np.where(newcomer, np.sqrt(typical[self._group] * pairs.base), pairs.base)
        self._recent = self._known.copy()
        self._feel = np.ones(len(self._group))

    def fill_display(self, which: Ints) -> Ints:
        """First stock of pairs that open or launch today: the target at the expected rate."""
        return self._target(self._wanted_rate())[which]

    def learn(self, sales: Ints, available: Ints) -> None:
        """Remember today's sales, not today's demand; an empty shelf teaches nothing."""
        stocked = available > 0
        self._recent += np.where(stocked, sales - self._recent, 0.0) / MEMORY_DAYS
        self._known += np.where(stocked, sales - self._known, 0.0) / EXPERIENCE_DAYS

    def review(
        self,
        day: int,
        book: Ints,
        physical: Ints,
        purchases: Purchases,
        transfers: Transfers,
        rng: np.random.Generator,
    ) -> None:
        """Order for the groups whose turn it is, unless the review is skipped.

        The warehouse gives first, then vendors are asked; for an empty shelf some ask the other stores.
        """
        column = day + BURN_IN_DAYS
        if column % 91 == 0:
            feel = open_stream(self._seed, "feel", column // 91).uniform(*FEEL, self._groups)
            self._feel = feel[self._group]
        skipped = rng.random(self._groups) < SKIPPED_SHARE
        turn = (column + self._group) % self._review_days == 0
        ends = np.minimum(self._pairs.end_day - LAST_ORDER_DAYS, self._pairs.close_day - 60)
        seen = ~skipped[self._group] & (rng.random(len(self._group)) >= self._overlooked)
        reviewed = turn & seen & (self._pairs.start_day <= day) & (day < ends) & self._bought
        if not reviewed.any():
            return
        rate = self._wanted_rate()
        target = self._target(rate)
        if (self._start + timedelta(days=day)).month == 2:
            target = np.where(self._sunny, np.rint(PRESEASON * target).astype(np.int64), target)
        position = book + purchases.on_order + transfers.in_transit
        need = target - position
        bare = position < self._pairs.display_min
        pair = np.nonzero(reviewed & (need > 0) & (bare | (2 * need >= self._pack)))[0]
        wanted = need[pair]
        given = transfers.draw_on_warehouse(day, pair, wanted, physical, rng)
        empty = (book[pair] == 0) & (given == 0) & self._pairs.is_shop[pair]
        giving = self._pairs.is_shop & (self._pairs.start_day <= day) & (day < self._pairs.close_day)
        given[empty] += transfers.ask_around(day, pair[empty], physical, giving, rng)
        wanted = wanted - given
        pair, wanted = pair[wanted > 0], wanted[wanted > 0]
        packs = -(-np.maximum(wanted, self._moq[pair]) // self._pack[pair])
        pair, quantity = self._minimums.apply(pair, packs * self._pack[pair], reviewed, rate / (position + 1.0))
        if len(pair):
            purchases.place(day, pair, quantity, STOCK, rng)

    def _wanted_rate(self) -> Floats:
        """Units a day; the warehouse expects its share of what all stores sell of a style."""
        rate = RECENT_WEIGHT * self._recent + (1 - RECENT_WEIGHT) * self._known
        chain = np.bincount(self._pairs.sku, rate * self._pairs.is_shop)
        return np.where(self._pairs.is_shop, rate, RESERVE_SHARE * chain[self._pairs.sku])

    def _target(self, rate: Floats) -> Ints:
        days = self._lead_mean + self._review_days + np.where(self._pairs.is_shop, 0, RESERVE_DAYS)
        wanted = rate * days
        target: Ints = np.rint(self._feel * (wanted + self._cover * np.sqrt(wanted))).astype(np.int64)
        return np.maximum(target, self._pairs.display_min, out=target)
