"""Lens powers pooled over the grid of sphere and cylinder: a cell sells what its neighbours sell and what eyes need.

Reads a panel and the powers of its skus, gives what a cell is worth a week in a store, at any origin.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.features.history import sum_by
from models.features.panel import Floats, Panel

# Dioptres over which cells are alike, and store-weeks that the share of eyes counts as.
ALIKE = 0.35
EYES_WEEKS = 100.0
YEAR = 52


def pool_powers(panel: Panel, powers: pl.DataFrame) -> NDArray[np.float32] | None:
    """Units a week in a store (n_series, n_weeks + 1) as known before each column, nan for what has no power; or None.

    Rate of a cell = (sum K units + 100 r s) / (sum K weeks + 100) over the last 52 weeks of its line: K the likeness of
    cells, r the line's rate, s the cell's share of eyes over the mean share (1 where unknown). `powers`: sku,
    lens_line, sph, cyl, eyes_share.
    """
    known = powers.drop_nulls(["sku", "lens_line", "sph"]).unique("sku", keep="first", maintain_order=True)
    rows = panel.series.with_row_index("row").join(known, on="sku").sort("row")
    if rows.is_empty():
        return None
    weight = _year(panel.weight)
    units = _year(panel.weight * panel.demand)
    out = np.full((panel.n_series, panel.n_weeks + 1), np.nan, dtype=np.float32)
    for (_,), line in rows.group_by("lens_line", maintain_order=True):
        cells = line.unique("sku", keep="first", maintain_order=True).sort("sku")
        code = line.join(cells.select("sku").with_row_index("cell"), on="sku", maintain_order="left")["cell"].to_numpy()
        of = line["row"].to_numpy()
        sold, weeks = sum_by(code.astype(np.int64), units[of]), sum_by(code.astype(np.int64), weight[of])
        rate = sold.sum(axis=0) / np.maximum(weeks.sum(axis=0), 1.0)
        share = cells["eyes_share"].fill_null(0.0).to_numpy().astype(float)
        eyes = (share + 1e-4) / (share + 1e-4).mean() if share.any() else np.ones(len(share))
        sph, cyl = (cells[name].fill_null(0.0).to_numpy().astype(float) for name in ("sph", "cyl"))
        like = np.exp(-((sph[:, None] - sph) ** 2 + (cyl[:, None] - cyl) ** 2) / (2 * ALIKE**2))
        pooled = (like @ sold + EYES_WEEKS * eyes[:, None] * rate) / (like @ weeks + EYES_WEEKS)
        out[of] = np.maximum(pooled, 1e-5)[code]
    return out


def _year(values: Floats) -> Floats:
    """Sums of the 52 columns before each column: (n, n_columns + 1)."""
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    back = np.maximum(np.arange(total.shape[1]) - YEAR, 0)
    return np.asarray(total - total[:, back])
