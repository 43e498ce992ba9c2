"""Which store carries which SKU, since when, and how much of it the store's customers want."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ims.demo.catalogue import Catalogue
from ims.demo.days import BURN_IN_DAYS, FOREVER, Floats, Ints
from ims.demo.parameters import Category, Profile
from ims.demo.stores import Stores
from ims.demo.streams import open_stream

TIER_AFFINITY = {
    "metro": {"value": 0.8, "premium": 1.25, "luxury": 1.6},
    "town": {"value": 1.2, "premium": 0.7, "luxury": 0.2},
}


@dataclass(frozen=True)
class Pairs:
    """One row per carried (store, sku), sorted by both. A pair is ranged on days start_day <= d < end_day."""

    store: Ints
    sku: Ints
    category: Ints
    start_day: Ints
    end_day: Ints
    close_day: Ints
    base: Floats
    display_min: Ints


def draw_pairs(profile: Profile, categories: list[Category], catalogue: Catalogue, stores: Stores, seed: int) -> Pairs:
    """`base` is units a day at index 1: over the history a store's category adds up to its units times its size."""
    days = profile.weeks * 7
    parts = []
    first_sku = 0
    for index, category in enumerate(categories):
        rng = open_stream(seed, f"assortment {category.key}")
        own = catalogue.frame.filter(pl.col("category_index") == index)
        slot, tier = own["slot"].to_numpy(), own["subcategory"].to_list()
        launch, end = own["launch_day"].to_numpy(), own["end_day"].to_numpy()
        slots = int(slot.max()) + 1
        slot_tier = dict(zip(slot.tolist(), tier, strict=True))
        affinity = np.array([[TIER_AFFINITY[c].get(slot_tier[s], 1.0) for s in range(slots)] for c in stores.clusters])
        carried = rng.random((len(stores.codes), slots)) < profile.carried[category.key] * affinity
        orphan = ~carried.any(axis=0)
        carried[rng.integers(0, len(stores.codes), slots), np.arange(slots)] |= orphan
        taste = rng.lognormal(0.0, 0.5, (len(stores.codes), slots))
        store, sku = np.nonzero(carried[:, slot])
        start = np.maximum(launch[sku], stores.open_day[store])
        stop = np.minimum(end[sku], stores.close_day[store])
        keep = (stop > np.maximum(start, 0)) & (start < days)
        store, sku, start, stop = store[keep], sku[keep], start[keep], stop[keep]
        weight = own["popularity"].to_numpy()[sku] * taste[store, slot[sku]]
        open_days = np.minimum(stores.close_day, days) - np.maximum(stores.open_day, 0)
        active = (np.minimum(stop, days) - np.maximum(start, 0)) / open_days[store]
        total = np.bincount(store, weight * active, minlength=len(stores.codes))
        base = profile.units[category.key] * stores.size[store] * weight / total[store]
        slow = base < np.quantile(base, 1.0 - profile.deep_share)
        display = np.where(slow, category.display_min_slow, category.display_min)
        close = stores.close_day[store]
        parts.append((store, sku + first_sku, np.full(len(sku), index), start, stop, close, base, display))
        first_sku += len(own)
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((joined[1], joined[0]))
    joined = [column[order] for column in joined]
    joined[3] = np.maximum(joined[3], -BURN_IN_DAYS)
    return Pairs(*joined)


def tabulate_assortment(pairs: Pairs, catalogue: Catalogue, stores: Stores, start: date) -> pl.DataFrame:
    """The `assortment` file; from_date is null for what was carried before the history, to_date is the last day."""
    skus = catalogue.column("sku")
    day = pl.lit(start)
    return pl.DataFrame(
        {
            "store_code": np.array(stores.codes)[pairs.store],
            "sku": skus[pairs.sku],
            "first": pairs.start_day,
            "end": pairs.end_day,
            "display_min": pairs.display_min,
        }
    ).select(
        "store_code",
        "sku",
        from_date=pl.when(pl.col("first") > 0).then(day + pl.duration(days="first")),
        to_date=pl.when(pl.col("end") < FOREVER).then(day + pl.duration(days=pl.col("end") - 1)),
        display_min="display_min",
    )
