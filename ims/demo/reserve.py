"""The warehouse's reserve: what headquarters bought in bulk, and what closed stores sent back. Not for sale."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ims.demo.assortment import Pairs
from ims.demo.catalogue import Catalogue
from ims.demo.days import FOREVER, Ints
from ims.demo.simulation import History
from ims.demo.stores import WAREHOUSE_CODE
from ims.demo.streams import open_stream

HELD_SHARE = 0.25  # of the living imported frames and sunglasses
MEAN_UNITS = 4.0


def tabulate_reserve(
    catalogue: Catalogue, pairs: Pairs, history: History, as_of: date, day: int, seed: int
) -> pl.DataFrame:
    """Rows of the `stock` file for the warehouse, at the opening of `day`."""
    rng = open_stream(seed, "reserve")
    imported = catalogue.column("is_imported") & (catalogue.column("end_day") == FOREVER)
    count = len(imported)
    held = imported & (rng.random(count) < HELD_SHARE)
    units: Ints = held * (1 + rng.poisson(MEAN_UNITS - 1, count))
    for closed_on, sent_back in history.cleared.items():
        if closed_on < day:
            np.add.at(units, pairs.sku, sent_back)
    return (
        pl.DataFrame({"sku": catalogue.frame["sku"], "on_hand": units})
        .filter(pl.col("on_hand") > 0)
        .select(
            as_of=pl.lit(as_of), store_code=pl.lit(WAREHOUSE_CODE), sku="sku", on_hand=pl.col("on_hand").cast(pl.Int64)
        )
    )
