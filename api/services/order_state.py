"""The states of a sales order and the ways between them: the one table; and the lock every change begins with."""

from __future__ import annotations

from dataclasses import dataclass

from api.refusals import Conflict
from api.services.action import Action, Row

LOCK = "SELECT 1 FROM sales_orders WHERE sales_order_id = %(key)s FOR UPDATE"


@dataclass(frozen=True)
class Step:
    """A way on: from which states, to which."""

    sources: tuple[str, ...]
    target: str


STEPS = {
    "change": Step(("draft",), "draft"),
    "confirm": Step(("draft",), "confirmed"),
    "process": Step(("confirmed",), "processing"),
    "ready": Step(("confirmed", "processing"), "ready"),
    "deliver": Step(("confirmed", "ready"), "delivered"),
    "cancel": Step(("draft", "confirmed", "processing", "ready"), "cancelled"),
    "return": Step(("delivered",), "returned"),
}


async def lock_order(action: Action, order_id: int) -> Row:
    """The order, nobody else's until the transaction ends. Raises NotFound, OutOfReach, NotPermitted."""
    order = await action.row(
        "SELECT sales_order_id, order_number, order_ref, store_id, customer_id, patient_id, salesperson_id, created_by,"
        " status, kind, ordered_on, total_amount, version, now() AS moment FROM sales_orders"
        " WHERE sales_order_id = %(order_id)s FOR UPDATE",
        order_id=order_id,
    )
    if order is None:
        raise await action.missing("sales_orders", order_id, "sales order")
    check_order(action, order)
    return order


def check_order(action: Action, order: Row) -> None:
    """Raises OutOfReach or NotPermitted when the order is not for this user: another store's, or another seller's."""
    action.check_store(order["store_id"])
    is_seller = order["salesperson_id"] == action.user.user_id
    action.check_record(order["salesperson_id"] if is_seller else order["created_by"])


def check_step(order: Row, name: str) -> str:
    """The state that this step leads to. Raises Conflict `not-allowed-now`, which says what is possible instead."""
    step = STEPS[name]
    status = order["status"]
    if status not in step.sources:
        possible = possible_steps(status)
        ways = f"it may {' or '.join(possible)}" if possible else "nothing changes it any more"
        raise Conflict(
            "not-allowed-now",
            f"Order {order['order_number'] or order['order_ref']} is {status} and may not {name}; {ways}.",
            status_now=status,
            possible=list(possible),
        )
    return step.target


def possible_steps(status: str) -> tuple[str, ...]:
    """What may be done with an order in this state."""
    return tuple(name for name, step in STEPS.items() if status in step.sources)
