"""The pairs to plan, with everything known about each on one row: position, terms, prices, forecast row.

Joins the contract's frames; computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.forecast.engine import Forecast

PAIR = ["store_code", "sku"]
TERMS = {
    "vendor_code": pl.String,
    "lead_time_days": pl.Int64,
    "review_period_days": pl.Int64,
    "lead_time_sd_days": pl.Float64,
    "moq": pl.Int64,
    "pack_size": pl.Int64,
    "unit_cost": pl.Float64,
    "holding_cost_per_unit_week": pl.Float64,
    "shortage_cost_per_unit": pl.Float64,
    "service_level": pl.Float64,
    "display_min": pl.Int64,
}
# what else binds an order for a pair, each null where nothing is said
RULES = {
    "kind": pl.String,
    "style_code": pl.String,
    "lifecycle": pl.String,
    "launched_on": pl.Date,
    "board_capacity": pl.Int64,
    "is_never_reordered": pl.Boolean,
    "is_transfer_excluded": pl.Boolean,
    "shelf_life_days": pl.Int64,
    "order_weekdays": pl.List(pl.Int32),
    "minimum_order_amount": pl.Float64,
    "kind_service_level": pl.Float64,
}
CLAIMS = {"reserved_qty": pl.Int64, "promised_qty": pl.Int64, "transfer_in_qty": pl.Int64, "transfer_out_qty": pl.Int64}
MASK_WEEKS = 13


def gather_candidates(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    position: pl.DataFrame,
    terms: pl.DataFrame,
    forecast: Forecast,
    as_of: date,
    rules: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per pair of the assortment, sorted by pair.

    Adds forecast_row (null: no forecast, or one that is no number), method and masked_weeks (of the last 13 complete
    weeks, those under half in stock). Pairs without terms keep null terms, those of unknown stock a null on_hand_qty.
    `rules` (RULES) and the claims of `position` (CLAIMS) may be missing, whole or in part. Raises ValueError where a
    pair is stated twice.
    """
    rules = pl.DataFrame(schema=dict.fromkeys(PAIR, pl.String)) if rules is None else rules
    for name, frame in (("catalog", catalog), ("position", position), ("terms", terms), ("rules", rules)):
        if frame.select(PAIR).is_duplicated().any():
            raise ValueError(f"{name}: a pair (store_code, sku) appears more than once")
    rows = forecast.series.select(PAIR).with_row_index("forecast_row")
    rows = rows.with_columns(pl.Series("method", forecast.method, dtype=pl.String))
    rows = rows.filter(pl.Series(np.isfinite(forecast.mean).all(axis=1) & (forecast.mean >= 0).all(axis=1)))
    stated = terms.select(*PAIR, *(pl.col(name).cast(kind) for name, kind in TERMS.items()))
    prices = catalog.filter(pl.col("is_in_assortment")).select(
        *PAIR,
        *(
            pl.col(name) if name in catalog.columns else pl.lit(None, pl.String).alias(name)
            for name in ("category", "brand")
        ),
        pl.col("discontinued_on").cast(pl.Date),
        pl.col("unit_price").cast(pl.Float64),
        pl.col("unit_cost").cast(pl.Float64).alias("catalog_cost"),
    )
    return (
        prices.join(_complete(position, CLAIMS, "on_hand_qty", "on_order_qty"), on=PAIR, how="left")
        .join(stated, on=PAIR, how="left")
        .join(_complete(rules, RULES), on=PAIR, how="left")
        .join(rows, on=PAIR, how="left")
        .join(_masked_weeks(demand, as_of), on=PAIR, how="left")
        .with_columns(
            pl.col("unit_cost").fill_null(pl.col("catalog_cost")),
            # a level promised for a kind of goods stands where no line states both costs, or a level of its own
            pl.when(pl.col("holding_cost_per_unit_week").is_null() | pl.col("shortage_cost_per_unit").is_null())
            .then(pl.coalesce("service_level", "kind_service_level"))
            .otherwise(pl.col("service_level"))
            .alias("service_level"),
            pl.sum_horizontal(
                pl.col(name).fill_null(0) for name in ("reserved_qty", "promised_qty", "transfer_out_qty")
            )
            .cast(pl.Int64)
            .alias("claimed_qty"),
        )
        .sort(PAIR)
    )


def _complete(frame: pl.DataFrame, columns: Mapping[str, Any], *more: str) -> pl.DataFrame:
    """The pairs of a frame with the named columns, null where the frame does not have them."""
    found = [
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in columns.items()
    ]
    return frame.select(*PAIR, *more, *found)


def _masked_weeks(demand: pl.DataFrame, as_of: date) -> pl.DataFrame:
    begins = as_of - timedelta(days=as_of.weekday() + 7 * MASK_WEEKS)
    recent = demand.filter(
        pl.col("is_complete"), pl.col("week_starting_on") >= begins, pl.col("week_starting_on") < as_of
    )
    masked = recent.filter(pl.col("in_stock_share") < 0.5).sort("week_starting_on")
    text = pl.col("week_starting_on").dt.to_string("%Y-%m-%d")
    return masked.group_by(PAIR, maintain_order=True).agg(text.alias("masked_weeks"))
