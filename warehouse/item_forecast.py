"""What is known of an item of a store beside its forecast, for people.

Whether the store may be seen is settled before asking.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import polars as pl

# One row per item that is forecast for the store, the most wanted first
ITEMS = """
SELECT f.sku, p.name, p.category, i.on_hand_qty, sum(f.mean_qty) AS expected_qty
FROM lake.outputs.forecast_weekly AS f
JOIN lake.marts.dim_product AS p USING (sku)
LEFT JOIN lake.marts.fct_inventory_position AS i USING (store_code, sku)
WHERE f.store_code = ? AND f.week_starting_on < f.as_of + 28
GROUP BY ALL ORDER BY expected_qty DESC, f.sku
"""
# One row: what the model saw of the item in this store
SEEN = """
SELECT count(*) AS weeks, coalesce(sum(demand_qty), 0) AS sold_qty,
    count(*) FILTER (in_stock_share >= 0.999) AS full_weeks, count(*) FILTER (in_stock_share <= 0.001) AS empty_weeks,
    min(week_starting_on) FILTER (demand_qty > 0) AS first_sold_on,
    max(week_starting_on) FILTER (demand_qty > 0) AS last_sold_on
FROM lake.marts.fct_demand_weekly WHERE store_code = ? AND sku = ? AND is_complete
"""
STOCK = """
SELECT on_hand_qty, on_order_qty FROM lake.marts.fct_inventory_position WHERE store_code = ? AND sku = ?
"""
PRODUCT = """
SELECT a.launched_on, a.discontinued_on, s.predecessor
FROM lake.marts.dim_assortment AS a LEFT JOIN lake.marts.dim_successor AS s USING (sku)
WHERE a.store_code = ? AND a.sku = ?
"""


@dataclass(frozen=True)
class Seen:
    """What the model saw: complete weeks, in how many the item was never, or always, on the shelf, what sold when.

    Stock is None where nobody has said what is there.
    """

    weeks: int
    sold_qty: float
    full_weeks: int
    empty_weeks: int
    first_sold_on: dt.date | None
    last_sold_on: dt.date | None
    on_hand: int | None
    on_order: int
    launched_on: dt.date | None
    discontinued_on: dt.date | None
    predecessor: str | None


def list_items(con: duckdb.DuckDBPyConnection, store_code: str) -> pl.DataFrame:
    """The store's forecast items: sku, name, category, on_hand_qty, expected_qty of four weeks; most wanted first."""
    return con.execute(ITEMS, [store_code]).pl()


def read_seen(con: duckdb.DuckDBPyConnection, store_code: str, sku: str) -> Seen:
    """What is known of the item in the store."""
    seen, stock, product = (con.execute(query, [store_code, sku]).fetchone() for query in (SEEN, STOCK, PRODUCT))
    assert seen is not None, "an aggregate gives its row"
    weeks, sold, full, empty, first, last = seen
    on_hand, on_order = stock or (None, 0)
    return Seen(weeks, float(sold), full, empty, first, last, on_hand, on_order or 0, *(product or (None, None, None)))
