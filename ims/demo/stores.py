"""Draws the stores of the chain: where they are, how big, when they open and close."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ims.demo.days import FOREVER, Floats, Ints
from ims.demo.parameters import Profile, read_table
from ims.demo.streams import open_stream

WAREHOUSE_CODE = "WH01"


@dataclass(frozen=True)
class Stores:
    """Selling stores only. Days are indices: 0 is the first day of the history."""

    codes: list[str]
    names: list[str]
    cities: list[str]
    regions: list[str]
    clusters: list[str]
    size: Floats
    open_day: Ints
    close_day: Ints


def draw_stores(profile: Profile, seed: int) -> Stores:
    """Sizes are lognormal (sigma .35) with mean 1; the last stores open mid-history, the one before them closes."""
    rng = open_stream(seed, "stores")
    places = read_table("places")
    cities, areas = places["cities"], places["areas"]
    n, days = profile.stores, profile.weeks * 7
    rows = [cities[i % len(cities)] for i in range(n)]
    size = rng.lognormal(0.0, 0.35, n)
    open_day = np.full(n, -FOREVER)
    close_day = np.full(n, FOREVER)
    late = np.arange(n - profile.opens_mid_history, n)
    open_day[late] = (np.linspace(0.25, 0.5, len(late)) * days).astype(int)
    gone = np.arange(n - profile.opens_mid_history - profile.closes_mid_history, n - profile.opens_mid_history)
    close_day[gone] = (np.linspace(0.75, 0.85, len(gone)) * days).astype(int)
    return Stores(
        codes=[f"S{i + 1:02d}" for i in range(n)],
        names=[f"Drishva {row[0]} {areas[(i // len(cities)) % len(areas)]}" for i, row in enumerate(rows)],
        cities=[row[0] for row in rows],
        regions=[row[1] for row in rows],
        clusters=[row[2] for row in rows],
        size=size / size.mean(),
        open_day=open_day,
        close_day=close_day,
    )


def tabulate_stores(stores: Stores, profile: Profile, start: date) -> pl.DataFrame:
    """The `stores` file, warehouse last; a store older than the history opened years before it."""
    n = len(stores.codes)
    before = [-700 - 211 * i for i in range(n)]
    opened = [int(d) if d > 0 else b for d, b in zip(stores.open_day, before, strict=True)]
    closed = [int(d) if d < FOREVER else None for d in stores.close_day]
    frame = pl.DataFrame(
        {
            "store_code": stores.codes,
            "name": stores.names,
            "kind": ["store"] * n,
            "city": stores.cities,
            "region": stores.regions,
            "cluster": stores.clusters,
            "opened_on": opened,
            "closed_on": closed,
        },
        schema_overrides={"opened_on": pl.Int64, "closed_on": pl.Int64},
    )
    if profile.warehouse:
        city, region = stores.cities[0], stores.regions[0]
        row = [
            WAREHOUSE_CODE,
            f"Drishva warehouse {city}",
            "warehouse",
            city,
            region,
            "warehouse",
            -1500,
            None,
        ]
        frame = frame.vstack(pl.DataFrame([row], schema=frame.schema, orient="row"))
    return frame.with_columns((pl.lit(start) + pl.duration(days=c)).alias(c) for c in ("opened_on", "closed_on"))
