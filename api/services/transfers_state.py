"""The states of a transfer and the ways between them: the one table; the lock every change begins with.

requested -> approved -> shipped -> (partially_received ->) received;  requested -> rejected;
requested or approved -> cancelled. Where the chain asks for no approval, shipping approves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row

LOCK = "SELECT 1 FROM stock_transfers WHERE stock_transfer_id = %(key)s FOR UPDATE"
LINE = "stock_transfer_line"
LINES = "SELECT * FROM stock_transfer_lines WHERE stock_transfer_id = %(transfer_id)s ORDER BY stock_transfer_line_id"


@dataclass(frozen=True)
class Step:
    """A way on: from which states, and to which; None where the lines decide."""

    sources: tuple[str, ...]
    target: str | None


STEPS = {
    "approve": Step(("requested",), "approved"),
    "reject": Step(("requested",), "rejected"),
    "ship": Step(("approved",), "shipped"),
    "receive": Step(("shipped", "partially_received"), None),
    "cancel": Step(("requested", "approved"), "cancelled"),
}


async def lock_transfer(action: Action, transfer_id: int) -> Row:
    """The transfer, nobody else's until the transaction ends. Raises NotFound, OutOfReach."""
    transfer = await action.row(
        "SELECT t.*, f.store_code AS from_store_code, d.store_code AS to_store_code FROM stock_transfers AS t"
        " JOIN stores AS f ON f.store_id = t.from_store_id JOIN stores AS d ON d.store_id = t.to_store_id"
        " WHERE stock_transfer_id = %(transfer_id)s FOR UPDATE OF t",
        transfer_id=transfer_id,
    )
    if transfer is None:
        raise await action.missing("stock_transfers", transfer_id, "stock transfer")
    check_either(action, transfer)
    return transfer


def check_either(action: Action, transfer: Row) -> None:
    """Raises OutOfReach unless one of the two stores is in reach: both see what goes between them."""
    if not action.reach.allows(transfer["from_store_id"]):
        action.check_store(transfer["to_store_id"])


def check_step(transfer: Row, name: str) -> str:
    """The state this step leads to ("" where the lines decide). Raises Conflict `not-allowed-now`."""
    status = transfer["status"]
    step = STEPS[name]
    if status not in step.sources:
        possible = possible_steps(status)
        ways = f"it may {' or '.join(possible)}" if possible else "nothing changes it any more"
        raise Conflict(
            "not-allowed-now",
            f"Transfer {transfer['stock_transfer_id']} is {status}, so you cannot {name} it; {ways}.",
            status_now=status,
            possible=list(possible),
        )
    return step.target or ""


def possible_steps(status: str) -> tuple[str, ...]:
    """What may be done with a transfer in this state."""
    return tuple(name for name, step in STEPS.items() if status in step.sources)


def open_qty(line: Row) -> int:
    """What of a line is on its way: shipped, and neither arrived, nor broken, nor lost."""
    return int(line["shipped_qty"] - line["received_qty"] - line["damaged_qty"] - line["lost_qty"])


def receiving_status(lines: Iterable[Row]) -> str:
    """The state after a receipt: `received` once nothing is on its way any more."""
    return "partially_received" if any(open_qty(line) for line in lines) else "received"


async def lines_of(action: Action, transfer_id: int) -> list[Row]:
    """The lines, the first first."""
    return await action.rows(LINES, transfer_id=transfer_id)


def pick_lines(lines: Sequence[Row], wanted: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each wanted line beside the transfer's. Raises Invalid `unknown-line`, `named-twice`."""
    by_id = {line["stock_transfer_line_id"]: line for line in lines}
    pairs, seen = [], set()
    for number, each in enumerate(wanted):
        key = each["stock_transfer_line_id"]
        where = f"lines.{number}.stock_transfer_line_id"
        if key not in by_id:
            raise Invalid("unknown-line", f"Line {key} is not of this transfer.", Fault(where, "is of no line of it"))
        if key in seen:
            raise Invalid("named-twice", f"Line {key} is named twice.", Fault(where, "is named before"))
        seen.add(key)
        pairs.append((each, by_id[key]))
    return pairs
