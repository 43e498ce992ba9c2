"""Moving a confirmed sales order on: into the workshop, ready to be fetched, handed over with its invoice."""

from __future__ import annotations

from api.refusals import Conflict
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.numbers import next_number
from api.services.order_goods import deliver_lines
from api.services.order_lines import lines_of
from api.services.order_prices import goods_of
from api.services.order_state import check_step, lock_order
from api.services.orders import show_order
from api.services.payments import account_of

COSTS = """
    UPDATE sales_order_lines AS t SET cost_at_sale = l.cost
    FROM unnest(%(ids)s::bigint[], %(costs)s::numeric[]) AS l (id, cost)
    WHERE t.sales_order_line_id = l.id AND t.ordered_on = %(ordered_on)s AND t.cost_at_sale IS DISTINCT FROM l.cost"""


async def process_order(action: Action, order_id: int) -> Row:
    """The workshop has begun."""
    return await _advance(action, order_id, "process")


async def ready_order(action: Action, order_id: int) -> Row:
    """It waits for the customer."""
    return await _advance(action, order_id, "ready")


async def deliver_order(action: Action, order_id: int) -> Row:
    """Hand it over: the goods leave stock at their cost of the day, the invoice gets the store's next number.

    Raises Conflict `not-paid` while something is due: what a customer owes is taken as a payment by `credit`.
    """
    order = await lock_order(action, order_id)
    status = check_step(order, "deliver")
    if order["kind"] == "prescription" and order["status"] != "ready":
        raise Conflict("not-ready", "An order by prescription is made ready before it is handed over.")
    account = await account_of(action, order)
    if account.due > 0:
        said = f"{account.due} is still due; take it first (what a customer may owe, by the method credit)"
        raise Conflict("not-paid", f"{said}.", due_amount=str(account.due))
    day = await business_day(action)
    lines = await lines_of(action, order)
    goods = await goods_of(action, order["store_id"], day, [line["product_id"] for line in lines])
    await action.execute(
        COSTS,
        ids=[line["sales_order_line_id"] for line in lines],
        costs=[each.unit_cost for each in goods],
        ordered_on=order["ordered_on"],
    )
    await deliver_lines(action, lines, goods, day)
    number = await next_number(action, "invoice", order["store_id"], day)
    await action.execute(
        "UPDATE sales_orders SET status = %(status)s, delivered_at = %(moment)s, invoice_number = %(number)s,"
        " invoiced_on = %(day)s, version = version + 1 WHERE sales_order_id = %(order_id)s",
        status=status,
        moment=order["moment"],
        number=number,
        day=day,
        order_id=order_id,
    )
    action.note(
        "order.delivered",
        "sales_order",
        order_id,
        store_id=order["store_id"],
        before={"status": order["status"]},
        after={"status": status, "invoice_number": number, "total_amount": order["total_amount"]},
    )
    return await show_order(action, order_id)


async def _advance(action: Action, order_id: int, step: str) -> Row:
    order = await lock_order(action, order_id)
    status = check_step(order, step)
    await action.execute(
        "UPDATE sales_orders SET status = %(status)s, version = version + 1,"
        " ready_at = CASE WHEN %(is_ready)s THEN %(moment)s ELSE ready_at END"
        " WHERE sales_order_id = %(order_id)s",
        status=status,
        is_ready=status == "ready",
        moment=order["moment"],
        order_id=order_id,
    )
    action.note(
        "order.advanced",
        "sales_order",
        order_id,
        store_id=order["store_id"],
        before={"status": order["status"]},
        after={"status": status},
    )
    return await show_order(action, order_id)
