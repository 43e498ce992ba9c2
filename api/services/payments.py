"""Money for a sales order, received and given back: method, amount and a reference. No card data, ever.

Every payment begins with the order's lock, so two tills cannot take more than is due.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.order_amounts import ZERO
from api.services.order_state import check_order, lock_order
from api.services.paging import Page

COLUMNS = "payment_id, sales_order_id, kind, method, amount, reference, received_at, received_by"
ACCOUNT = """
    SELECT coalesce((SELECT sum(CASE kind WHEN 'refund' THEN -amount ELSE amount END) FROM payments
                     WHERE sales_order_id = %(order_id)s), 0) AS paid,
           coalesce((SELECT sum(total_amount) FROM sales_returns WHERE sales_order_id = %(order_id)s), 0) AS returned"""
PAYABLE = ("confirmed", "processing", "ready", "delivered")
CARD_DIGITS = re.compile(r"[0-9](?:[ -]*[0-9]){11,18}")
UPI_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Account:
    """What an order comes to less what came back (`owed`), and what was paid less what was given back."""

    owed: Decimal
    paid: Decimal

    @property
    def due(self) -> Decimal:
        """What may still be paid."""
        return max(self.owed - self.paid, ZERO)

    @property
    def refundable(self) -> Decimal:
        """What was paid beyond what is owed."""
        return max(self.paid - self.owed, ZERO)


async def account_of(action: Action, order: Row) -> Account:
    """How an order stands. Raises Conflict for one that came from elsewhere without amounts."""
    if order["total_amount"] is None:
        raise Conflict("order-without-amounts", "This order has no amounts to pay.")
    sums = await action.one(ACCOUNT, order_id=order["sales_order_id"])
    return Account(order["total_amount"] - sums["returned"], sums["paid"])


async def list_payments(action: Action, order_id: int) -> Page:
    """The payments and refunds of an order, the first first."""
    order = await action.row(
        "SELECT store_id, salesperson_id, created_by FROM sales_orders WHERE sales_order_id = %(order_id)s",
        order_id=order_id,
    )
    if order is None:
        raise await action.missing("sales_orders", order_id, "sales order")
    check_order(action, order)
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM payments WHERE sales_order_id = %(order_id)s ORDER BY payment_id", order_id=order_id
    )
    return Page(rows)


async def take_payment(action: Action, order_id: int, values: Mapping[str, Any]) -> Row:
    """Record money received. Raises Conflict `more-than-due` or `not-payable`, Invalid `card-number`."""
    refuse_card_number("reference", values["reference"], values["method"])
    order = await lock_order(action, order_id)
    if order["status"] not in PAYABLE:
        raise Conflict("not-payable", f"Nothing is paid for an order that is {order['status']}.")
    if values["method"] == "credit" and order["customer_id"] is None:
        raise Conflict("credit-to-nobody", "Credit is given to a known customer; name the order's customer first.")
    account = await account_of(action, order)
    if values["amount"] > account.due:
        said = f"{account.due} is due, not {values['amount']}"
        raise Conflict("more-than-due", f"{said}.", Fault("amount", said), due_amount=str(account.due))
    return await record_payment(action, order, "payment", values)


async def refund_payment(action: Action, order_id: int, values: Mapping[str, Any]) -> Row:
    """Record money given back: of an open order up to all that was paid, of a delivered one for what came back."""
    refuse_card_number("reference", values["reference"], values["method"])
    order = await lock_order(action, order_id)
    account = await account_of(action, order)
    is_over = order["status"] in ("delivered", "returned")
    most = account.refundable if is_over else account.paid
    if values["amount"] > most:
        said = f"{most} may be given back, not {values['amount']}"
        raise Conflict("more-than-paid", f"{said}.", Fault("amount", said), refundable_amount=str(most))
    return await record_payment(action, order, "refund", values)


async def record_payment(action: Action, order: Row, kind: str, values: Mapping[str, Any]) -> Row:
    """Write a payment or refund of a locked order whose amount was checked."""
    try:
        row = await action.one(
            "INSERT INTO payments (sales_order_id, kind, method, amount, reference, received_by, received_at)"
            " VALUES (%(order_id)s, %(kind)s, %(method)s, %(amount)s, %(reference)s, %(user_id)s, clock_timestamp())"
            f" RETURNING {COLUMNS}",
            order_id=order["sales_order_id"],
            kind=kind,
            method=values["method"],
            amount=values["amount"],
            reference=values["reference"],
            user_id=action.user.user_id,
        )
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name != "uq_payments_reference":
            raise
        rule = "was recorded already with this method"
        raise Conflict("reference-used", f"This reference {rule}.", Fault("reference", rule)) from None
    action.note(
        "payment.received" if kind == "payment" else "payment.refunded",
        "sales_order",
        order["sales_order_id"],
        store_id=order["store_id"],
        after={"payment_id": row["payment_id"], "method": row["method"], "amount": row["amount"]},
    )
    return row


def refuse_card_number(where: str, text: str | None, method: str | None = None) -> None:
    """Raises Invalid `card-number` when a text could hold the number of a payment card. The text is never repeated.

    A reference of UPI has 12 digits, of which one in ten would pass for a card's; 13 to 19 are never let through.
    """
    for found in CARD_DIGITS.findall(text or ""):
        digits = re.sub(r"[ -]", "", found)
        if method == "upi" and digits == text and len(digits) == UPI_DIGITS:
            continue
        if _passes_luhn(digits):
            rule = "looks like the number of a payment card, which is never stored"
            raise Invalid("card-number", f"The {where} {rule}.", Fault(where, rule))


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
