"""The demo chain from draw to history: what there is (`draw_world`), then what happens to it (`live`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ims.demo.assortment import Pairs, draw_pairs
from ims.demo.catalogue import Catalogue, draw_catalogue
from ims.demo.days import BURN_IN_DAYS, Factors, Floats
from ims.demo.demand import Demand, Needs, is_needed, rate_by_needs
from ims.demo.history import History
from ims.demo.lifecycle import curve
from ims.demo.ordering import Managers
from ims.demo.parameters import Category, Profile, read_categories
from ims.demo.seasons import index_days
from ims.demo.simulation import Chain, simulate
from ims.demo.stores import Stores, draw_stores
from ims.demo.supply import Vendors

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class World:
    """The chain before anything happens. index is (category x day), life (sku x day), both from the burn-in on."""

    profile: Profile
    seed: int
    categories: list[Category]
    start: date
    as_of: date
    total_days: int
    stores: Stores
    catalogue: Catalogue
    pairs: Pairs
    index: Floats
    life: Factors

    @property
    def days(self) -> int:
        """The length of the history up to as_of; total_days also counts the weeks after it."""
        return self.profile.weeks * 7


def draw_world(profile: Profile, seed: int, as_of: date | None = None, then_weeks: int = 0) -> World:
    """Draw stores, catalogue and assortment for a history that ends at `as_of`, and then_weeks more."""
    categories = read_categories()
    ends_on = as_of or profile.as_of
    days = profile.weeks * 7
    start = ends_on - timedelta(days=days)
    stores = draw_stores(profile, seed)
    catalogue = draw_catalogue(profile, categories, seed)
    pairs = draw_pairs(profile, categories, catalogue, stores, seed)
    first = start - timedelta(days=BURN_IN_DAYS)
    count = BURN_IN_DAYS + days + 7 * then_weeks
    day_of_year = np.array([(first + timedelta(days=i)).timetuple().tm_yday for i in range(count)])
    day = np.arange(count) - BURN_IN_DAYS
    life = np.concatenate(
        [curve(lives, c, day, day_of_year) for lives, c in zip(catalogue.lives, categories, strict=True)]
    )
    middle = start + timedelta(days=days // 2)
    index = index_days(categories, first, count, middle)
    total = days + 7 * then_weeks
    return World(profile, seed, categories, start, ends_on, total, stores, catalogue, pairs, index, life)


def live(
    world: World,
    needs: Needs | None = None,
    progress: Progress | None = None,
    statement_days: list[int] | None = None,
) -> History:
    """The history of a world. Stock is stated at as_of and each week's end after it, unless days are named."""
    pairs = world.pairs
    if needs is not None:
        pairs = rate_by_needs(pairs, needs, world.categories, world.profile)
    demand = Demand(pairs, world.index, world.life, needs, is_needed(pairs, world.categories), world.seed)
    vendors = Vendors(pairs, world.catalogue, world.start, world.days // 2, world.seed)
    managers = Managers(pairs, world.categories, world.catalogue, vendors, world.start, world.profile, world.seed)
    chain = Chain(pairs, world.categories, demand, managers, vendors, world.total_days, world.seed)
    statements = statement_days or list(range(world.days, world.total_days + 1, 7))
    return simulate(
        chain,
        world.total_days,
        statements,
        lambda done, total: progress("Living the chain's history", done, total) if progress else None,
    )
