"""The goods that a document of stock names: a product, one power of it, or one unit; what does not fit is refused.

Counts, adjustments and transfers ask here. What a unit of a product costs comes along, for the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.order_prices import NOT_STOCKED

GOODS = """
    SELECT p.product_id, p.sku, p.category, p.is_serialised, p.is_transfer_excluded, k.kind AS category_kind,
        EXISTS (SELECT FROM lens_lines AS y WHERE y.product_id = p.product_id) AS has_cells,
        c.lens_cell_id, u.stock_unit_id, coalesce(cost.unit_cost, p.unit_cost) AS unit_cost
    FROM unnest(%(products)s::bigint[], %(cells)s::bigint[], %(units)s::bigint[]) WITH ORDINALITY
        AS w (product_id, lens_cell_id, stock_unit_id, n)
    LEFT JOIN products AS p ON p.product_id = w.product_id
    LEFT JOIN categories AS k ON k.code = p.category
    LEFT JOIN lens_cells AS c ON c.lens_cell_id = w.lens_cell_id AND c.product_id = w.product_id
    LEFT JOIN stock_units AS u ON u.stock_unit_id = w.stock_unit_id AND u.product_id = w.product_id
    LEFT JOIN LATERAL (
        SELECT h.unit_cost FROM cost_history AS h
        WHERE h.product_id = p.product_id AND (h.store_id = %(store_id)s OR h.store_id IS NULL)
          AND (SELECT (now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date)
              BETWEEN h.valid_from_on AND coalesce(h.valid_to_on, 'infinity')
        ORDER BY h.store_id NULLS LAST LIMIT 1) AS cost ON true
    ORDER BY w.n"""
KEY = ("product_id", "lens_cell_id", "stock_unit_id")


async def goods_of(
    action: Action, store_id: int, lines: Sequence[Mapping[str, Any]], *, path: str = "lines.{n}.", units: bool = True
) -> list[Row]:
    """The goods of each line, in their order; with `units`, one of a product with serials must name its unit.

    Raises Invalid `unknown-product`, `not-stocked`, `not-of-this-product`, `needs-a-cell`, `needs-a-unit`,
    `named-twice`, each with the line's path.
    """
    rows = await action.rows(
        GOODS,
        products=[line["product_id"] for line in lines],
        cells=[line.get("lens_cell_id") for line in lines],
        units=[line.get("stock_unit_id") for line in lines],
        store_id=store_id,
    )
    seen: set[tuple[Any, ...]] = set()
    for number, (line, row) in enumerate(zip(lines, rows, strict=True)):
        code, member, rule = _fault(line, row, units)
        key = tuple(line.get(name) for name in KEY)
        if code is None and key in seen:
            code, member, rule = "named-twice", "product_id", "names what a line before it names"
        if code is not None:
            where = path.format(n=number) + member
            raise Invalid(code, f"{where} {rule}.", Fault(where, rule))
        seen.add(key)
    return rows


def _fault(line: Mapping[str, Any], row: Row, units: bool) -> tuple[str | None, str, str]:
    cell, unit = line.get("lens_cell_id"), line.get("stock_unit_id")
    if row["product_id"] is None:
        return "unknown-product", "product_id", "names no product"
    if row["category_kind"] in NOT_STOCKED:
        return "not-stocked", "product_id", "names a service, which lies on no shelf"
    if cell is not None and unit is not None:
        return "not-of-this-product", "stock_unit_id", "and lens_cell_id exclude each other"
    if cell is not None and row["lens_cell_id"] is None:
        return "not-of-this-product", "lens_cell_id", "names no power of this product"
    if unit is not None and row["stock_unit_id"] is None:
        return "not-of-this-product", "stock_unit_id", "names no unit of this product"
    if row["has_cells"] and cell is None:
        return "needs-a-cell", "lens_cell_id", "is missing: this lens is kept by power"
    if units and row["is_serialised"] and unit is None:
        return "needs-a-unit", "stock_unit_id", "is missing: this product is kept by serial"
    return None, "", ""


async def check_open(action: Action, store_id: int, member: str) -> Row:
    """The store, which must be there and not closed. Raises Invalid `unknown-store`, Conflict `store-closed`."""
    store = await action.row(
        "SELECT store_id, store_code, closed_on,"
        " closed_on <= (now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date AS is_closed"
        " FROM stores WHERE store_id = %(store_id)s",
        store_id=store_id,
    )
    if store is None:
        raise Invalid("unknown-store", "There is no such store.", Fault(member, "names no store"))
    if store["is_closed"]:
        raise Conflict("store-closed", f"Store {store['store_code']} has been closed since {store['closed_on']}.")
    return store
