"""Suggestions follow the lines of their transfer: what is still to come of each counts as on order, and no more."""

from __future__ import annotations

from api.services.action import Action
from api.services.suggestion_state import settle

STEP = {
    "shipped": "order",
    "partially_received": "order",
    "received": "receive",
    "rejected": "give up",
    "cancelled": "give up",
}
# while part of it has arrived, the rest alone is still to come; once all has, what arrived is what it came to
COUNT = """
    UPDATE suggestions AS g SET approved_qty = c.quantity,
        state = CASE WHEN g.state NOT IN ('approved', 'edited') THEN g.state
            WHEN c.quantity = g.suggested_qty THEN 'approved' ELSE 'edited' END
    FROM (
        SELECT l.suggestion_id, sum(CASE t.status
            WHEN 'requested' THEN l.requested_qty
            WHEN 'approved' THEN l.approved_qty
            WHEN 'received' THEN l.received_qty
            ELSE l.shipped_qty - l.received_qty - l.damaged_qty - l.lost_qty END)::integer AS quantity
        FROM stock_transfers AS t JOIN stock_transfer_lines AS l USING (stock_transfer_id)
        WHERE t.stock_transfer_id = %(transfer_id)s AND t.status NOT IN ('rejected', 'cancelled')
            AND l.suggestion_id IS NOT NULL
        GROUP BY l.suggestion_id) AS c
    WHERE g.suggestion_id = c.suggestion_id"""


FIND = """
    SELECT t.status, array_agg(l.suggestion_id) AS suggestions
    FROM stock_transfers AS t JOIN stock_transfer_lines AS l USING (stock_transfer_id)
    WHERE t.stock_transfer_id = %(transfer_id)s AND l.suggestion_id IS NOT NULL GROUP BY t.status"""


async def follow_transfer(action: Action, transfer_id: int) -> None:
    """Bring the suggestions that a transfer came of, if any, to where the transfer is now."""
    row = await action.row(FIND, transfer_id=transfer_id)
    if row is None:
        return
    await action.execute(COUNT, transfer_id=transfer_id)
    if row["status"] in STEP:
        step = STEP[row["status"]]
        note = f"its transfer was {row['status']}" if step == "give up" else None
        await settle(action, row["suggestions"], step, note)
