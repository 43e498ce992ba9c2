"""Levels of stock: on hand, reserved and free on a store's shelves, and what is on the way to it.

By product, or finer by lens cell or by unit. What a level is worth, at cost, is told to whoever may see costs.
"""

from __future__ import annotations

from typing import Any, Literal

from api.refusals import Fault, Invalid
from api.services.action import Action
from api.services.paging import Page, Paging

Grain = Literal["product", "cell", "unit"]
KEY = ("product_id", "store_id", "cell_key", "unit_key")
# one row per product and store, and per cell or unit where asked; the balances are read in the order of the page
LEVELS = """
    {near}SELECT x.product_id, p.sku, p.name, p.category, x.store_id, s.store_code, x.on_hand, x.reserved, x.available,
        x.in_transit, x.cell_key, x.unit_key, {shown}
    FROM (
        SELECT b.product_id, l.store_id, {cell} AS cell_key, {unit} AS unit_key,
            coalesce(sum(b.on_hand) FILTER (WHERE l.kind = 'store'), 0)::bigint AS on_hand,
            coalesce(sum(b.reserved) FILTER (WHERE l.kind = 'store'), 0)::bigint AS reserved,
            coalesce(sum(greatest(b.on_hand - b.reserved, 0)) FILTER (WHERE l.kind = 'store'), 0)::bigint AS available,
            coalesce(sum(b.on_hand) FILTER (WHERE l.kind = 'transit'), 0)::bigint AS in_transit
        FROM {balances} AS b JOIN stock_locations AS l USING (location_id) {joins}
        WHERE {where}
        GROUP BY b.product_id, l.store_id, cell_key, unit_key {having}
        ORDER BY b.product_id, l.store_id, cell_key, unit_key LIMIT %(limit)s) AS x
    JOIN products AS p USING (product_id) JOIN stores AS s USING (store_id) {more}
    ORDER BY x.product_id, x.store_id, x.cell_key, x.unit_key"""
COST = """
    LEFT JOIN LATERAL (
        SELECT h.unit_cost FROM cost_history AS h
        WHERE h.product_id = x.product_id AND (h.store_id = x.store_id OR h.store_id IS NULL)
          AND (SELECT (now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date)
              BETWEEN h.valid_from_on AND coalesce(h.valid_to_on, 'infinity')
        ORDER BY h.store_id NULLS LAST LIMIT 1) AS cost ON true"""
# read first and apart: the planner would walk the balances of every store in page order to find those of one;
# where no product is named, whose own balances are few
NEAR = """WITH near AS MATERIALIZED (
        SELECT * FROM stock_balances WHERE location_id = ANY(ARRAY(
            SELECT location_id FROM stock_locations WHERE store_id = ANY(%(stores)s) AND kind IN ('store', 'transit'))))
    """
CELL = " LEFT JOIN lens_cells AS c ON c.lens_cell_id = x.cell_key"
UNIT = " LEFT JOIN stock_units AS u ON u.stock_unit_id = x.unit_key"


async def list_levels(
    action: Action,
    paging: Paging,
    *,
    grain: Grain = "product",
    store_id: int | None = None,
    product_id: int | None = None,
    sku: str | None = None,
    category: str | None = None,
    below: int | None = None,
) -> Page:
    """Levels in reach by product and store; with `below`, those of which fewer are free. Raises OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    stores = action.reach.store_ids if store_id is None else [store_id]
    after = _after(paging)
    where = ["l.kind IN ('store', 'transit')"]
    near, balances = "", "stock_balances"
    if stores is not None and product_id is None and sku is None:
        near, balances = NEAR, "near"
    elif stores is not None:
        where.append("l.store_id = ANY(%(stores)s)")
    if product_id is not None:
        where.append("b.product_id = %(product_id)s")
    if sku is not None:
        where.append("b.product_id = (SELECT product_id FROM products WHERE sku = %(sku)s)")
    if category is not None:
        where.append("p.category = %(category)s")
    cell, unit, having = "0::bigint", "0::bigint", []
    if grain == "cell":
        cell = "coalesce(b.lens_cell_id, 0)"
    if grain == "unit":
        unit = "coalesce(b.stock_unit_id, 0)"
        where.append("(b.stock_unit_id IS NULL OR b.on_hand > 0)")
    if below is not None:
        having.append(
            "coalesce(sum(greatest(b.on_hand - b.reserved, 0)) FILTER (WHERE l.kind = 'store'), 0) < %(below)s"
        )
    if after is not None:
        where.append("b.product_id >= %(after_product)s")
        where.append(
            f"(b.product_id, l.store_id, {cell}, {unit})"
            " > (%(after_product)s, %(after_store)s, %(after_cell)s, %(after_unit)s)"
        )
    shown, more = ["NULL AS lens_cell_id"], ""
    if grain == "cell":
        shown, more = ["c.lens_cell_id, c.sph, c.cyl, c.add"], CELL
    if grain == "unit":
        shown, more = ["u.stock_unit_id, u.serial, u.barcode, u.batch_code, u.expires_on, u.status"], UNIT
    if action.can("cost:read"):
        shown.append("x.on_hand * coalesce(cost.unit_cost, p.unit_cost) AS stock_value")
        more += COST
    query = LEVELS.format(
        near=near,
        balances=balances,
        shown=", ".join(shown),
        cell=cell,
        unit=unit,
        joins="" if category is None else "JOIN products AS p USING (product_id)",
        where=" AND ".join(where),
        having="HAVING " + " AND ".join(having) if having else "",
        more=more,
    )
    rows = await action.rows(
        query,
        stores=None if stores is None else sorted(stores),
        product_id=product_id,
        sku=sku,
        category=category,
        below=below,
        limit=paging.fetch,
        **dict(zip(("after_product", "after_store", "after_cell", "after_unit"), after or (0, 0, 0, 0), strict=True)),
    )
    page = paging.page(rows, KEY)
    items = [{name: value for name, value in row.items() if not name.endswith("_key")} for row in page.items]
    return Page(items, page.next_cursor)


def _after(paging: Paging) -> tuple[Any, ...] | None:
    if paging.after is None:
        return None
    if len(paging.after) != len(KEY) or not all(isinstance(part, int) for part in paging.after):
        rule = "was not made by this list; start without one"
        raise Invalid("invalid-cursor", f"This cursor {rule}.", Fault("cursor", rule))
    return paging.after
