"""The order list of a store, as its manager reads it: what to order, why, and everything it rests on.

Reads the served suggestions, the plan and marts of the published snapshot, and metrics for what is counted.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import polars as pl

from api.identity.scope import Scope
from api.suggestions import list_suggestions
from models.explanation.ahead import spread_ahead
from pipelines.handouts.layout import Column, Listing, lay_out
from warehouse.dimensions import Between
from warehouse.metrics import query
from warehouse.scope import Scope as FigureScope
from warehouse.wording import STATES, reason_in_words

if TYPE_CHECKING:
    import duckdb

    from api.publications import Published

STATES_LISTED = ("proposed", "approved", "edited", "ordered")
DAYS_AHEAD = 28
PAIR = ["store_code", "sku"]
COLUMNS = (
    Column("run_id", "Run", "code", 14),
    Column("as_of", "As of", "day", 11),
    Column("suggestion_id", "No.", "code", 8, 12),
    Column("state", "State", "text", 11),
    Column("kind", "Kind", "text", 10),
    Column("store_code", "Store", "code", 8),
    Column("sku", "SKU", "code", 14, 22),
    Column("barcode", "Barcode", "code", 15),
    Column("brand", "Brand", "text", 14),
    Column("model", "Model", "text", 12),
    Column("colour", "Colour", "text", 10),
    Column("size", "Size", "text", 8),
    Column("product_name", "Product", "text", 30, 58),
    Column("category", "Category", "text", 16),
    Column("abc", "ABC", "text", 6),
    Column("demand_class", "Demand", "text", 12),
    Column("on_hand", "On hand", "units", 9, 14),
    Column("reserved", "Reserved", "units", 9),
    Column("in_transit", "In transit", "units", 9),
    Column("on_order", "On order", "units", 9, 14),
    Column("sold_28d", "Sold 28 d", "units", 9, 14),
    Column("sold_91d", "Sold 91 d", "units", 9),
    Column("days_oos_91d", "Days out 91 d", "units", 9),
    Column("forecast_28d", "Forecast 28 d", "number", 10, 21),
    Column("forecast_28d_p50", "P50 28 d", "number", 9),
    Column("forecast_28d_p90", "P90 28 d", "number", 9),
    Column("lead_time_days_p50", "Lead P50 d", "number", 9),
    Column("lead_time_days_p90", "Lead P90 d", "number", 9),
    Column("days_cover", "Days cover", "number", 9, 14),
    Column("projected_stockout_date", "Runs out", "day", 11, 20),
    Column("target_level", "Target", "units", 9),
    Column("unrounded_qty", "Before packs", "units", 9),
    Column("pack_size", "Pack", "units", 7, 14),
    Column("suggested_qty", "Order", "units", 9, 15),
    Column("transfer_from", "Move from", "code", 10, 16),
    Column("vendor_code", "Vendor", "code", 12, 20),
    Column("vendor_name", "Vendor name", "text", 22),
    Column("order_by", "Order by", "day", 11),
    Column("arrives_on", "Arrives", "day", 11, 20),
    Column("priority", "At stake", "money", 12, 20),
    Column("reason_code", "Reason", "code", 20),
    Column("why", "Why", "text", 32, 42),
    Column("confidence", "Confidence", "share", 11),
    Column("unit_cost", "Unit cost", "money", 11, is_cost=True),
    Column("order_cost_amount", "Order value", "money", 13, is_cost=True),
    Column("approved_qty", "Approved", "units", 10, 20, is_filled_in=True),
    Column("note", "Note", "text", 30, 26, is_filled_in=True),
)
NAMED: tuple[str, ...] = ("suggestion_id", "state", "kind", "store_code", "sku", "vendor_code", "source_store_code")
NAMED += ("on_hand", "on_order", "suggested_qty", "approved_qty", "order_by", "arrives_on", "reason")
ABOUT = """
SELECT w.store_code, w.sku, p.name AS product_name, p.category, p.brand, p.model, p.colour_code AS colour,
    p.size_label AS size, b.barcode, c.abc_class AS abc, c.demand_class, i.reserved_qty AS reserved,
    i.in_transit_qty AS in_transit, t.pack_size, coalesce(t.unit_cost, p.unit_cost) AS unit_cost, v.name AS vendor_name,
    n.lead_p50_days AS lead_time_days_p50, n.lead_p90_days AS lead_time_days_p90, n.target_level
