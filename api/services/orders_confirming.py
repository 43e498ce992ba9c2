"""Confirming a sales order: prices and tax of the day, discounts within caps, prescriptions valid, goods reserved."""

from __future__ import annotations

from api.refusals import Conflict
from api.services.action import Action, Row
from api.services.discounts import check_discounts
from api.services.ledger import business_day
from api.services.order_eyes import check_prescriptions
from api.services.order_goods import reserve_lines
from api.services.order_lines import lines_of, price_lines
from api.services.order_state import check_step, lock_order
from api.services.orders import show_order

CONFIRM = """
    UPDATE sales_orders AS o SET status = %(status)s, confirmed_at = %(moment)s, version = o.version + 1,
        place_of_supply = s.state_code
    FROM stores AS s WHERE s.store_id = o.store_id AND o.sales_order_id = %(order_id)s"""


async def confirm_order(action: Action, order_id: int) -> Row:
    """Bind a draft: from here on it counts as sold, and its goods are kept for it.

    Raises Conflict: `not-allowed-now`, `order-has-no-lines`, `no-price`, `no-tax-rate`, `prescription-…`,
    `discount-needs-approval`, `stock-not-available`; each names the line.
    """
    order = await lock_order(action, order_id)
    status = check_step(order, "confirm")
    lines = await lines_of(action, order)
    if not lines:
        raise Conflict("order-has-no-lines", "The order has no lines; give it some first.")
    day = await business_day(action)
    offers, whole = await price_lines(action, order, lines, day, order["moment"])
    await check_prescriptions(action, order, lines, offers, day)
    await check_discounts(action, order, lines, [offer.discount_class for offer in offers])
    await action.execute(CONFIRM, order_id=order_id, status=status, moment=order["moment"])
    await reserve_lines(action, order["store_id"], lines, offers)
    if whole.discount:
        given = {"discount_amount": whole.discount, "subtotal_amount": whole.subtotal}
        action.note("discount.given", "sales_order", order_id, store_id=order["store_id"], after=given)
    action.note(
        "order.confirmed",
        "sales_order",
        order_id,
        store_id=order["store_id"],
        before={"status": order["status"], "total_amount": order["total_amount"]},
        after={"status": status, "total_amount": whole.total, "sold_on": day},
    )
    return await show_order(action, order_id)
