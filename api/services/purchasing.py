"""Reading purchase orders: a list by store, vendor and state; one with its lines and receipts.

What is paid per unit is `unit_cost`, an order's worth `cost_amount`: both are left out for who may not see costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.services.action import Action, Row
from api.services.paging import Page, Paging
from api.services.purchasing_state import possible_steps

HEADER = """
    SELECT o.purchase_order_id, o.order_ref, o.vendor_id, v.vendor_code, v.name AS vendor_name, o.status,
        o.delivery_store_id, s.store_code AS delivery_store_code, o.created_by, o.approved_by, o.approved_at, o.sent_at,
        o.expected_on, o.note, o.version, o.updated_at, w.lines, w.units, w.open_units, w.cost_amount
    FROM purchase_orders AS o LEFT JOIN vendors AS v USING (vendor_id)
    LEFT JOIN stores AS s ON s.store_id = o.delivery_store_id
    LEFT JOIN LATERAL (
        SELECT count(*)::integer AS lines, coalesce(sum(open_qty), 0)::integer AS open_units,
            coalesce(sum(coalesce(ordered_qty, open_qty + received_qty)), 0)::integer AS units,
            round(CASE WHEN bool_and(unit_price IS NOT NULL)
                THEN sum(coalesce(ordered_qty, open_qty + received_qty) * unit_price) END, 2) AS cost_amount
        FROM purchase_order_lines WHERE purchase_order_id = o.purchase_order_id) AS w ON true"""
LINES = """
    SELECT l.purchase_order_line_id, l.store_id, l.product_id, p.sku, p.name, l.lens_cell_id, l.state, l.ordered_qty,
        l.open_qty, l.received_qty, l.rejected_qty, l.cancelled_qty, l.unit_price AS unit_cost, l.expected_on,
        l.closed_on, l.suggestion_id
    FROM purchase_order_lines AS l JOIN products AS p USING (product_id)
    WHERE l.purchase_order_id = %(order_id)s ORDER BY l.purchase_order_line_id"""
RECEIPTS = """
    SELECT goods_receipt_id, receipt_number, received_on, state FROM goods_receipts
    WHERE purchase_order_id = %(order_id)s ORDER BY goods_receipt_id"""
MINIMUM = """
    SELECT t.minimum_order_amount
    FROM vendor_terms AS t,
        (SELECT (now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date AS today) AS d
    WHERE t.vendor_id = %(vendor_id)s AND t.valid_from_on <= d.today
        AND (t.valid_to_on IS NULL OR t.valid_to_on >= d.today)"""


async def list_orders(
    action: Action,
    paging: Paging,
    *,
    store_id: int | None = None,
    vendor_id: int | None = None,
    statuses: Sequence[str] | None = None,
) -> Page:
    """Purchase orders in reach, of any of `statuses`, the newest first. Raises OutOfReach for a store that is not."""
    if store_id is not None:
        action.check_store(store_id)
    wanted: dict[str, Any] = {"delivery_store_id": store_id, "vendor_id": vendor_id}
    chosen = [f"o.{name} = %({name})s" for name, value in wanted.items() if value is not None]
    if statuses:
        chosen.append("o.status = ANY(%(statuses)s)")
    if action.reach.store_ids is not None:
        chosen.append("o.delivery_store_id = ANY(%(stores)s)")
    rows = await action.rows(
        f"{HEADER} WHERE {' AND '.join(['o.purchase_order_id < %(after)s', *chosen])}"
        " ORDER BY o.purchase_order_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        stores=None if action.reach.store_ids is None else sorted(action.reach.store_ids),
        statuses=list(statuses or ()),
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("purchase_order_id",))


async def show_order(action: Action, order_id: int) -> Row:
    """One order with lines and receipts, and what may be done with it. Raises NotFound, OutOfReach."""
    header = await action.row(f"{HEADER} WHERE o.purchase_order_id = %(order_id)s", order_id=order_id)
    if header is None:
        raise await action.missing("purchase_orders", order_id, "purchase order")
    action.check_store(header["delivery_store_id"])
    minimum = await action.value(MINIMUM, vendor_id=header["vendor_id"])
    worth = header["cost_amount"]
    return {
        **header,
        "is_below_minimum": minimum is not None and worth is not None and worth < minimum,
        "possible": list(possible_steps(header)),
        "lines": await action.rows(LINES, order_id=order_id),
        "receipts": await action.rows(RECEIPTS, order_id=order_id),
    }
