"""What customers want each day: chance for most goods, the needs of patients and wearers where these are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ims.demo.assortment import Pairs, choose_display
from ims.demo.days import BURN_IN_DAYS, Factors, Flags, Floats, Ints
from ims.demo.parameters import Category, Profile
from ims.demo.streams import open_stream

DISPERSION = 3.0  # gamma-Poisson k of one store, SKU and week
STORE_SHOCK_SIGMA = 0.15
NEEDED = ("lenses", "contact_lenses")  # the categories whose demand is somebody's need


@dataclass(frozen=True)
class Needs:
    """Units that somebody comes for, sorted by day; days count from the history's first and include its burn-in.

    A need that finds less than its quantity is served in the order of the rows.
    """

    day: Ints
    pair: Ints
    quantity: Ints
    need_id: Ints


class Demand:
    """Draws the units wanted of each pair, day by day in order. Each day has a stream of its own."""

    def __init__(
        self, pairs: Pairs, index: Floats, life: Factors, needs: Needs | None, needed: Flags, seed: int
    ) -> None:
        self._pairs, self._index, self._life, self._needs, self._seed = pairs, index, life, needs, seed
        self._by_chance = pairs.base * ~needed if needs is not None else pairs.base
        self._stores = int(pairs.store.max()) + 1
        self._week_factor = np.ones(len(pairs.sku))
        days = np.arange(-BURN_IN_DAYS, index.shape[1] - BURN_IN_DAYS + 1)
        self._bounds = np.searchsorted(needs.day, days) if needs is not None else np.zeros(len(days), dtype=np.int64)

    def draw(self, day: int, trading: Flags, rng: np.random.Generator) -> Ints:
        """Units wanted on `day`, by pair."""
        column, pairs = day + BURN_IN_DAYS, self._pairs
        if column % 7 == 0:
            week = open_stream(self._seed, "week", column // 7)
            self._week_factor = week.gamma(DISPERSION, 1.0 / DISPERSION, len(pairs.sku))
        shock = rng.lognormal(-0.5 * STORE_SHOCK_SIGMA**2, STORE_SHOCK_SIGMA, self._stores)
        usual = shock[pairs.store] * self._index[pairs.category, column] * trading
        wanted = rng.poisson(self._by_chance * self._life[pairs.sku, column] * usual * self._week_factor)
        if self._needs is not None:
            today = slice(*self._bounds[column : column + 2])
            np.add.at(wanted, self._needs.pair[today], self._needs.quantity[today])
        return np.where(trading, wanted, 0)


def is_needed(pairs: Pairs, categories: list[Category]) -> Flags:
    """Which pairs are of a category whose demand comes from needs."""
    return np.isin(pairs.category, [i for i, c in enumerate(categories) if c.key in NEEDED])


def rate_by_needs(pairs: Pairs, needs: Needs, categories: list[Category], profile: Profile) -> Pairs:
    """The pairs with `base` (units a day) and display of needed categories as the needs have it over the history."""
    days = profile.weeks * 7
    inside = (needs.day >= 0) & (needs.day < days)
    units = np.bincount(needs.pair[inside], needs.quantity[inside], minlength=len(pairs.sku))
    active = np.minimum(pairs.end_day, days) - np.maximum(pairs.start_day, 0)
    base = np.where(is_needed(pairs, categories), units / np.maximum(active, 1), pairs.base)
    display = pairs.display_min.copy()
    for index, category in enumerate(categories):
        own = (pairs.category == index) & pairs.is_shop
        for store in np.unique(pairs.store[own]) if category.key in NEEDED else ():
            here = own & (pairs.store == store)
            display[here] = choose_display(base[here], category)
    return replace(pairs, base=base, display_min=display)


def expect(pairs: Pairs, base: Floats, index: Floats, life: Factors, first: int, end: int) -> Factors:
    """Expected units (day x pair) for first <= day < end, before the week's, the store's and the day's luck."""
    days = np.arange(first, end)[:, None]
    columns = slice(first + BURN_IN_DAYS, end + BURN_IN_DAYS)
    mean = life[:, columns].T[:, pairs.sku]
    mean *= index[:, columns].T.astype(np.float32)[:, pairs.category]
    mean *= base.astype(np.float32)
    mean *= (pairs.start_day <= days) & (days < pairs.close_day)
    return mean
