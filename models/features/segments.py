"""Segments of series: category by kind of demand (Syntetos and Boylan), as known before an origin.

Reads a history. A kind says how often and how evenly an item sells, so it says which method suits it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.features.history import History

# Often: a sale in one of 1.32 weeks or more; even: squared variation of the weeks with a sale under .49.
OFTEN, EVEN = 1.32, 0.49
YEAR, LEAST_WEEKS, LEAST_SALES = 52, 8, 3
LEAST_SERIES = 20


def name_segments(history: History, origin: int) -> NDArray[np.str_]:
    """Name (n_series,) such as 'Frames / lumpy'; a segment under 20 series joins 'all / <kind>'.

    smooth, erratic, intermittent, lumpy by the last year in stock; silent: under 8 weeks in stock or 3 with a sale.
    Sold in 20 of 52 weeks: 2.6 weeks a sale, so intermittent, or lumpy when the sizes vary.
    """
    panel = history.panel
    first = max(origin - YEAR, 0)
    demand, weight = panel.demand[:, first:origin], panel.weight[:, first:origin]
    sold = (demand > 0) & (weight > 0)
    sales, weeks = sold.sum(axis=1), (weight > 0).sum(axis=1)
    mean = (demand * sold).sum(axis=1) / np.maximum(sales, 1)
    square = (demand**2 * sold).sum(axis=1) / np.maximum(sales, 1)
    is_even = (square - mean**2) / np.maximum(mean**2, 1e-9) < EVEN
    is_often = weeks / np.maximum(sales, 1) < OFTEN
    kind = np.where(is_often, np.where(is_even, "smooth", "erratic"), np.where(is_even, "intermittent", "lumpy"))
    kind = np.where((weeks < LEAST_WEEKS) | (sales < LEAST_SALES), "silent", kind)
    category = np.array([name or "no category" for name in panel.categories], dtype=object)[panel.codes["category"]]
    name = np.array([f"{c} / {k}" for c, k in zip(category, kind, strict=True)], dtype=str)
    _, code, count = np.unique(name, return_inverse=True, return_counts=True)
    pooled = np.array([f"all / {k}" for k in kind], dtype=str)
    return np.where(count[code] >= LEAST_SERIES, name, pooled)
