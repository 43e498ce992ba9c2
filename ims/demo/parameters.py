"""Reads the TOML tables of the demo chain into typed values. Holds no numbers of its own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Category:
    """One category of `categories.toml`; lead times are (mean, sd) in days, shares 0-1, prices with tax."""

    key: str
    name: str
    prefix: str
    season: str
    popularity_sigma: float
    style_share: float
    seasonal_share: float
    festival_lift: float
    tax_rate: float
    tax_rate_before: float
    tiers: dict[str, float]
    price_median: dict[str, float]
    price_sigma: dict[str, float]
    margin: dict[str, float]
    line_qty_max: int
    return_share: float
    return_days: list[int]
    special_share: float
    lead: tuple[float, float]
    lead_special: tuple[float, float]
    review_days: int
    min_order_value: int
    moq: int
    pack: int
    display_min: int
    display_min_slow: int
    deep_share: float
    cover: float
    overlooked_share: float = 0.0
    style_life_days: int = 420
    seasonal_peak_day: int = 0
    shelf_life_days: int = 0


@dataclass(frozen=True)
class Profile:
    """One size of `profiles.toml`; `units` per mean store-day, `carried` shares and `skus` are keyed by category."""

    key: str
    chain: str
    caution: float
    stores: int
    warehouse: bool
    weeks: int
    as_of: date
    opens_mid_history: int
    closes_mid_history: int
    vendors_per_kind: int
    lens_lines: int
    lens_cells: int
    lens_lines_carried: list[int]
    lens_cells_carried: list[int]
    skus: dict[str, int]
    units: dict[str, float]
    carried: dict[str, float]


def read_table(name: str) -> dict[str, Any]:
    """The parsed `<name>.toml` of this package."""
    return tomllib.loads(files("ims.demo").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def read_categories() -> list[Category]:
    """All categories, in file order; their position is the category index used everywhere."""
    return [
        Category(key=key, **{**row, "lead": tuple(row["lead"]), "lead_special": tuple(row["lead_special"])})
        for key, row in read_table("categories").items()
    ]


def read_profile(key: str) -> Profile:
    """The named profile; ValueError lists the names there are."""
    table = read_table("profiles")
    if key not in table:
        raise ValueError(f"There is no demo profile {key!r}; the profiles are {', '.join(table)}.")
    row = table[key]
    row["skus"]["lenses"] = row["lens_lines"] * row["lens_cells"]
    return Profile(key=key, **row)
