"""List prices by week: what an item costs in a week, against what it cost before; known ahead where a chain says so.

Reads a panel and price spans, gives an array. What a price does to demand is learned by the model.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.features.festivals import AHEAD
from models.features.panel import Panel

MIDWEEK = timedelta(days=3)


def weekly_prices(panel: Panel, prices: pl.DataFrame) -> NDArray[np.float32] | None:
    """Log price (n_series, n_weeks + 20) on each Thursday, nan where none is told; None without any price.

    A span of one store goes before one of all stores, a later one before an earlier one.
    """
    known = prices.filter(pl.col("unit_price") > 0, pl.col("valid_from_on").is_not_null())
    if known.is_empty():
        return None
    rows = panel.series.with_row_index("row")
    everywhere = known.filter(pl.col("store_code").is_null()).drop("store_code").join(rows, on="sku")
    local = known.filter(pl.col("store_code").is_not_null()).join(rows, on=["store_code", "sku"])
    out = np.full((panel.n_series, panel.n_weeks + AHEAD), np.nan, dtype=np.float32)
    for spans in (everywhere, local):
        for row, start, end, price in (
            spans.sort("row", "valid_from_on").select("row", "valid_from_on", "valid_to_on", "unit_price").iter_rows()
        ):
            first = max(-(-(start - panel.start - MIDWEEK).days // 7), 0)
            last = out.shape[1] if end is None else max((end - panel.start - MIDWEEK).days // 7 + 1, 0)
            out[row, first:last] = np.log(price)
    return out
