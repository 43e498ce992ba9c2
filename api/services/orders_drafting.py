"""Drafting sales orders: a new one with its lines, other lines, other terms. Nothing is reserved or owed by a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.refusals import Conflict, Fault, Invalid, NotPermitted
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.numbers import order_number
from api.services.order_lines import replace_lines
from api.services.order_state import check_step, lock_order
from api.services.orders import show_order

PEOPLE = """
    SELECT c.customer_id, c.erased_at, p.patient_id FROM customers AS c
    LEFT JOIN patients AS p ON p.customer_id = c.customer_id AND p.patient_id = %(patient_id)s
    WHERE c.customer_id = %(customer_id)s"""
NOTED = ("order_number", "status", "customer_id", "salesperson_id", "total_amount")
TERMS = ("customer_id", "patient_id", "salesperson_id", "channel", "expected_on")


async def draft_order(action: Action, values: Mapping[str, Any]) -> Row:
    """A new draft with its lines at today's prices. Raises OutOfReach, Conflict, Invalid."""
    action.check_store(values["store_id"])
    day = await business_day(action)
    store = await action.row(
        "SELECT store_code, closed_on FROM stores WHERE store_id = %(store_id)s", store_id=values["store_id"]
    )
    if store is None:
        raise Invalid("unknown-store", "There is no such store.", Fault("store_id", "names no store"))
    if store["closed_on"] is not None and store["closed_on"] <= day:
        raise Conflict("store-closed", f"Store {store['store_code']} has been closed since {store['closed_on']}.")
    terms = await _checked(action, {name: values.get(name) for name in TERMS})
    lines = values["lines"]
    number = order_number(store["store_code"], day)
    created = await action.one(
        "INSERT INTO sales_orders (order_ref, order_number, store_id, status, ordered_on, kind, created_by,"
        " customer_id, patient_id, salesperson_id, channel, expected_on) VALUES (%(number)s, %(number)s, %(store_id)s,"
        " 'draft', %(day)s, %(kind)s, %(user_id)s, %(customer_id)s, %(patient_id)s, %(salesperson_id)s, %(channel)s,"
        " %(expected_on)s) RETURNING sales_order_id, store_id, ordered_on",
        number=number,
        store_id=values["store_id"],
        day=day,
        kind=_kind(lines),
        user_id=action.user.user_id,
        **terms,
    )
    if lines:
        await replace_lines(action, created, lines, day)
    shown = await show_order(action, created["sales_order_id"])
    _note(action, "order.created", shown)
    return shown


async def change_lines(action: Action, order_id: int, lines: Sequence[Mapping[str, Any]]) -> Row:
    """Give a draft other lines. What was approved of its discounts counts for them no longer."""
    order = await lock_order(action, order_id)
    check_step(order, "change")
    await replace_lines(action, order, lines, await business_day(action))
    await action.execute(
        "UPDATE sales_orders SET kind = %(kind)s, version = version + 1 WHERE sales_order_id = %(order_id)s",
        kind=_kind(lines),
        order_id=order_id,
    )
    shown = await show_order(action, order_id)
    _note(action, "order.changed", shown, before={"total_amount": order["total_amount"]})
    return shown


async def change_terms(action: Action, order_id: int, changes: Mapping[str, Any]) -> Row:
    """Change a draft's customer, patient, seller, channel or expected day."""
    order = await lock_order(action, order_id)
    check_step(order, "change")
    if changes:
        present = {"customer_id": order["customer_id"], "patient_id": order["patient_id"]}
        await _checked(action, {**present, "salesperson_id": order["salesperson_id"], **changes})
        await action.update("sales_orders", "sales_order_id", order_id, {**changes, "version": order["version"] + 1})
    shown = await show_order(action, order_id)
    if changes:
        _note(action, "order.changed", shown, before={name: order.get(name) for name in changes})
    return shown


async def _checked(action: Action, terms: dict[str, Any]) -> dict[str, Any]:
    """The terms, with the user as the seller where none is named. Raises Invalid, NotPermitted, NotFound."""
    if terms.get("salesperson_id") is None:
        terms["salesperson_id"] = action.user.user_id
    elif action.reach.own_records and terms["salesperson_id"] != action.user.user_id:
        raise NotPermitted("not-own-record", "Your account sells in its own name only.")
    customer_id, patient_id = terms["customer_id"], terms["patient_id"]
    if customer_id is None:
        if patient_id is not None:
            rule = "belongs to a customer; name the customer too"
            raise Invalid("patient-without-customer", f"A patient {rule}.", Fault("patient_id", rule))
        return terms
    # who is not seen is not named either: an order would bring them into the store's sight
    found = await action.row(PEOPLE, customer_id=customer_id, patient_id=patient_id)
    if found is None:
        raise await action.missing("customers", customer_id, "customer")
    if found["erased_at"] is not None:
        raise Conflict("customer-erased", "This customer was erased; record them anew if they wish.")
    if patient_id is not None and found["patient_id"] is None:
        rule = "is not of this customer's household"
        raise Invalid("patient-of-another", f"The patient {rule}.", Fault("patient_id", rule))
    return terms


def _kind(lines: Sequence[Mapping[str, Any]]) -> str:
    return "prescription" if any(line.get("prescription_id") is not None for line in lines) else "quick"


def _note(action: Action, kind: str, order: Row, before: Mapping[str, Any] | None = None) -> None:
    after = {name: order.get(name) for name in NOTED}
    after["lines"] = [
        {name: line[name] for name in ("product_id", "quantity", "line_total")} for line in order["lines"]
    ]
    action.note(kind, "sales_order", order["sales_order_id"], store_id=order["store_id"], before=before, after=after)
