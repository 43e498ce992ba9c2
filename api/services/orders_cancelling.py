"""Cancelling a sales order: what was kept for it is free again, what was paid goes back in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.identity.principal import reach_of
from api.refusals import Conflict, NotPermitted
from api.services.action import Action, Row
from api.services.order_goods import release_lines
from api.services.order_lines import lines_of
from api.services.order_state import check_step, lock_order
from api.services.orders import show_order
from api.services.payments import account_of, record_payment, refuse_card_number


async def cancel_order(action: Action, order_id: int, reason: str, refund: Mapping[str, Any] | None) -> Row:
    """Cancel a draft or an order not yet handed over. Raises Conflict `refund-first` while money lies on it.

    `refund` (method, reference) gives all of it back with the cancellation; it needs payment:refund.
    """
    refuse_card_number("reason", reason)
    order = await lock_order(action, order_id)
    status = check_step(order, "cancel")
    if order["total_amount"] is not None:
        await _give_back(action, order, refund)
    if order["status"] != "draft":
        await release_lines(action, await lines_of(action, order))
    await action.execute(
        "UPDATE sales_orders SET status = %(status)s, cancelled_at = %(moment)s, cancel_reason = %(reason)s,"
        " version = version + 1 WHERE sales_order_id = %(order_id)s",
        status=status,
        moment=order["moment"],
        reason=reason,
        order_id=order_id,
    )
    action.note(
        "order.cancelled",
        "sales_order",
        order_id,
        store_id=order["store_id"],
        before={"status": order["status"], "total_amount": order["total_amount"]},
        after={"status": status},
    )
    return await show_order(action, order_id)


async def _give_back(action: Action, order: Row, refund: Mapping[str, Any] | None) -> None:
    paid = (await account_of(action, order)).paid
    if not paid:
        return
    if refund is None:
        said = f"{paid} was paid; give it back first, or say in `refund` how it is given back now"
        raise Conflict("refund-first", f"{said}.", paid_amount=str(paid))
    refuse_card_number("refund.reference", refund["reference"], refund["method"])
    reach = reach_of(action.user, "payment:refund")
    if reach is None or not reach.allows(order["store_id"]):
        raise NotPermitted("not-permitted", "To give money back needs payment:refund.", needs="payment:refund")
    await record_payment(action, order, "refund", {**refund, "amount": paid})