FROM wanted AS w
LEFT JOIN lake.marts.dim_product AS p USING (sku)
LEFT JOIN lake.raw.products AS b USING (sku)
LEFT JOIN lake.marts.dim_product_class AS c USING (sku)
LEFT JOIN lake.marts.fct_inventory_position AS i USING (store_code, sku)
LEFT JOIN lake.marts.dim_supply_terms AS t USING (store_code, sku)
LEFT JOIN lake.marts.dim_vendor AS v ON v.vendor_code = w.vendor_code
LEFT JOIN lake.outputs.plan AS n USING (store_code, sku)
"""
WEEKS = """
SELECT f.store_code, f.sku, f.week_starting_on, f.mean_qty FROM lake.outputs.forecast_weekly AS f
SEMI JOIN wanted AS w USING (store_code, sku) ORDER BY ALL
"""


def list_reorder(
    con: duckdb.DuckDBPyConnection, source: str, published: Published, scope: Scope, include_all: bool = False
) -> Listing:
    """What the publication suggests for the stores in scope; `include_all` adds what is planned with nothing to order.

    Pairs that nobody supplies stand on their own sheet in any case: they are never dropped silently.
    """
    rows = list_suggestions(
        source, stores=scope.store_codes, states=STATES_LISTED, publication_id=published.publication_id
    )
    frame = pl.concat([_suggested(rows, _receipts(source, rows)), _idle(con, include_all)], how="diagonal_relaxed")
    frame = frame.filter(~pl.struct(*PAIR, "kind").is_duplicated() | pl.col("suggestion_id").is_not_null())
    con.register("wanted", frame.select(*PAIR, "vendor_code").unique(maintain_order=True))
    try:
        about = con.execute(ABOUT).pl().unique(PAIR)
        ahead = spread_ahead(con.execute(WEEKS).pl(), frame.select(*PAIR, "receipt"), published.as_of, DAYS_AHEAD)
    finally:
        con.unregister("wanted")
    whole = frame.join(about, on=PAIR, how="left").join(ahead, on=PAIR, how="left")
    for figures in _counted(con, published.as_of, scope):
        whole = whole.join(figures, on=PAIR, how="left")
    ready = _derive(whole, published)
    return lay_out("reorder", "Order list", COLUMNS, ready, scope, "vendor_name", "store_code", rest="No vendor")


def _suggested(rows: list[dict[str, Any]], receipts: dict[int, dict[str, Any]]) -> pl.DataFrame:
    kept = [
        {name: row[name] for name in NAMED}
        | {"priority": float(row["priority"]), "note": row["decision_note"]}
        | {"receipt": json.dumps(receipts[row["suggestion_id"]])}
        for row in rows
    ]
    schema = {
        "suggestion_id": pl.Int64, "state": pl.String, "kind": pl.String, "store_code": pl.String, "sku": pl.String,
        "vendor_code": pl.String, "source_store_code": pl.String, "on_hand": pl.Int64, "on_order": pl.Int64,
        "suggested_qty": pl.Int64, "approved_qty": pl.Int64, "order_by": pl.Date, "arrives_on": pl.Date,
        "reason": pl.String, "priority": pl.Float64, "note": pl.String, "receipt": pl.String,
    }  # fmt: skip
    return pl.DataFrame(kept, schema=schema)


def _receipts(source: str, rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    import psycopg

    with psycopg.connect(source) as connection:
        found = connection.execute(
            "SELECT suggestion_id, receipt FROM suggestions WHERE suggestion_id = ANY (%s)",
            ([row["suggestion_id"] for row in rows],),
        )
        return dict(found.fetchall())


def _idle(con: duckdb.DuckDBPyConnection, include_all: bool) -> pl.DataFrame:
    """Planned rows with nothing to order: all of them, or those without a vendor that somebody should name."""
    where = "suggested_qty = 0" if include_all else "reason = 'NO_VENDOR'"
    return con.execute(
        "SELECT store_code, sku, vendor_code, on_hand, on_order, suggested_qty, order_by, arrives_on, reason, priority,"
        f" 'purchase' AS kind, receipt FROM lake.outputs.plan WHERE {where} ORDER BY store_code, sku"
    ).pl()


def _counted(con: duckdb.DuckDBPyConnection, as_of: dt.date, scope: Scope) -> list[pl.DataFrame]:
    figures = FigureScope(scope.store_codes, scope.sees_cost)
    last = as_of - dt.timedelta(days=1)
    parts = []
    for name, metric, days, share in (
        ("sold_28d", "units_sold", 28, 1),
        ("sold_91d", "units_sold", 91, 1),
        ("days_oos_91d", "stock_out_share", 91, 91),
    ):
        time = "week" if metric == "stock_out_share" else "day"
        when = {time: Between(as_of - dt.timedelta(days=days), last)}
        found = query(con, [metric], ["store", "sku"], when, scope=figures)
        value = (pl.col(metric).cast(pl.Float64) * share).round(0).cast(pl.Int64)
        parts.append(found.select(pl.col("store").alias("store_code"), "sku", value.alias(name)))
    found = query(con, ["forecast_28d_units"], ["store", "sku"], scope=figures)
    value = pl.col("forecast_28d_units").cast(pl.Float64).round(2).alias("forecast_28d")
    return [*parts, found.select(pl.col("store").alias("store_code"), "sku", value)]


def _derive(frame: pl.DataFrame, published: Published) -> pl.DataFrame:
    daily = pl.col("forecast_28d") / DAYS_AHEAD
    said = pl.col("receipt")
    cover = pl.when(daily > 0).then((pl.col("on_hand") / daily).clip(0, 3650))
    wanted = pl.coalesce("approved_qty", "suggested_qty")
    return frame.with_columns(
        run_id=pl.lit(published.run_id),
        as_of=pl.lit(published.as_of),
        suggestion_id=pl.col("suggestion_id").cast(pl.String),
        state=pl.col("state").replace(STATES),
        transfer_from=pl.col("source_store_code"),
        reason_code=pl.col("reason"),
        why=pl.col("reason").map_elements(reason_in_words, return_dtype=pl.String),
        days_cover=cover.round(1),
        projected_stockout_date=pl.when(cover < 3650).then(pl.lit(published.as_of) + pl.duration(days=cover.floor())),
        sold_28d=pl.col("sold_28d").fill_null(0),
        sold_91d=pl.col("sold_91d").fill_null(0),
        unrounded_qty=said.str.json_path_match("$.quantity_before_lots").cast(pl.Int64, strict=False),
        confidence=said.str.json_path_match("$.tau").cast(pl.Float64, strict=False),
        order_cost_amount=(pl.col("unit_cost").cast(pl.Float64) * wanted).round(2),
    ).sort(["store_code", "priority", "sku"], descending=[False, True, False])
