"""Frames that the policy reads besides those of every model: what is free, what comes, what binds, what vendors took.

Reads marts, staging and settings; gives polars frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.policy.moving import TransferTerms

if TYPE_CHECKING:
    import duckdb

TRANSFER_DAYS = 3  # between two stores, before any transfer has told
UNIT_COST, LEAST_WORTH = 20.0, 200.0  # as the settings have them before anybody changes them
POSITION = """
SELECT i.store_code, i.sku, i.on_hand_qty, i.on_order_qty,
    coalesce(c.reserved_qty, 0) AS reserved_qty, coalesce(c.promised_qty, 0) AS promised_qty
FROM lake.marts.fct_inventory_position AS i
LEFT JOIN lake.marts.fct_claims AS c USING (store_code, sku)
ORDER BY ALL"""
ARRIVALS = """
SELECT store_code, sku, expected_on, quantity FROM lake.marts.fct_arrivals
UNION ALL
SELECT store_code, sku, CAST(shipped_on + ? AS DATE), in_transit_qty
FROM lake.marts.fct_claims WHERE in_transit_qty > 0
ORDER BY ALL"""
RULES = "SELECT * FROM lake.marts.dim_order_rules ORDER BY store_code, sku"
LINES = """
SELECT vendor_code, category, sent_on, lead_time_days, CASE WHEN is_open THEN waited_days END AS waited_days
FROM lake.marts.fct_purchase_lines
WHERE sent_on IS NOT NULL AND vendor_code IS NOT NULL
ORDER BY ALL"""
# what is in the assortment and may be reordered, with what is known of its shelf and its sales
WATCHED = """
SELECT a.store_code, a.sku, i.on_hand_qty, coalesce(h.last_sold_on, s.last_sold_on) AS last_sold_on, h.silent_days,
    h.silence_probability, coalesce(d.ever_held, FALSE) AS ever_held, r.chain_rate AS chain_daily_rate, a.unit_cost,
    a.unit_price
FROM lake.marts.dim_assortment AS a
JOIN lake.marts.dim_order_rules AS o USING (store_code, sku)
LEFT JOIN lake.marts.fct_inventory_position AS i USING (store_code, sku)
LEFT JOIN lake.marts.fct_stock_health AS h USING (store_code, sku)
LEFT JOIN lake.marts.fct_pair_rates AS r USING (store_code, sku)
LEFT JOIN (
    SELECT store_code, sku, bool_or(on_hand_qty > 0) AS ever_held FROM lake.marts.fct_stock_spans GROUP BY ALL
) AS d USING (store_code, sku)
LEFT JOIN (
    SELECT store_code, sku, max(sold_on) AS last_sold_on FROM lake.marts.fct_sales_daily WHERE sold_qty > 0 GROUP BY ALL
) AS s USING (store_code, sku)
WHERE a.is_in_assortment AND NOT o.is_never_reordered AND o.lifecycle NOT IN ('CLEARANCE', 'DISCONTINUED')
ORDER BY ALL"""
TRANSIT = "SELECT median(transit_days) FROM lake.marts.fct_transfer_lines WHERE transit_days IS NOT NULL"
SETTING = "SELECT try_cast(value AS DOUBLE) FROM lake.staging.chain_settings WHERE key = ?"


def read_free_stock(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The frame `position` with what is reserved and promised."""
    return con.execute(POSITION).pl()


def read_coming(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The frame `arrivals` with what is on its way between stores."""
    return con.execute(ARRIVALS, [transfer_days(con) or TRANSFER_DAYS]).pl()


def read_rules(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The frame `rules`, one row per pair of the assortment."""
    return con.execute(RULES).pl()


def read_purchase_lines(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Lines of sent orders with their lead time, or how long they have waited."""
    return con.execute(LINES).pl()


def read_watched(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The frame that the count list is made of, one row per pair that may be reordered."""
    return con.execute(WATCHED).pl()


def transfer_days(con: duckdb.DuckDBPyConnection) -> int | None:
    """Days that goods took between stores, the median of those that arrived; None where none ever did."""
    row = con.execute(TRANSIT).fetchone()
    return None if row is None or row[0] is None else max(round(row[0]), 1)


def read_transfer_terms(con: duckdb.DuckDBPyConnection) -> TransferTerms:
    """What transfers take and cost by the chain's settings. No days where neither settings nor history name any."""
    stated = round(read_setting(con, "transfer_days") or 0)
    cost, worth = (read_setting(con, f"transfer_{name}_amount") for name in ("unit_cost", "least_worth"))
    return TransferTerms(
        days=stated or transfer_days(con) or 0,
        unit_cost=UNIT_COST if cost is None else cost,
        least_worth=LEAST_WORTH if worth is None else worth,
    )


def read_setting(con: duckdb.DuckDBPyConnection, key: str) -> float | None:
    """A number among the chain's settings; None where nobody has set it."""
    row = con.execute(SETTING, [key]).fetchone()
    return None if row is None or row[0] is None else float(row[0])
