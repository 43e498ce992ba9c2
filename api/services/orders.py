"""Reading sales orders: a list by store, state, customer and day; one with its lines and payments."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any

from api.services.action import Action, Row
from api.services.order_amounts import ZERO
from api.services.order_state import check_order, possible_steps
from api.services.paging import Page, Paging

HEADER = (
    "sales_order_id, coalesce(order_number, order_ref) AS order_number, store_id, customer_id, patient_id,"
    " salesperson_id, created_by, channel, kind, status, ordered_on, expected_on, confirmed_at, ready_at, delivered_at,"
    " cancelled_at, cancel_reason, invoice_number, invoiced_on, place_of_supply, subtotal_amount, discount_amount,"
    " taxable_amount, tax_amount, total_amount, version, updated_at"
)
LISTED = (
    "o.sales_order_id, coalesce(o.order_number, o.order_ref) AS order_number, o.store_id, o.customer_id,"
    " o.salesperson_id, o.channel, o.kind, o.status, o.ordered_on, o.expected_on, o.invoice_number, o.total_amount,"
    " o.updated_at"
)
PAID = """
    LEFT JOIN LATERAL (
        SELECT count(*) AS payments, coalesce(sum(CASE kind WHEN 'refund' THEN -amount ELSE amount END), 0) AS paid
        FROM payments WHERE sales_order_id = o.sales_order_id) AS p ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(total_amount), 0) AS returned
        FROM sales_returns WHERE sales_order_id = o.sales_order_id) AS r ON true"""
# gathered first: a list that walks the newest orders of all to find a seller's would walk them all for a new one
OWN = """SELECT sales_order_id FROM sales_orders WHERE salesperson_id = %(user_id)s
    UNION SELECT sales_order_id FROM sales_orders WHERE created_by = %(user_id)s"""
ORDER = f"SELECT {HEADER} FROM sales_orders WHERE sales_order_id = %(order_id)s"
# by the day as well: else every month's partition is opened to plan for the lines of one order
LINES = """
    SELECT l.sales_order_line_id, l.line_ref, l.product_id, p.sku, p.name, l.quantity, l.mrp, l.unit_price,
        l.discount_share, l.discount_amount, l.tax_rate, l.net_amount, l.tax_amount, l.line_total, l.cost_at_sale,
        l.lens_cell_id, l.prescription_id, l.pair_group, l.eye, coalesce(r.returned, 0)::integer AS returned_qty
    FROM sales_order_lines AS l JOIN products AS p USING (product_id)
    LEFT JOIN LATERAL (
        SELECT sum(x.quantity) AS returned FROM sales_return_lines AS x
        WHERE x.sales_order_line_id = l.sales_order_line_id) AS r ON true
    WHERE l.sales_order_id = %(order_id)s AND l.ordered_on = %(ordered_on)s ORDER BY l.sales_order_line_id"""
MONEY = """
    SELECT 'payment' AS source, payment_id, kind, method, amount, reference, received_at, received_by FROM payments
    WHERE sales_order_id = %(order_id)s
    UNION ALL
    SELECT 'return', NULL, kind, NULL, total_amount, NULL, created_at, NULL FROM sales_returns
    WHERE sales_order_id = %(order_id)s
    ORDER BY received_at"""
PAYMENT = ("payment_id", "kind", "method", "amount", "reference", "received_at", "received_by")


async def list_orders(
    action: Action,
    paging: Paging,
    *,
    store_id: int | None = None,
    status: str | None = None,
    customer_id: int | None = None,
    from_on: dt.date | None = None,
    to_on: dt.date | None = None,
    number: str | None = None,
) -> Page:
    """Orders in reach, the newest first. Raises OutOfReach for a store that is not."""
    if store_id is not None:
        action.check_store(store_id)
    stores = action.reach.store_ids
    rows = await action.rows(
        f"SELECT {LISTED}, p.payments, p.paid, r.returned FROM (SELECT * FROM sales_orders AS o"
        f"{_where(action, store_id, status, customer_id, from_on, to_on, number)}"
        f" ORDER BY o.sales_order_id DESC LIMIT %(limit)s) AS o {PAID} ORDER BY o.sales_order_id DESC",
        after=paging.after_id(),
        stores=None if stores is None else sorted(stores),
        store_id=store_id,
        status=status,
        customer_id=customer_id,
        from_on=from_on,
        to_on=to_on,
        number=number,
        user_id=action.user.user_id,
        limit=paging.fetch,
    )
    for row in rows:
        row |= _money(row, row.pop("paid"), row.pop("returned"), bool(row.pop("payments")))
    return paging.page(rows, ("sales_order_id",))


def _where(action: Action, *wanted: Any) -> str:
    """Only the conditions that are asked for: the planner then takes the index of the one that narrows most."""
    conditions = (
        "o.store_id = %(store_id)s",
        "o.status = %(status)s",
        "o.customer_id = %(customer_id)s",
        "o.ordered_on >= %(from_on)s",
        "o.ordered_on <= %(to_on)s",
        "o.order_ref = %(number)s",
    )
    chosen = [each for each, value in zip(conditions, wanted, strict=True) if value is not None]
    if action.reach.store_ids is not None and wanted[0] is None:
        chosen.append("o.store_id = ANY(%(stores)s)")
    if action.reach.own_records:
        chosen.append(f"o.sales_order_id = ANY(ARRAY({OWN}))")
    return " WHERE " + " AND ".join(["o.sales_order_id < %(after)s", *chosen])


async def show_order(action: Action, order_id: int) -> Row:
    """One order with its lines and payments. The order and its money travel together, its day finds the lines."""
    found = await asyncio.gather(
        *(action.rows(query, order_id=order_id) for query in (ORDER, MONEY)), return_exceptions=True
    )
    # both have come back before one's error is raised: the connection is at rest
    headers, money = [_rows_of(each) for each in found]
    if not headers:
        raise await action.missing("sales_orders", order_id, "sales order")
    header = headers[0]
    check_order(action, header)
    lines = await action.rows(LINES, order_id=order_id, ordered_on=header["ordered_on"])
    payments = [{name: row[name] for name in PAYMENT} for row in money if row["source"] == "payment"]
    paid = sum((-x["amount"] if x["kind"] == "refund" else x["amount"] for x in payments), ZERO)
    returned = sum((row["amount"] for row in money if row["source"] == "return"), ZERO)
    header |= _money(header, paid, returned, bool(payments))
    return {**header, "possible": list(possible_steps(header["status"])), "lines": lines, "payments": payments}


def _rows_of(answer: list[Row] | BaseException) -> list[Row]:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _money(order: Row, paid: Decimal, returned: Decimal, has_payments: bool) -> Row:
    """What was paid, what is due, and what that is called. Nothing is due for a draft or a cancelled order."""
    if order["total_amount"] is None:
        return {"paid_amount": paid} if has_payments else {}
    is_owed = order["status"] not in ("draft", "cancelled")
    owed = order["total_amount"] - returned if is_owed else ZERO
    return {
        "paid_amount": paid,
        "returned_amount": returned,
        "due_amount": max(owed - paid, ZERO),
        "payment_status": payment_status(owed, paid, has_payments) if is_owed or has_payments else None,
    }


def payment_status(owed: Decimal, paid: Decimal, has_payments: bool) -> str:
    """unpaid, partial, paid or refunded. An order that comes to nothing is paid without a payment."""
    if paid == 0 and has_payments:
        return "refunded"
    if paid >= owed:
        return "paid"
    return "partial" if paid > 0 else "unpaid"
