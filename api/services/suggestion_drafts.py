"""The draft orders that approved suggestions become: one per vendor and store, each line as the vendor takes it.

Made in the transaction of the decision. A draft counts for nothing yet: the suggestion itself counts as on order until
the draft is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from api.refusals import Conflict
from api.services.action import Action, Row
from api.services.approval_limits import check_limit
from api.services.numbers import order_number
from api.services.purchasing import MINIMUM
from api.services.purchasing_terms import fit_pack, terms_of

# two decisions at once must not make two drafts for one vendor and store
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 2))"
# one that has the product already is left alone: quantities never add
FIND_DRAFT = """
    SELECT purchase_order_id FROM purchase_orders AS o
    WHERE vendor_id = %(vendor_id)s AND delivery_store_id = %(store_id)s AND status = 'draft'
        AND created_by IS NOT NULL
        AND (created_at AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date = %(day)s
        AND NOT EXISTS (
            SELECT FROM purchase_order_lines AS l
            WHERE l.purchase_order_id = o.purchase_order_id AND l.product_id = ANY(%(products)s))
    ORDER BY purchase_order_id LIMIT 1 FOR UPDATE OF o"""
INSERT_ORDER = """
    INSERT INTO purchase_orders (order_ref, vendor_id, delivery_store_id, status, created_by)
    VALUES (%(ref)s, %(vendor_id)s, %(store_id)s, 'draft', %(user_id)s) RETURNING purchase_order_id"""
INSERT_LINES = """
    INSERT INTO purchase_order_lines (purchase_order_id, store_id, product_id, state, open_qty, ordered_qty,
        expected_on, suggestion_id, unit_price)
    SELECT %(order_id)s, %(store_id)s, l.product, 'draft', 0, l.quantity, l.expected_on, l.suggestion, l.price
    FROM unnest(%(products)s::bigint[], %(quantities)s::integer[], %(days)s::date[], %(suggestions)s::bigint[],
        %(prices)s::numeric[]) AS l (product, quantity, expected_on, suggestion, price)"""
# an edit is later than what it was made in the knowledge of
ORDERED_MEANWHILE = """
    SELECT g.suggestion_id, p.sku, s.store_code, o.order_ref, coalesce(l.ordered_qty, l.open_qty) AS quantity
    FROM suggestions AS g JOIN products AS p USING (product_id) JOIN stores AS s ON s.store_id = g.store_id
    JOIN purchase_order_lines AS l ON l.store_id = g.store_id AND l.product_id = g.product_id
    JOIN purchase_orders AS o USING (purchase_order_id)
    WHERE g.suggestion_id = ANY(%(ids)s) AND l.state IN ('draft', 'open') AND l.suggestion_id IS NULL
        AND o.created_at > g.updated_at
    ORDER BY g.suggestion_id LIMIT 1"""
IS_ACTIVE = "SELECT vendor_code FROM vendors WHERE vendor_id = ANY(%(ids)s) AND NOT is_active ORDER BY 1 LIMIT 1"
DRAFTS = """
    SELECT o.purchase_order_id, o.order_ref, o.vendor_id, v.vendor_code, s.store_code, count(*)::integer AS lines,
        round(CASE WHEN bool_and(l.unit_price IS NOT NULL) THEN sum(l.ordered_qty * l.unit_price) END, 2) AS cost_amount
    FROM purchase_orders AS o JOIN purchase_order_lines AS l USING (purchase_order_id)
    JOIN vendors AS v ON v.vendor_id = o.vendor_id JOIN stores AS s ON s.store_id = o.delivery_store_id
    WHERE o.purchase_order_id = ANY(%(ids)s)
    GROUP BY o.purchase_order_id, v.vendor_code, s.store_code ORDER BY o.purchase_order_id"""
WORTH = """
    SELECT CASE WHEN bool_and(unit_price IS NOT NULL) THEN sum(ordered_qty * unit_price) END AS amount
    FROM purchase_order_lines WHERE purchase_order_id = %(order_id)s"""


def quantity_of(suggestion: Row) -> int:
    """The quantity wanted: the edited one, else the suggested one."""
    return int(suggestion["approved_qty"] or suggestion["suggested_qty"])


async def draft_orders(action: Action, suggestions: Sequence[Row], day: dt.date) -> Mapping[int, int]:
    """Draft orders for suggested purchases, or lines of today's drafts; the order's id by suggestion.

    A quantity that does not fit the vendor's terms as they are now is brought to the nearest that does, in the
    suggestion's row too. Raises Conflict `no-vendor`, `vendor-inactive`, `product-inactive`, `ordered-meanwhile`, and
    NotPermitted `needs-approval` for a draft whose worth, with what it holds already, is above the user's limit.
    """
    groups: dict[tuple[int, int], list[Row]] = {}
    for each in suggestions:
        if each["vendor_id"] is None:
            raise Conflict(
                "no-vendor",
                f"Suggestion {each['suggestion_id']} has no vendor to order {each['sku']} from; name one first.",
                suggestion_id=each["suggestion_id"],
            )
        groups.setdefault((each["vendor_id"], each["store_id"]), []).append(each)
    left = await action.value(IS_ACTIVE, ids=[vendor_id for vendor_id, _ in groups])
    if left is not None:
        raise Conflict("vendor-inactive", f"No orders are placed with vendor {left} any more; name another first.")
    await _check_fresh(action, suggestions)
    orders: dict[int, int] = {}
    for (vendor_id, store_id), group in sorted(groups.items()):
        order_id = await _draft(action, vendor_id, store_id, group, day)
        ids = [each["suggestion_id"] for each in group]
        what = f"order for store {group[0]['store_code']}"
        await check_limit(action, await action.value(WORTH, order_id=order_id), what, suggestion_ids=ids)
        orders |= dict.fromkeys(ids, order_id)
    return orders


async def show_drafts(action: Action, order_ids: Sequence[int]) -> list[Row]:
    """What was drafted, by order: lines, and whether it is still below what its vendor accepts as an order."""
    shown = []
    for row in await action.rows(DRAFTS, ids=sorted(set(order_ids))):
        minimum = await action.value(MINIMUM, vendor_id=row["vendor_id"])
        is_below = minimum is not None and row["cost_amount"] is not None and row["cost_amount"] < minimum
        shown.append({**row, "is_below_minimum": is_below})
    return shown


async def _check_fresh(action: Action, suggestions: Sequence[Row]) -> None:
    """What was ordered by hand or by import since a suggestion was made or last edited would be ordered twice."""
    ids = [each["suggestion_id"] for each in suggestions]
    row = await action.row(ORDERED_MEANWHILE, ids=ids)
    if row is not None:
        raise Conflict(
            "ordered-meanwhile",
            f"Since suggestion {row['suggestion_id']} was made, {row['quantity']} of {row['sku']} were ordered for "
            f"store {row['store_code']} (order {row['order_ref']}). Refuse it, or edit its quantity knowing that.",
            suggestion_id=row["suggestion_id"],
            order_ref=row["order_ref"],
        )


async def _draft(action: Action, vendor_id: int, store_id: int, group: Sequence[Row], day: dt.date) -> int:
    await action.execute(ALONE, name=f"draft order {vendor_id} {store_id}")
    products = [each["product_id"] for each in group]
    terms = await terms_of(action, vendor_id, store_id, products)
    for each in group:
        term = terms[each["product_id"]]
        if not term["is_active"]:
            said = f"{term['sku']} is no longer ordered; refuse suggestion {each['suggestion_id']}."
            raise Conflict("product-inactive", said, suggestion_id=each["suggestion_id"])
        if (fitting := fit_pack(quantity_of(each), term)) != quantity_of(each):
            each["approved_qty"] = fitting
    order_id = await action.value(FIND_DRAFT, vendor_id=vendor_id, store_id=store_id, day=day, products=products)
    if order_id is None:
        order_id = await action.value(
            INSERT_ORDER,
            ref=f"PO-{order_number(group[0]['store_code'], day)}",
            vendor_id=vendor_id,
            store_id=store_id,
            user_id=action.user.user_id,
        )
    else:
        await action.execute(
            "UPDATE purchase_orders SET version = version + 1 WHERE purchase_order_id = %(order_id)s", order_id=order_id
        )
    await action.execute(
        INSERT_LINES,
        order_id=order_id,
        store_id=store_id,
        products=products,
        quantities=[quantity_of(each) for each in group],
        days=[each["arrives_on"] for each in group],
        suggestions=[each["suggestion_id"] for each in group],
        prices=[terms[each["product_id"]]["unit_cost"] for each in group],
    )
    lines = [{"product_id": each["product_id"], "quantity": quantity_of(each)} for each in group]
    after = {"vendor_id": vendor_id, "lines": lines}
    action.note("purchase.drafted", "purchase_order", order_id, store_id=store_id, after=after)
    return int(order_id)
