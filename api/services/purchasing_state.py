"""The states of a purchase order and the ways between them: the one table; and the lock every change begins with.

Received and partially received follow from the lines. An order of a chain folder is placed already and is closed by
the folder's statement alone: nothing here changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.refusals import Conflict
from api.services.action import Action, Row

LOCK = "SELECT 1 FROM purchase_orders WHERE purchase_order_id = %(key)s FOR UPDATE"
READ = """
    SELECT o.purchase_order_id, o.order_ref, o.vendor_id, o.status, o.delivery_store_id, o.created_by, o.approved_by,
        o.expected_on, o.note, o.version
    FROM purchase_orders AS o WHERE o.purchase_order_id = %(order_id)s FOR UPDATE"""


@dataclass(frozen=True)
class Step:
    """A way on: from which states, to which."""

    sources: tuple[str, ...]
    target: str


STEPS = {
    "change": Step(("draft",), "draft"),
    "approve": Step(("draft",), "approved"),
    "send": Step(("approved",), "sent"),
    "acknowledge": Step(("sent",), "acknowledged"),
    "receive": Step(("sent", "acknowledged", "partially_received"), "partially_received"),
    "cancel": Step(("draft", "approved", "sent", "acknowledged", "partially_received"), "cancelled"),
}


async def lock_order(action: Action, order_id: int, step: str) -> Row:
    """The order, nobody else's until the transaction ends, if this step is possible.

    Raises NotFound, OutOfReach, and Conflict `not-allowed-now` that says what is possible instead.
    """
    order = await action.row(READ, order_id=order_id)
    if order is None:
        raise await action.missing("purchase_orders", order_id, "purchase order")
    action.check_store(order["delivery_store_id"])
    possible = possible_steps(order)
    if step not in possible:
        ways = f"it may {' or '.join(possible)}" if possible else "nothing changes it any more"
        if order["created_by"] is None:
            ways = "it is of a chain folder, whose next statement closes it"
        raise Conflict(
            "not-allowed-now",
            f"Purchase order {order['order_ref']} is {order['status']} and may not {step}; {ways}.",
            status_now=order["status"],
            possible=list(possible),
        )
    return order


def possible_steps(order: Mapping[str, Any]) -> tuple[str, ...]:
    """What may be done with an order now; as the API gives one, it has no member that is null."""
    if order.get("created_by") is None:
        return ()
    return tuple(name for name, step in STEPS.items() if order["status"] in step.sources)
