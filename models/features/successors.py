"""Successors: an item that takes another's place begins with the demand of the one it replaced, store by store.

Reads a panel and the links, gives a panel in which the successor's empty weeks hold its predecessor's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from models.features.panel import Panel

# What a predecessor sold over a year ago says little about who takes its place.
YEAR = 52


def inherit_demand(panel: Panel, predecessors: pl.DataFrame) -> Panel:
    """The panel with up to a year of the predecessor's weeks before each successor's own first one.

    `predecessors`: sku, predecessor. Marks the rows in `heirs`; links to what is not in the same store change nothing.
    """
    if predecessors.is_empty() or not panel.n_weeks:
        return panel
    rows = panel.series.with_row_index("row")
    links = (
        rows.join(predecessors.unique("sku", keep="first", maintain_order=True), on="sku")
        .join(rows.rename({"sku": "predecessor", "row": "from"}), on=["store_code", "predecessor"])
        .sort("row")
    )
    heir, origin = (links[name].to_numpy().astype(np.int64) for name in ("row", "from"))
    weight, demand = panel.weight.copy(), panel.demand.copy()
    heirs = np.zeros(panel.n_series, dtype=bool)
    observed = panel.weight > 0
    begins = np.where(observed.any(axis=1), np.argmax(observed, axis=1), panel.n_weeks)
    column = np.arange(panel.n_weeks)
    for one, before in zip(heir, origin, strict=True):
        end = int(begins[one])
        take = (column < end) & (column >= end - YEAR) & observed[before]
        weight[one, take], demand[one, take] = panel.weight[before, take], panel.demand[before, take]
        heirs[one] = take.any()
    return replace(panel, weight=weight, demand=demand, heirs=heirs, begins=begins.astype(np.int64))
