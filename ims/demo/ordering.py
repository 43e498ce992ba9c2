"""How the chain ordered before it had IMS: order-up-to on the last month's sales, by feel, sometimes not at all."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ims.demo.assortment import Pairs
from ims.demo.catalogue import Catalogue
from ims.demo.days import BURN_IN_DAYS, Flags, Floats, Ints
from ims.demo.parameters import Category, Profile
from ims.demo.streams import open_stream

MEMORY_DAYS = 30.0
SKIPPED_SHARE = 0.15  # of reviews
SHORT_SHARE = 0.08  # of order lines arrive at half their quantity
VAGUE_SHARE = 0.10  # of order lines show the quoted date instead of the one the vendor confirmed
FEEL = (0.6, 1.4)  # factor on the target, new for each store, category and quarter


class Orders:
    """Orders on their way. One pair places at most one order a day; days here count from the start of the burn-in."""

    def __init__(self, pairs: int, ring_days: int) -> None:
        self.on_order = np.zeros(pairs, dtype=np.int64)
        self._ring_days = ring_days
        self._ordered = np.zeros((ring_days, pairs), dtype=np.int64)
        self._delivered = np.zeros((ring_days, pairs), dtype=np.int64)
        self._placed: list[Ints] = []

    def place(self, column: int, pair: Ints, quantity: Ints, delivered: Ints, lead: Ints, promised: Ints) -> None:
        """Order `quantity` of each pair; `delivered` (at most that) comes after `lead` days, `promised` is told."""
        slot = (column + lead) % self._ring_days
        self._ordered[slot, pair] += quantity
        self._delivered[slot, pair] += delivered
        self.on_order[pair] += quantity
        day = np.full(len(pair), column - BURN_IN_DAYS)
        self._placed.append(np.stack([day, pair, quantity, day + lead, day + promised]))

    def receive(self, column: int) -> Ints:
        """Units that arrive at the opening of this day, by pair."""
        slot = column % self._ring_days
        arrived: Ints = self._delivered[slot].copy()
        self.on_order -= self._ordered[slot]
        self._ordered[slot] = 0
        self._delivered[slot] = 0
        return arrived

    def collect(self) -> dict[str, Ints]:
        """Every order placed: day, pair, quantity, arrival_day, promised_day."""
        names = ("day", "pair", "quantity", "arrival_day", "promised_day")
        return dict(zip(names, np.concatenate(self._placed, axis=1), strict=True))


class Managers:
    """Store managers: a remembered sales rate per pair and a habit per store, category and quarter."""

    def __init__(
        self,
        pairs: Pairs,
        categories: list[Category],
        catalogue: Catalogue,
        start: date,
        profile: Profile,
        seed: int,
    ) -> None:
        self._pairs, self._start, self._days, self._seed = pairs, start, profile.weeks * 7, seed
        self._stores = int(pairs.store.max()) + 1
        self._categories = len(categories)
        group = pairs.store * self._categories + pairs.category
        self._group = group
        self._review_days = np.array([c.review_days for c in categories])[pairs.category]
        self._pack = np.array([c.pack for c in categories])[pairs.category]
        self._moq = np.array([c.moq for c in categories])[pairs.category]
        self._cover = profile.caution * np.array([c.cover for c in categories])[pairs.category]
        self._lead_mean = catalogue.column("lead_mean")[pairs.sku]
        spread = catalogue.column("lead_sd")[pairs.sku] / self._lead_mean
        self._lead_sigma = np.sqrt(np.log1p(spread**2))
        self._imported = catalogue.column("is_imported")[pairs.sku]
        vendors, self._vendor = np.unique(catalogue.column("vendor_code")[pairs.sku].astype(str), return_inverse=True)
        self._vendors = len(vendors)
        self._failing_vendor = int(open_stream(seed, "failing vendor").integers(0, self._vendors))
        newcomer = pairs.start_day > -BURN_IN_DAYS
        typical = np.bincount(group, pairs.base) / np.maximum(np.bincount(group), 1)
        self._rate = np.where(newcomer, typical[group], pairs.base)
        self._feel = np.ones(len(group))

    def fill_display(self, which: Flags) -> Ints:
        """First stock of pairs that open or launch today: the target at the expected rate."""
        return self._target()[which]

    def learn(self, sales: Ints, available: Ints) -> None:
        """Remember today's sales, not today's demand; an empty shelf teaches nothing."""
        self._rate += np.where(available > 0, sales - self._rate, 0.0) / MEMORY_DAYS

    def review(self, day: int, on_hand: Ints, orders: Orders, rng: np.random.Generator) -> None:
        """Place the orders of the groups whose turn it is, unless the review is skipped."""
        column = day + BURN_IN_DAYS
        groups = self._stores * self._categories
        if column % 91 == 0:
            feel = open_stream(self._seed, "feel", column // 91).uniform(*FEEL, groups)
            self._feel = feel[self._group]
        skipped = rng.random(groups) < SKIPPED_SHARE
        shipping = rng.normal(0.0, 1.0, (self._stores, self._vendors))
        turn = (column + self._group) % self._review_days == 0
        ends = np.minimum(self._pairs.end_day - 30, self._pairs.close_day - 60)
        reviewed = turn & ~skipped[self._group] & (self._pairs.start_day <= day) & (day < ends)
        need = self._target() - on_hand - orders.on_order
        bare = on_hand + orders.on_order < self._pairs.display_min
        pair = np.nonzero(reviewed & (need > 0) & (bare | (2 * need >= self._pack)))[0]
        packs = -(-np.maximum(need[pair], self._moq[pair]) // self._pack[pair])
        quantity = packs * self._pack[pair]
        delivered = np.where(rng.random(len(pair)) < SHORT_SHARE, quantity // 2, quantity)
        vague = rng.random(len(pair)) < VAGUE_SHARE
        lead = self._draw_lead(day, pair, shipping)
        promised = np.where(vague, self._lead_mean[pair].astype(int), lead)
        orders.place(column, pair, quantity, delivered, lead, promised)

    def _target(self) -> Ints:
        wanted = self._rate * (self._lead_mean + self._review_days)
        target: Ints = np.rint(self._feel * (wanted + self._cover * np.sqrt(wanted))).astype(np.int64)
        return np.maximum(target, self._pairs.display_min, out=target)

    def _draw_lead(self, day: int, pair: Ints, shipping: Floats) -> Ints:
        """Lognormal days, one draw per store and vendor: what is ordered together arrives together."""
        sigma = self._lead_sigma[pair]
        draw = shipping[self._pairs.store[pair], self._vendor[pair]]
        days = self._lead_mean[pair] * np.exp(sigma * draw - 0.5 * sigma**2)
        if day > self._days // 2:
            days = np.where(self._vendor[pair] == self._failing_vendor, 1.5 * days, days)
        today = self._start + timedelta(days=day)
        if (1, 15) <= (today.month, today.day) <= (2, 15):  # the Chinese New Year closes the makers
            days = np.where(self._imported[pair], days + 15, days)
        lead: Ints = np.clip(np.rint(days), 1, 150).astype(np.int64)
        return lead
