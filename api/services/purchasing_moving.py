"""Moving purchase orders on: approve, send to the vendor, acknowledge, cancel what has not come."""

from __future__ import annotations

import datetime as dt

from api.refusals import Conflict, NotPermitted
from api.services.action import Action, Row
from api.services.approval_limits import check_limit
from api.services.ledger import business_day
from api.services.outbox import channel_of
from api.services.purchasing import show_order
from api.services.purchasing_state import STEPS, lock_order
from api.services.suggestion_state import AGREED, settle

LINES = """
    SELECT l.purchase_order_line_id, p.sku, p.name, l.ordered_qty, l.received_qty, l.unit_price, l.suggestion_id,
        g.decided_by, g.state AS suggestion_state
    FROM purchase_order_lines AS l JOIN products AS p USING (product_id)
    LEFT JOIN suggestions AS g USING (suggestion_id)
    WHERE l.purchase_order_id = %(order_id)s ORDER BY l.purchase_order_line_id"""
OPEN = """
    UPDATE purchase_order_lines SET state = 'open', open_qty = ordered_qty
    WHERE purchase_order_id = %(order_id)s AND state = 'draft'"""
CLOSE = """
    UPDATE purchase_order_lines SET state = CASE WHEN received_qty > 0 THEN 'received' ELSE 'cancelled' END,
        cancelled_qty = CASE state WHEN 'draft' THEN ordered_qty ELSE open_qty END, open_qty = 0, closed_on = %(day)s
    WHERE purchase_order_id = %(order_id)s AND state IN ('draft', 'open')
    RETURNING suggestion_id, received_qty"""


async def approve_order(action: Action, order_id: int) -> Row:
    """Approve a draft. Raises NotPermitted for one's own or above one's limit, Conflict without lines or costs."""
    order = await lock_order(action, order_id, "approve")
    action.check_other(order["created_by"])
    lines = await action.rows(LINES, order_id=order_id)
    if any(line["decided_by"] == action.user.username for line in lines):
        # they approved its suggestions: the order would have been decided by one person alone
        raise NotPermitted("own-request", "You approved suggestions of this order; somebody else must approve it.")
    if not lines:
        raise Conflict("no-lines", f"Purchase order {order['order_ref']} has no lines.")
    elsewhere = [line["sku"] for line in lines if line["suggestion_state"] not in (None, *AGREED)]
    if elsewhere:
        raise Conflict("ordered-elsewhere", f"{elsewhere[0]} is on order elsewhere by now; take its line out.")
    unpriced = [line["sku"] for line in lines if line["unit_price"] is None]
    if unpriced:
        raise Conflict("cost-missing", f"The cost of {unpriced[0]} is not known; give its line a unit_cost first.")
    await check_limit(action, sum(line["ordered_qty"] * line["unit_price"] for line in lines), "order")
    await action.execute(
        "UPDATE purchase_orders SET status = 'approved', approved_by = %(user_id)s, approved_at = now(),"
        " version = version + 1 WHERE purchase_order_id = %(order_id)s",
        user_id=action.user.user_id,
        order_id=order_id,
    )
    return await _noted(action, "purchase.approved", order)


async def send_order(action: Action, order_id: int) -> Row:
    """Send an approved order: from now on it is on order. A vendor with a mail address gets it by mail."""
    order = await lock_order(action, order_id, "send")
    lines = await action.rows(LINES, order_id=order_id)
    await action.execute(OPEN, order_id=order_id)
    await action.execute(
        "UPDATE purchase_orders SET status = 'sent', sent_at = now(), version = version + 1,"
        " expected_on = coalesce(expected_on, (SELECT max(expected_on) FROM purchase_order_lines"
        " WHERE purchase_order_id = %(order_id)s)) WHERE purchase_order_id = %(order_id)s",
        order_id=order_id,
    )
    await settle(action, _suggestions(lines), "order")
    shown = await _noted(action, "purchase.sent", order)
    address = await action.value(
        "SELECT email FROM vendors WHERE vendor_id = %(vendor_id)s", vendor_id=order["vendor_id"]
    )
    if address and _is_mail(address):
        text = "\n".join(f"  {line['ordered_qty']} × {line['sku']}  {line['name']}" for line in lines)
        payload = {"reference": order["order_ref"], "lines": text, "expected_on": shown["expected_on"]}
        action.notify("purchase.sent", address, payload)
    return shown


async def acknowledge_order(action: Action, order_id: int, expected_on: dt.date | None = None) -> Row:
    """The vendor has confirmed, perhaps for another day."""
    order = await lock_order(action, order_id, "acknowledge")
    changes = {"status": STEPS["acknowledge"].target, "version": order["version"] + 1}
    if expected_on is not None:
        changes["expected_on"] = expected_on
        await action.execute(
            "UPDATE purchase_order_lines SET expected_on = %(day)s WHERE purchase_order_id = %(order_id)s"
            " AND state = 'open'",
            day=expected_on,
            order_id=order_id,
        )
    await action.update("purchase_orders", "purchase_order_id", order_id, changes)
    return await _noted(action, "purchase.acknowledged", order)


async def cancel_order(action: Action, order_id: int, reason: str) -> Row:
    """Cancel what has not come yet. What is no draft any more is for who approves orders."""
    order = await lock_order(action, order_id, "cancel")
    if order["status"] != "draft" and not action.can("purchase:approve"):
        raise NotPermitted("needs-approval", "An approved order is cancelled by somebody who may approve orders.")
    closed = await action.rows(CLOSE, order_id=order_id, day=await business_day(action))
    received = await action.value(
        "SELECT sum(received_qty) FROM purchase_order_lines WHERE purchase_order_id = %(order_id)s", order_id=order_id
    )
    changes = {"status": "received" if received else "cancelled", "version": order["version"] + 1}
    await action.update("purchase_orders", "purchase_order_id", order_id, changes)
    nothing_came = [row for row in closed if not row["received_qty"]]
    await settle(action, _suggestions(nothing_came), "give up", f"order {order['order_ref']} was cancelled: {reason}")
    await settle(action, _suggestions([row for row in closed if row["received_qty"]]), "receive")
    return await _noted(action, "purchase.cancelled", order, reason=reason)


def _suggestions(lines: list[Row]) -> list[int]:
    return [line["suggestion_id"] for line in lines if line["suggestion_id"] is not None]


def _is_mail(address: str) -> bool:
    """A chain folder may bring anything as an address; a vendor is written to by mail only."""
    try:
        return channel_of(address) == "smtp"
    except ValueError:
        return False


async def _noted(action: Action, kind: str, before: Row, **said: object) -> Row:
    order_id = before["purchase_order_id"]
    shown = await show_order(action, order_id)
    action.note(
        kind,
        "purchase_order",
        order_id,
        store_id=shown["delivery_store_id"],
        before={"status": before["status"]},
        after={name: shown[name] for name in ("order_ref", "status", "expected_on", "cost_amount")} | said,
    )
    return shown
