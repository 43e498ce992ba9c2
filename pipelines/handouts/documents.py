"""Draft orders by vendor, and transfers to pick and to receive, as the operational side holds them now."""

from __future__ import annotations

from typing import Any

import polars as pl
import psycopg
from psycopg.rows import dict_row

from api.identity.scope import Scope
from pipelines.handouts.layout import Column, Listing, lay_out

GOODS = (
    Column("sku", "SKU", "code", 14, 24),
    Column("barcode", "Barcode", "code", 15, 26),
    Column("brand", "Brand", "text", 14),
    Column("product_name", "Product", "text", 32, 66),
    Column("model", "Model", "text", 12),
    Column("colour", "Colour", "text", 10, 16),
    Column("size", "Size", "text", 8, 12),
    Column("sph", "SPH", "number", 7, 12),
    Column("cyl", "CYL", "number", 7, 12),
    Column("add", "ADD", "number", 7, 12),
)
ORDERS = (
    Column("order_ref", "Order", "code", 20),
    Column("status", "Status", "text", 10),
    Column("vendor_code", "Vendor", "code", 12),
    Column("vendor_name", "Vendor name", "text", 24),
    Column("store_code", "Deliver to", "code", 10, 18),
    Column("store_name", "Store", "text", 22),
    *GOODS,
    Column("ordered_qty", "Quantity", "units", 10, 18),
    Column("expected_on", "Expected", "day", 12, 22),
    Column("suggestion_id", "Suggestion", "code", 11),
    Column("unit_cost", "Unit cost", "money", 12, 20, is_cost=True),
    Column("cost_amount", "Amount", "money", 14, 24, is_cost=True),
    Column("note", "Note", "text", 24, 26, is_filled_in=True),
)
TRANSFERS = (
    Column("transfer", "Transfer", "code", 10),
    Column("status", "Status", "text", 12),
    Column("from_store_code", "From", "code", 8, 14),
    Column("to_store_code", "To", "code", 8, 14),
    Column("route", "Route", "text", 14),
    *GOODS,
    Column("serial", "Serial", "code", 14, 20),
    Column("requested_qty", "Asked for", "units", 10, 18),
    Column("approved_qty", "Approved", "units", 10, 18),
    Column("shipped_qty", "Shipped", "units", 10),
    Column("picked_qty", "Picked", "units", 10, 18, is_filled_in=True),
    Column("received_qty", "Received", "units", 10, 20, is_filled_in=True),
    Column("suggestion_id", "Suggestion", "code", 11),
    Column("note", "Note", "text", 24, 26, is_filled_in=True),
)
ABOUT_GOODS = """p.sku, p.barcode, p.brand, p.name AS product_name, p.model, p.colour_code AS colour,
        p.size_label AS size, c.sph::float8, c.cyl::float8, c.add::float8"""
READ_ORDERS = f"""
    SELECT o.order_ref, o.status, v.vendor_code, v.name AS vendor_name, s.store_code, s.name AS store_name,
        {ABOUT_GOODS}, l.ordered_qty, l.expected_on, l.suggestion_id::text, l.unit_price::float8 AS unit_cost,
        round(l.ordered_qty * l.unit_price, 2)::float8 AS cost_amount, o.note
    FROM purchase_orders AS o JOIN purchase_order_lines AS l USING (purchase_order_id)
    JOIN products AS p USING (product_id) JOIN stores AS s ON s.store_id = l.store_id
    LEFT JOIN vendors AS v ON v.vendor_id = o.vendor_id LEFT JOIN lens_cells AS c ON c.lens_cell_id = l.lens_cell_id
    WHERE o.status IN ('draft', 'approved') AND o.created_by IS NOT NULL
    ORDER BY v.name, s.store_code, o.order_ref, p.category, p.brand, p.sku, c.sph, c.cyl, c.add"""
READ_TRANSFERS = f"""
    SELECT t.stock_transfer_id::text AS transfer, t.status, f.store_code AS from_store_code,
        d.store_code AS to_store_code, f.store_code || ' → ' || d.store_code AS route, {ABOUT_GOODS}, u.serial,
        l.requested_qty, l.approved_qty, nullif(l.shipped_qty, 0) AS shipped_qty,
        nullif(l.received_qty, 0) AS received_qty, l.suggestion_id::text, t.note
    FROM stock_transfers AS t JOIN stock_transfer_lines AS l USING (stock_transfer_id)
    JOIN products AS p USING (product_id) JOIN stores AS f ON f.store_id = t.from_store_id
    JOIN stores AS d ON d.store_id = t.to_store_id LEFT JOIN lens_cells AS c ON c.lens_cell_id = l.lens_cell_id
    LEFT JOIN stock_units AS u ON u.stock_unit_id = l.stock_unit_id
    WHERE t.status IN ('requested', 'approved', 'shipped', 'partially_received')
    ORDER BY f.store_code, d.store_code, t.stock_transfer_id, p.category, p.brand, p.sku, c.sph, c.cyl, c.add"""


def list_orders(source: str, scope: Scope) -> Listing:
    """Draft and approved orders that are not sent yet: a sheet for each vendor, a page for each order."""
    rows = _read(source, READ_ORDERS, ORDERS)
    return lay_out("orders", "Purchase orders", ORDERS, rows, scope, "vendor_name", "order_ref", rest="No vendor")


def list_transfers(source: str, scope: Scope) -> Listing:
    """Transfers asked for or on their way, for both of their stores: a sheet for each route, a page for each one."""
    rows = _read(source, READ_TRANSFERS, TRANSFERS)
    stores = ("from_store_code", "to_store_code")
    return lay_out("transfers", "Transfer manifest", TRANSFERS, rows, scope, "route", "transfer", stores=stores)


def _read(source: str, statement: str, columns: tuple[Column, ...]) -> pl.DataFrame:
    with psycopg.connect(source, row_factory=dict_row) as connection:
        rows: list[dict[str, Any]] = connection.execute(statement.encode()).fetchall()
    named = [column.name for column in columns]
    if not rows:
        return pl.DataFrame(schema=dict.fromkeys(named, pl.String))
    return pl.DataFrame(rows, infer_schema_length=None)
