"""The drafts that approved suggestions become: lines of one draft order per vendor and store, requested transfers.

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
from api.services.purchasing_terms import check_pack, terms_of

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
INSERT_TRANSFERS = """
    INSERT INTO stock_transfers (from_store_id, to_store_id, suggestion_id, requested_by)
    SELECT source_store_id, store_id, suggestion_id, %(user_id)s FROM suggestions
    WHERE suggestion_id = ANY(%(ids)s) ORDER BY suggestion_id RETURNING suggestion_id, stock_transfer_id"""
INSERT_TRANSFER_LINES = """
    INSERT INTO stock_transfer_lines (stock_transfer_id, product_id, requested_qty)
    SELECT * FROM unnest(%(transfers)s::bigint[], %(products)s::bigint[], %(quantities)s::integer[])"""
WORTH = """
    SELECT CASE WHEN bool_and(unit_price IS NOT NULL) THEN sum(ordered_qty * unit_price) END AS amount
    FROM purchase_order_lines WHERE purchase_order_id = %(order_id)s"""


def quantity_of(suggestion: Row) -> int:
    """The quantity wanted: the edited one, else the suggested one."""
    return int(suggestion["approved_qty"] or suggestion["suggested_qty"])


async def draft_orders(action: Action, suggestions: Sequence[Row], day: dt.date) -> Mapping[int, int]:
    """Draft orders for suggested purchases, or lines of today's drafts; the order's id by suggestion.

    Raises Conflict `no-vendor`, Invalid `not-a-pack`, and NotPermitted `needs-approval` for a draft whose worth, with
    what it holds already, is above the user's limit.
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
    orders: dict[int, int] = {}
    for (vendor_id, store_id), group in sorted(groups.items()):
        order_id = await _draft(action, vendor_id, store_id, group, day)
        await check_limit(action, await action.value(WORTH, order_id=order_id), "order")
        orders |= {each["suggestion_id"]: order_id for each in group}
    return orders


async def request_transfers(action: Action, suggestions: Sequence[Row]) -> Mapping[int, int]:
    """A requested transfer for each suggested one; its id by suggestion. Somebody else approves it."""
    if not suggestions:
        return {}
    ids = [each["suggestion_id"] for each in suggestions]
    made = await action.rows(INSERT_TRANSFERS, ids=ids, user_id=action.user.user_id)
    transfers = {row["suggestion_id"]: row["stock_transfer_id"] for row in made}
    await action.execute(
        INSERT_TRANSFER_LINES,
        transfers=[transfers[key] for key in ids],
        products=[each["product_id"] for each in suggestions],
        quantities=[quantity_of(each) for each in suggestions],
    )
    for each in suggestions:
        said = {"suggestion_id": each["suggestion_id"], "sku": each["sku"], "quantity": quantity_of(each)}
        transfer_id = transfers[each["suggestion_id"]]
        action.note("transfer.requested", "stock_transfer", transfer_id, store_id=each["store_id"], after=said)
    return transfers


async def _draft(action: Action, vendor_id: int, store_id: int, group: Sequence[Row], day: dt.date) -> int:
    await action.execute(ALONE, name=f"draft order {vendor_id} {store_id}")
    products = [each["product_id"] for each in group]
    terms = await terms_of(action, vendor_id, store_id, products)
    for each in group:
        check_pack(quantity_of(each), terms[each["product_id"]], f"suggestion {each['suggestion_id']}")
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
    said = {"vendor_id": vendor_id, "lines": lines}
    action.note("purchase.drafted", "purchase_order", order_id, store_id=store_id, after=said)
    return int(order_id)
