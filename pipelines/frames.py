"""Frames between the lake and models/: marts read as polars, results written as tables of `outputs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from warehouse.contracts import contract
from warehouse.transactions import transaction

if TYPE_CHECKING:
    import duckdb

# the columns models/ is promised; a mart may hold more
INPUTS = {
    "demand": ("marts.fct_demand_weekly", "store_code, sku, week_starting_on, demand_qty, in_stock_share, is_complete"),
    "catalog": (
        "marts.dim_assortment",
        "store_code, sku, category, subcategory, brand, cluster, region, launched_on, discontinued_on, unit_price, "
        "unit_cost, is_in_assortment",
    ),
    "position": ("marts.fct_inventory_position", "store_code, sku, on_hand_qty, on_order_qty"),
    "arrivals": ("marts.fct_arrivals", "store_code, sku, expected_on, quantity"),
    "terms": (
        "marts.dim_supply_terms",
        "store_code, sku, vendor_code, lead_time_days, review_period_days, lead_time_sd_days, moq, pack_size, "
        "unit_cost, holding_cost_per_unit_week, shortage_cost_per_unit, service_level, display_min",
    ),
}


def read_input(con: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """One input frame of models/, in a fixed order, so that equal data give equal numbers."""
    table, columns = INPUTS[name]
    return con.execute(f"SELECT {columns} FROM lake.{table} ORDER BY ALL").pl()


def read_output(con: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame | None:
    """What the last run left in `outputs.<name>`; None where there is none yet."""
    import duckdb

    try:
        return con.execute(f"SELECT * FROM lake.outputs.{name} ORDER BY ALL").pl()
    except duckdb.CatalogException:
        return None


def write_output(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> int:
    """Replace `outputs.<name>` in one transaction, columns and types as its contract states them; rows written.

    In place where its columns are those: a table made anew makes DuckLake read its whole catalog anew.
    """
    agreed = contract(f"outputs.{name}")
    columns = ", ".join(f"CAST({column.name} AS {column.type}) AS {column.name}" for column in agreed.columns)
    con.register("frame", frame)
    try:
        with transaction(con):
            if _columns(con, name) == [(column.name, column.type) for column in agreed.columns]:
                con.execute(f"DELETE FROM lake.outputs.{name}")
                con.execute(f"INSERT INTO lake.outputs.{name} SELECT {columns} FROM frame")
            else:
                con.execute(f"CREATE OR REPLACE TABLE lake.outputs.{name} AS SELECT {columns} FROM frame")
    finally:
        con.unregister("frame")
    return frame.height


def _columns(con: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    import duckdb

    try:
        return [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE lake.outputs.{name}").fetchall()]
    except duckdb.CatalogException:
        return []
