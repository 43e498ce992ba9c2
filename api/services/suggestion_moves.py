"""The transfers that approved suggestions become: one requested transfer for two stores holds all that is moved.

Made in the transaction of the decision. Somebody else approves and ships it; the suggestions follow its lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.refusals import Conflict
from api.services.action import Action, Row
from api.services.suggestion_drafts import ALONE, quantity_of

# today's, asked for by the same person, and without any of these products: quantities never add
FIND = """
    SELECT stock_transfer_id FROM stock_transfers AS t
    WHERE from_store_id = %(source_id)s AND to_store_id = %(store_id)s AND status = 'requested'
        AND requested_by = %(user_id)s
        AND (created_at AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date
            = (now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date
        AND EXISTS (
            SELECT FROM stock_transfer_lines AS l
            WHERE l.stock_transfer_id = t.stock_transfer_id AND l.suggestion_id IS NOT NULL)
        AND NOT EXISTS (
            SELECT FROM stock_transfer_lines AS l
            WHERE l.stock_transfer_id = t.stock_transfer_id AND l.product_id = ANY(%(products)s))
    ORDER BY stock_transfer_id LIMIT 1 FOR UPDATE OF t"""
INSERT = """
    INSERT INTO stock_transfers (from_store_id, to_store_id, requested_by)
    VALUES (%(source_id)s, %(store_id)s, %(user_id)s) RETURNING stock_transfer_id"""
INSERT_LINES = """
    INSERT INTO stock_transfer_lines (stock_transfer_id, product_id, requested_qty, suggestion_id)
    SELECT %(transfer_id)s, * FROM unnest(%(products)s::bigint[], %(quantities)s::integer[], %(ids)s::bigint[])"""
CLOSED = """
    SELECT store_code FROM stores WHERE store_id = ANY(%(ids)s) AND closed_on
        <= (now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date ORDER BY 1 LIMIT 1"""
SHOWN = """
    SELECT t.stock_transfer_id, f.store_code AS from_store_code, d.store_code AS to_store_code,
        count(*)::integer AS lines, sum(l.requested_qty)::integer AS units
    FROM stock_transfers AS t JOIN stock_transfer_lines AS l USING (stock_transfer_id)
    JOIN stores AS f ON f.store_id = t.from_store_id JOIN stores AS d ON d.store_id = t.to_store_id
    WHERE t.stock_transfer_id = ANY(%(ids)s)
    GROUP BY t.stock_transfer_id, f.store_code, d.store_code ORDER BY t.stock_transfer_id"""


async def request_transfers(action: Action, suggestions: Sequence[Row]) -> Mapping[int, int]:
    """Requested transfers for suggested ones, one for two stores; the transfer's id by suggestion.

    Raises Conflict `store-closed`.
    """
    groups: dict[tuple[int, int], list[Row]] = {}
    for each in suggestions:
        groups.setdefault((each["source_store_id"], each["store_id"]), []).append(each)
    closed = await action.value(CLOSED, ids=[store_id for pair in groups for store_id in pair]) if groups else None
    if closed is not None:
        raise Conflict("store-closed", f"Store {closed} is closed: nothing is moved to or from it.")
    transfers: dict[int, int] = {}
    for (source_id, store_id), group in sorted(groups.items()):
        transfer_id = await _request(action, source_id, store_id, group)
        transfers |= {each["suggestion_id"]: transfer_id for each in group}
    return transfers


async def show_requested(action: Action, transfer_ids: Sequence[int]) -> list[Row]:
    """What was requested, by transfer: its stores, lines and units."""
    return await action.rows(SHOWN, ids=sorted(set(transfer_ids)))


async def _request(action: Action, source_id: int, store_id: int, group: Sequence[Row]) -> int:
    await action.execute(ALONE, name=f"transfer {source_id} {store_id}")
    products = [each["product_id"] for each in group]
    stores = {"source_id": source_id, "store_id": store_id, "user_id": action.user.user_id}
    transfer_id = await action.value(FIND, **stores, products=products) or await action.value(INSERT, **stores)
    await action.execute(
        INSERT_LINES,
        transfer_id=transfer_id,
        products=products,
        quantities=[quantity_of(each) for each in group],
        ids=[each["suggestion_id"] for each in group],
    )
    lines = [
        {name: each[name] for name in ("suggestion_id", "sku")} | {"quantity": quantity_of(each)} for each in group
    ]
    action.note("transfer.requested", "stock_transfer", transfer_id, store_id=store_id, after={"lines": lines})
    return int(transfer_id)
