"""Draws the products: prices, costs, vendors, supply terms, popularity. Knows nothing of stores or days of sale."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ims.demo.days import FOREVER, Flags, Floats
from ims.demo.descriptions import describe, describe_cells
from ims.demo.lifecycle import Lives, draw_lives
from ims.demo.optics import list_lines, rank_cells
from ims.demo.parameters import Category, Profile, read_table
from ims.demo.streams import open_stream

DISCOUNT_MEAN = 0.05  # what margins allow for: 55 % of lines are reduced by 9 % on average
IMPORTED = ("frames", "sunglasses")  # the categories with makers abroad
BOX = 10  # lenses of the most wanted cells come in boxes
BOX_SHARE = 0.015


@dataclass(frozen=True)
class Catalogue:
    """All SKUs, category by category. `frame` has one row per SKU: sku, category index, slot, popularity and terms."""

    frame: pl.DataFrame
    lives: list[Lives]

    def column(self, name: str) -> npt.NDArray[Any]:
        """One column as a numpy array, in SKU order."""
        return self.frame[name].to_numpy()


def draw_catalogue(profile: Profile, categories: list[Category], seed: int) -> Catalogue:
    """Prices end in 9 with tax and are kept without it; cost follows from the tier's margin on the discounted price."""
    frames, lives = [], []
    for index, category in enumerate(categories):
        rng = open_stream(seed, f"catalogue {category.key}")
        life = draw_lives(category, profile.skus[category.key], profile.weeks * 7, rng)
        lives.append(life)
        frames.append(_draw_category(profile, category, index, life, rng, seed))
    return Catalogue(pl.concat(frames), lives)


def _draw_category(
    profile: Profile, category: Category, index: int, life: Lives, rng: np.random.Generator, seed: int
) -> pl.DataFrame:
    n = len(life.slot)
    brands = read_table("places")["brands"][category.key]
    if category.key == "lenses":
        lines = list_lines(category, brands, profile.lens_lines)
        cells = rank_cells(seed, profile.lens_cells)
        line = np.arange(n) % len(lines)
        tier, brand = lines["tier"].gather(line).to_list(), lines["maker"].gather(line).to_list()
        shelf = lines["line"].gather(line).to_list()
        popularity = np.outer(cells["share"].to_numpy(), lines["weight"].to_numpy()).ravel()
        special = np.zeros(n, dtype=bool)
        details = describe_cells(category, cells, lines)
    else:
        tier, brand = _draw_slots(category, brands, life, rng)
        shelf = tier
        popularity = _draw_popularity(category, life, rng)
        special = _choose_special(category, brands, brand, rng)
        details = describe(category, tier, life, special.tolist(), rng)
    net, cost, printed = _price(category, tier, rng)
    imported = special & (category.key in IMPORTED)
    lead = np.where(special[:, None], category.lead_special, category.lead).astype(np.float64)
    vendor = [
        f"V-{category.prefix}{'I' if imp else 'D'}{brands.index(b) % profile.vendors_per_kind + 1}"
        for b, imp in zip(brand, imported, strict=True)
    ]
    fast = popularity > np.quantile(popularity, 1 - BOX_SHARE) if category.key == "lenses" else np.zeros(n, dtype=bool)
    return pl.DataFrame(
        {
            "sku": [f"{category.prefix}-{i + 1:04d}" for i in range(n)],
            "name": [f"{b} {d.pop('label')}" for b, d in zip(brand, details, strict=True)],
            "category_index": np.full(n, index),
            "category": [category.name] * n,
            "subcategory": shelf,
            "tier": tier,
            "brand": brand,
            "mrp": printed,
            "unit_price": net,
            "unit_cost": cost,
            "slot": life.slot,
            "launch_day": life.launch_day,
            "end_day": life.end_day,
            "popularity": popularity,
            "vendor_code": vendor,
            "lead_mean": lead[:, 0],
            "lead_sd": lead[:, 1],
            "moq": np.where(fast, BOX, category.moq),
            "pack_size": np.where(fast, BOX, category.pack),
            "is_imported": imported,
            "swap": [d.pop("swap") for d in details],
            "attributes": [json.dumps(d, sort_keys=True) for d in details],
        }
    )


