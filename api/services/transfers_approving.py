"""Deciding on a transfer: approved as asked or with less, and kept on the source's shelves; or rejected.

Somebody else than who asked decides, and of managers only one to whom both stores are given.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.ledger import Reservation, business_day, location, reserve
from api.services.order_goods import FREE_UNITS
from api.services.stock_notices import tell_user
from api.services.suggestion_transfers import follow_transfer
from api.services.transfers import show_transfer
from api.services.transfers_state import LINE, check_step, lines_of, lock_transfer, pick_lines

APPROVE = """
    UPDATE stock_transfer_lines AS l SET approved_qty = w.quantity
    FROM unnest(%(ids)s::bigint[], %(quantities)s::integer[]) AS w (id, quantity)
    WHERE l.stock_transfer_line_id = w.id"""
NAME_UNITS = """
    INSERT INTO stock_transfer_lines (stock_transfer_id, product_id, stock_unit_id, requested_qty, approved_qty,
        suggestion_id)
    SELECT %(transfer_id)s, %(product_id)s, w.unit, 1, 1, %(suggestion_id)s FROM unnest(%(units)s::bigint[]) AS w (unit)
    ORDER BY w.unit RETURNING *"""
DECIDE = """
    UPDATE stock_transfers SET status = %(status)s, approved_by = %(user_id)s, approved_at = now(),
        decision_note = %(note)s
    WHERE stock_transfer_id = %(transfer_id)s"""


async def approve_transfer(action: Action, transfer_id: int, lines: Sequence[Row] = (), note: str | None = None) -> Row:
    """Approve, with other quantities for the lines that are named, and keep the goods for it.

    Raises NotPermitted `own-request`, OutOfReach, Invalid, Conflict `not-allowed-now`, `stock-not-available`.
    """
    transfer = await _begin(action, transfer_id, "approve")
    await keep_goods(action, transfer, lines, note)
    await follow_transfer(action, transfer_id)
    await _tell(action, transfer, "approved", note)
    return await show_transfer(action, transfer_id)


async def reject_transfer(action: Action, transfer_id: int, note: str) -> Row:
    """Reject; nothing moves. Raises NotPermitted `own-request`, OutOfReach, Conflict `not-allowed-now`."""
    transfer = await _begin(action, transfer_id, "reject")
    await _decide(action, transfer, "rejected", note)
    action.note(
        "transfer.refused",
        "stock_transfer",
        transfer_id,
        store_id=transfer["to_store_id"],
        before={"status": transfer["status"]},
        after={"status": "rejected", "reason": note},
    )
    await follow_transfer(action, transfer_id)
    await _tell(action, transfer, "rejected", note)
    return await show_transfer(action, transfer_id)


async def keep_goods(action: Action, transfer: Row, wanted: Sequence[Row], note: str | None) -> None:
    """Set the approved quantities and reserve them at the source: the approval itself."""
    transfer_id = transfer["stock_transfer_id"]
    lines = await lines_of(action, transfer_id)
    for number, (each, line) in enumerate(pick_lines(lines, wanted)):
        if each["approved_qty"] > line["requested_qty"]:
            rule = f"is more than the {line['requested_qty']} asked for"
            raise Invalid("more-than-requested", f"Line {number} {rule}.", Fault(f"lines.{number}.approved_qty", rule))
        line["approved_qty"] = each["approved_qty"]
    for line in lines:
        if line["approved_qty"] is None:
            line["approved_qty"] = line["requested_qty"]
    if not any(line["approved_qty"] for line in lines):
        raise Invalid("approves-nothing", "Nothing of it would be approved; reject the transfer instead.")
    await _decide(action, transfer, "approved", note)
    await action.execute(
        APPROVE,
        ids=[line["stock_transfer_line_id"] for line in lines],
        quantities=[line["approved_qty"] for line in lines],
    )
    shelf = await location(action, "store", transfer["from_store_id"])
    kept = await _with_units(action, transfer, shelf, lines)
    await reserve(
        action,
        [
            Reservation(
                shelf, line["product_id"], line["approved_qty"], LINE, line["stock_transfer_line_id"],
                line["lens_cell_id"], line["stock_unit_id"],
            )
            for line in kept
            if line["approved_qty"]
        ],
    )  # fmt: skip
    action.note(
        "transfer.approved",
        "stock_transfer",
        transfer_id,
        store_id=transfer["to_store_id"],
        before={"status": transfer["status"]},
        after={"status": "approved", "quantity": sum(line["approved_qty"] for line in kept), "note": note},
    )


async def _with_units(action: Action, transfer: Row, shelf: int, lines: Sequence[Row]) -> list[Row]:
    """Lines that ask for so many of a product with serials become a line for each unit that is free.

    The line itself goes, or keeps what was asked for and not approved.
    """
    products = [line["product_id"] for line in lines if line["stock_unit_id"] is None]
    serialised = {
        row["product_id"]: row["sku"]
        for row in await action.rows(
            "SELECT product_id, sku FROM products WHERE product_id = ANY(%(ids)s) AND is_serialised", ids=products
        )
    }
    if not serialised:
        return list(lines)
    free: dict[int, list[int]] = {}
    day = await business_day(action)
    taken = {line["stock_unit_id"] for line in lines}
    for row in await action.rows(FREE_UNITS, shelf=shelf, products=list(serialised), day=day):
        if row["stock_unit_id"] not in taken:
            free.setdefault(row["product_id"], []).append(row["stock_unit_id"])
    kept: list[Row] = []
    for line in lines:
        wanted = line["approved_qty"]
        if line["stock_unit_id"] is not None or line["product_id"] not in serialised or not wanted:
            kept.append(line)
            continue
        units = free.get(line["product_id"], [])
        if len(units) < wanted:
            said = f"{len(units)} units of {serialised[line['product_id']]} are free, not {wanted}"
            raise Conflict("stock-not-available", f"{said}.", sku=serialised[line["product_id"]], asked=wanted)
        await _shrink(action, line)
        kept += await action.rows(
            NAME_UNITS,
            transfer_id=transfer["stock_transfer_id"],
            product_id=line["product_id"],
            units=units[:wanted],
            suggestion_id=line["suggestion_id"],
        )
        free[line["product_id"]] = units[wanted:]
    return kept


async def _shrink(action: Action, line: Row) -> None:
    left = line["requested_qty"] - line["approved_qty"]
    if left:
        statement = "UPDATE stock_transfer_lines SET requested_qty = %(left)s, approved_qty = 0"
    else:
        statement = "DELETE FROM stock_transfer_lines"
    await action.execute(
        f"{statement} WHERE stock_transfer_line_id = %(key)s", left=left, key=line["stock_transfer_line_id"]
    )


async def _begin(action: Action, transfer_id: int, step: str) -> Row:
    transfer = await lock_transfer(action, transfer_id)
    action.check_store(transfer["from_store_id"])
    action.check_store(transfer["to_store_id"])
    check_step(transfer, step)
    action.check_other(transfer["requested_by"])
    return transfer


async def _decide(action: Action, transfer: Row, status: str, note: str | None) -> None:
    await action.execute(
        DECIDE,
        status=status,
        user_id=action.user.user_id,
        note=note,
        transfer_id=transfer["stock_transfer_id"],
    )


async def _tell(action: Action, transfer: Row, decision: str, note: str | None) -> None:
    way = f"{transfer['from_store_code']} to {transfer['to_store_code']}"
    payload = {
        "what": "stock transfer",
        "reference": str(transfer["stock_transfer_id"]),
        "decision": decision,
        "decided_by": action.user.username,
        "summary": f"From {way}. {note or ''}".strip(),
    }
    await tell_user(action, "approval.decided", payload, transfer["requested_by"])
