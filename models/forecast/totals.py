"""Totals that add up: the published weeks summed to store and category, category, store and chain, with their spread.

Reads the published frame; means are sums of its rows, so the same number stands everywhere. Quantiles are never added:
a total's spread is that of its rows as if apart, and the shock that they were seen to share.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.forecast.distribution import count_quantiles, week_size
from models.forecast.engine import Forecast

# level -> the columns that name a total of it
LEVELS: dict[str, list[str]] = {
    "chain": [],
    "store": ["store_code"],
    "category": ["category"],
    "store_category": ["store_code", "category"],
}
SHOWN = {"p10": 0.1, "p50": 0.5, "p90": 0.9}

TOTALS_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "level": pl.String,
    "store_code": pl.String,
    "category": pl.String,
    "week_starting_on": pl.Date,
    "mean_qty": pl.Float64,
    **dict.fromkeys(SHOWN, pl.Float64),
}


def total_forecasts(forecast: Forecast, weekly: pl.DataFrame, catalog: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """TOTALS_SCHEMA: a row per level, total and week of the published frame."""
    size = week_size(forecast.shared, forecast.inner)[:, None] if forecast.size is None else forecast.size
    spread = forecast.series.select("store_code", "sku").with_columns(
        phi=pl.Series(np.asarray((1.0 / np.maximum(size, 1e-6)).mean(axis=1)))
    )
    rows = (
        weekly.join(spread, on=["store_code", "sku"], maintain_order="left")
        .join(catalog.select("store_code", "sku", "category"), on=["store_code", "sku"], maintain_order="left")
        .with_columns(
            pl.col("category").fill_null(""), apart=pl.col("mean_qty") + pl.col("phi") * pl.col("mean_qty") ** 2
        )
        .sort("store_code", "sku", "week_starting_on")
    )
    parts = []
    for level, names in LEVELS.items():
        total = rows.group_by(*names, "week_starting_on", maintain_order=True).agg(
            pl.col("mean_qty").sum(), pl.col("apart").sum()
        )
        mean = total["mean_qty"].to_numpy()
        variance = total["apart"].to_numpy() + forecast.common * mean**2
        k = mean**2 / np.maximum(variance - mean, 1e-9)
        quantiles = count_quantiles(mean, k, np.array(list(SHOWN.values())))
        parts.append(
            total.with_columns(
                pl.lit(as_of).alias("as_of"),
                pl.lit(level).alias("level"),
                *(
                    pl.lit(None, dtype=pl.String).alias(name)
                    for name in ("store_code", "category")
                    if name not in names
                ),
                *(pl.Series(name, quantiles[:, at]) for at, name in enumerate(SHOWN)),
            ).select(list(TOTALS_SCHEMA))
        )
    return pl.concat(parts).cast(TOTALS_SCHEMA).sort("level", "store_code", "category", "week_starting_on")  # type: ignore[arg-type]  # polars types the mapping invariantly