def _draw_slots(
    category: Category, brands: list[str], life: Lives, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Tier and brand of each SKU; those that succeed each other in a slot share both."""
    slots = int(life.slot.max()) + 1
    tiers = list(category.tiers)
    weights = np.array(list(category.tiers.values()))
    slot_tier = rng.choice(len(tiers), slots, p=weights / weights.sum())
    slot_brand = rng.integers(0, len(brands), slots)
    return [tiers[t] for t in slot_tier[life.slot]], [brands[b] for b in slot_brand[life.slot]]


def _draw_popularity(category: Category, life: Lives, rng: np.random.Generator) -> Floats:
    """Lognormal; a successor is about as popular as what it replaces (correlation .49)."""
    slot_taste = rng.normal(0.0, 1.0, int(life.slot.max()) + 1)
    taste = 0.7 * slot_taste[life.slot] + np.sqrt(1 - 0.49) * rng.normal(0.0, 1.0, len(life.slot))
    popularity: Floats = np.exp(category.popularity_sigma * taste)
    return popularity


def _choose_special(category: Category, brands: list[str], brand: list[str], rng: np.random.Generator) -> Flags:
    """What is supplied at `lead_special`: the brands of makers abroad, or contact lenses made to order."""
    if category.key not in IMPORTED:
        chosen: Flags = rng.random(len(brand)) < category.special_share
        return chosen
    abroad = set(brands[: round(len(brands) * category.special_share)])
    return np.array([b in abroad for b in brand])


def _price(category: Category, tier: list[str], rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Price without tax, cost, and the printed price with tax."""
    n = len(tier)
    median = np.array([category.price_median[t] for t in tier])
    sigma = np.array([category.price_sigma.get(t, 0.0) for t in tier])
    printed = np.rint(median * rng.lognormal(0.0, 1.0, n) ** sigma / 10) * 10 - 1
    net = np.round(printed / (1 + category.tax_rate), 2)
    margin = np.array([category.margin[t] for t in tier])
    bargain = 1.0 + 0.2 * sigma * rng.uniform(-1.0, 1.0, n)
    return net, np.round(net * (1 - DISCOUNT_MEAN) * (1 - margin) * bargain, 2), printed


def tabulate_products(catalogue: Catalogue, categories: list[Category], start: date, as_of: date) -> pl.DataFrame:
    """The `products` file. A line older than the records has no launch date; an end that lies ahead is unknown."""
    cut_on: date = read_table("seasons")["tax_cut_on"]
    rates = [c.tax_rate if as_of >= cut_on else c.tax_rate_before for c in categories]
    day = pl.lit(start)
    return catalogue.frame.select(
        "sku",
        "name",
        "category",
        "subcategory",
        "brand",
        pl.col("unit_price", "unit_cost").cast(pl.Decimal(14, 2)),
        tax_rate=pl.col("category_index").replace_strict(dict(enumerate(rates)), return_dtype=pl.Float64),
        launched_on=pl.when(pl.col("launch_day") >= 0).then(day + pl.duration(days=pl.col("launch_day").clip(0, None))),
        discontinued_on=pl.when(pl.col("end_day") < FOREVER).then(day + pl.duration(days="end_day")),
        attributes="attributes",
    )


def tabulate_vendors(catalogue: Catalogue) -> pl.DataFrame:
    """The `vendors` file, one row per vendor that supplies something."""
    kinds = catalogue.frame.group_by("vendor_code", "category", "is_imported").len().sort("vendor_code")
    origin = pl.when("is_imported").then(pl.lit("import house")).otherwise(pl.lit("supply"))
    return kinds.select(
        "vendor_code",
        name=pl.format("{} {} {}", pl.col("category"), origin, pl.col("vendor_code").str.slice(-1)),
    )


def tabulate_supply(catalogue: Catalogue, categories: list[Category]) -> pl.DataFrame:
    """The `supply` file: one vendor per SKU, the same terms for every store."""

    def per_category(field: str) -> pl.Expr:
        values = {i: getattr(c, field) for i, c in enumerate(categories)}
        return pl.col("category_index").replace_strict(values, return_dtype=pl.Int64)

    return catalogue.frame.select(
        "sku",
        "vendor_code",
        lead_time_days=pl.col("lead_mean").cast(pl.Int64),
        review_period_days=per_category("review_days"),
        store_code=pl.lit(None, dtype=pl.String),
        lead_time_sd_days="lead_sd",
        moq="moq",
        pack_size="pack_size",
        unit_cost=pl.col("unit_cost").cast(pl.Decimal(14, 2)),
    )
