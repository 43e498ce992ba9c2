"""The pairs to plan, with everything known about each on one row: position, terms, prices, forecast row.

Joins the contract's frames; computes nothing.
"""

from __future__ import annotations

from datetime import date, timedelta

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
MASK_WEEKS = 13


def gather_candidates(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    position: pl.DataFrame,
    terms: pl.DataFrame,
    forecast: Forecast,
    as_of: date,
) -> pl.DataFrame:
    """One row per pair of the assortment whose stock is known, sorted by pair.

    Adds forecast_row (null: no forecast), method and masked_weeks (of the last 13 complete weeks, those under half in
    stock). Pairs without terms keep null terms. Raises ValueError where a pair is stated twice.
    """
    for name, frame in (("catalog", catalog), ("position", position), ("terms", terms)):
        if frame.select(PAIR).is_duplicated().any():
            raise ValueError(f"{name}: a pair (store_code, sku) appears more than once")
    rows = forecast.series.select(PAIR).with_row_index("forecast_row")
    rows = rows.with_columns(pl.Series("method", forecast.method, dtype=pl.String))
    stated = terms.select(*PAIR, *(pl.col(name).cast(kind) for name, kind in TERMS.items()))
    prices = catalog.filter(pl.col("is_in_assortment")).select(
        *PAIR,
        pl.col("discontinued_on").cast(pl.Date),
        pl.col("unit_price").cast(pl.Float64),
        pl.col("unit_cost").cast(pl.Float64).alias("catalog_cost"),
    )
    return (
        prices.join(position.select(*PAIR, "on_hand_qty", "on_order_qty"), on=PAIR, how="inner")
        .join(stated, on=PAIR, how="left")
        .join(rows, on=PAIR, how="left")
        .join(_masked_weeks(demand, as_of), on=PAIR, how="left")
        .with_columns(pl.col("unit_cost").fill_null(pl.col("catalog_cost")))
        .sort(PAIR)
    )


def _masked_weeks(demand: pl.DataFrame, as_of: date) -> pl.DataFrame:
    begins = as_of - timedelta(days=as_of.weekday() + 7 * MASK_WEEKS)
    recent = demand.filter(
        pl.col("is_complete"), pl.col("week_starting_on") >= begins, pl.col("week_starting_on") < as_of
    )
    masked = recent.filter(pl.col("in_stock_share") < 0.5).sort("week_starting_on")
    text = pl.col("week_starting_on").dt.to_string("%Y-%m-%d")
    return masked.group_by(PAIR, maintain_order=True).agg(text.alias("masked_weeks"))
