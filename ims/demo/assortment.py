"""Which store carries which SKU, since when, and how much of it the store's customers want."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ims.demo.catalogue import Catalogue
from ims.demo.days import BURN_IN_DAYS, FOREVER, Flags, Floats, Ints
from ims.demo.parameters import Category, Profile
from ims.demo.stores import Stores
from ims.demo.streams import open_stream

TIER_AFFINITY = {
    "metro": {"value": 0.8, "premium": 1.25, "luxury": 1.6},
    "town": {"value": 1.2, "premium": 0.7, "luxury": 0.2},
}


HELD_SHARE = 0.5  # of the imported styles stand in the warehouse
SIZE_SPREAD = (0.76, 1.70)  # the smallest and the largest range of a store, of the mean one's


@dataclass(frozen=True)
class Pairs:
    """One row per carried (store, sku), sorted by both. A pair is ranged on days start_day <= day < end_day.

    The warehouse comes last: its store is the number of selling stores; it sells and ranges nothing. Pairs of one
    `group` are of one store, and what a customer takes in place of each other.
    """

    store: Ints
    sku: Ints
    category: Ints
    start_day: Ints
    end_day: Ints
    close_day: Ints
    base: Floats
    display_min: Ints
    group: Ints
    is_shop: Flags


def draw_pairs(profile: Profile, categories: list[Category], catalogue: Catalogue, stores: Stores, seed: int) -> Pairs:
    """`base` is units a day at index 1: over the history a store's category adds up to its units times its size."""
    days = profile.weeks * 7
    parts: list[list[Any]] = []
    first_sku = 0
    for index, category in enumerate(categories):
        rng = open_stream(seed, f"assortment {category.key}")
        own = catalogue.frame.filter(pl.col("category_index") == index)
        slot, launch, end = (own[name].to_numpy() for name in ("slot", "launch_day", "end_day"))
        carried = _choose_range(profile, category, own, stores, rng)
        taste = rng.lognormal(0.0, 0.5, carried.shape)
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
        display = choose_display(base, category)
        close = stores.close_day[store]
        parts.append([store, sku + first_sku, np.full(len(sku), index), start, stop, close, base, display])
        first_sku += len(own)
    if profile.warehouse:
        parts.append(_stock_warehouse(catalogue, stores, parts, seed))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((joined[1], joined[0]))
    joined = [column[order] for column in joined]
    joined[3] = np.maximum(joined[3], -BURN_IN_DAYS)
    _, swap = np.unique(catalogue.column("swap").astype(str), return_inverse=True)
    _, group = np.unique(joined[0] * (int(swap.max()) + 1) + swap[joined[1]], return_inverse=True)
    joined += [group, joined[0] < len(stores.codes)]
    return Pairs(*joined)


def choose_display(base: Floats, category: Category) -> Ints:
    """Units that always stand on the shelf: the full display for the most wanted share of a category's pairs."""
    slow = base <= np.quantile(base, 1.0 - category.deep_share)
    return np.where(slow, category.display_min_slow, category.display_min)


def _choose_range(
    profile: Profile, category: Category, own: pl.DataFrame, stores: Stores, rng: np.random.Generator
) -> Flags:
    """(store x slot): big stores carry more, metros more premium. Every slot finds a store."""
    slot = own["slot"].to_numpy()
    slots, shops = int(slot.max()) + 1, len(stores.codes)
    if category.key == "lenses":
        lines = _choose_lines(profile, own["popularity"].to_numpy()[: profile.lens_lines], shops, rng)
        deep = _choose_depth(profile, lines, stores, rng)
        carried = np.arange(slots) // profile.lens_lines < deep[:, np.arange(slots) % profile.lens_lines]
    else:
        slot_tier = dict(zip(slot.tolist(), own["tier"].to_list(), strict=True))
        affinity = np.array([[TIER_AFFINITY[c].get(slot_tier[s], 1.0) for s in range(slots)] for c in stores.clusters])
        spread = np.clip(np.sqrt(stores.size), *SIZE_SPREAD)[:, None]
        carried = rng.random((shops, slots)) < profile.carried[category.key] * spread * affinity
    orphan = ~np.logical_or.reduce(carried, axis=0)
    carried[rng.integers(0, shops, len(orphan)), np.arange(len(orphan))] |= orphan
    return carried


def _choose_lines(profile: Profile, weight: Floats, shops: int, rng: np.random.Generator) -> Flags:
    """(store x lens line): every line finds a store."""
    lines = profile.lens_lines
    fewest, most = profile.lens_lines_carried
    carried = np.zeros((shops, lines), dtype=bool)
    for shop, count in enumerate(rng.integers(fewest, most + 1, shops)):
        carried[shop, rng.choice(lines, count, replace=False, p=weight / weight.sum())] = True
    orphan = ~np.logical_or.reduce(carried, axis=0)
    carried[rng.integers(0, shops, len(orphan)), np.arange(len(orphan))] |= orphan
    return carried


def _choose_depth(profile: Profile, lines: Flags, stores: Stores, rng: np.random.Generator) -> Ints:
    """(store x lens line): how many of a line's powers, the most wanted first; its largest store keeps all."""
    shallow, deep = profile.lens_cells_carried
    depth = np.where(lines, rng.integers(shallow, deep + 1, lines.shape), 0)
    largest = np.where(lines, stores.size[:, None], 0.0).argmax(axis=0)
    depth[largest, np.arange(profile.lens_lines)] = profile.lens_cells
    return depth


def _stock_warehouse(catalogue: Catalogue, stores: Stores, shops: list[list[Any]], seed: int) -> list[Any]:
    """The warehouse's pairs: imported styles that headquarters buys in bulk, and room for what stores send back."""
    rng = open_stream(seed, "warehouse")
    slot_luck = rng.random(int(catalogue.column("slot").max()) + 1)
    held = catalogue.column("is_imported") & (slot_luck[catalogue.column("slot")] < HELD_SHARE)
    store, shop_sku = (np.concatenate([part[i] for part in shops]) for i in (0, 1))
    held |= catalogue.column("end_day") < FOREVER
    held[shop_sku[stores.close_day[store] < FOREVER]] = True
    sku = np.nonzero(held)[0]
    same = np.ones(len(sku), dtype=np.int64)
    launch, end, category = (catalogue.column(name)[sku] for name in ("launch_day", "end_day", "category_index"))
    return [len(stores.codes) * same, sku, category, launch, end, FOREVER * same, 0.0 * same, 0 * same]


def tabulate_assortment(pairs: Pairs, catalogue: Catalogue, stores: Stores, start: date) -> pl.DataFrame:
    """The `assortment` file; from_date is null for what was carried before the history, to_date is the last day."""
    shop = pairs.is_shop
    skus = catalogue.column("sku")
    day = pl.lit(start)
    return pl.DataFrame(
        {
            "store_code": np.array(stores.codes)[pairs.store[shop]],
            "sku": skus[pairs.sku[shop]],
            "first": pairs.start_day[shop],
            "end": pairs.end_day[shop],
            "display_min": pairs.display_min[shop],
        }
    ).select(
        "store_code",
        "sku",
        from_date=pl.when(pl.col("first") > 0).then(day + pl.duration(days="first")),
        to_date=pl.when(pl.col("end") < FOREVER).then(day + pl.duration(days=pl.col("end") - 1)),
        display_min="display_min",
    )
