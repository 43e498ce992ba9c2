"""What a chain knows ahead of its weeks: festivals that move, prices by date, closings, successors, powers, renewals.

Small frames, each of which may be empty: where a chain tells none of it, nothing changes. Nothing is learned here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

FESTIVALS = {"festival": pl.String, "day_on": pl.Date}
PRICES = {
    "store_code": pl.String,
    "sku": pl.String,
    "valid_from_on": pl.Date,
    "valid_to_on": pl.Date,
    "unit_price": pl.Float64,
}
STORES = {"store_code": pl.String, "closed_on": pl.Date}
PREDECESSORS = {"sku": pl.String, "predecessor": pl.String}
POWERS = {
    "sku": pl.String,
    "lens_line": pl.String,
    "sph": pl.Float64,
    "cyl": pl.Float64,
    "eyes_share": pl.Float64,
}
RENEWALS = {
    "store_code": pl.String,
    "sku": pl.String,
    "ordered_on": pl.Date,
    "runs_out_on": pl.Date,
    "boxes": pl.Float64,
}


def _empty(schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True)
class Known:
    """festivals: festival, day_on. prices: store_code (null = all), sku, valid_from_on, valid_to_on, unit_price.

    stores: store_code, closed_on (null = open). predecessors: sku and the one whose place it took, once per sku.
    renewals: store_code, sku, ordered_on, runs_out_on, boxes: lenses bought, and when they are used up.
    powers: sku, lens_line, sph, cyl (dioptres), eyes_share of the line's prescriptions (null = unknown).
    """

    festivals: pl.DataFrame = field(default_factory=lambda: _empty(FESTIVALS))
    prices: pl.DataFrame = field(default_factory=lambda: _empty(PRICES))
    stores: pl.DataFrame = field(default_factory=lambda: _empty(STORES))
    predecessors: pl.DataFrame = field(default_factory=lambda: _empty(PREDECESSORS))
    renewals: pl.DataFrame = field(default_factory=lambda: _empty(RENEWALS))
    powers: pl.DataFrame = field(default_factory=lambda: _empty(POWERS))

    def as_replayed(self) -> Known:
        """What a replay of the past may look ahead with: no price list says since when it was known."""
        return replace(self, prices=_empty(PRICES))


NOTHING = Known()
