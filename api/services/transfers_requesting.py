"""Asking for goods of another store, and taking back what was asked while nothing has left yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.ledger import release, reservations_of
from api.services.stock_goods import check_open, goods_of
from api.services.suggestion_transfers import follow_transfer
from api.services.transactions import widen
from api.services.transfers import show_transfer
from api.services.transfers_state import LINE, check_step, lines_of, lock_transfer

INSERT_LINES = """
    INSERT INTO stock_transfer_lines (stock_transfer_id, product_id, lens_cell_id, stock_unit_id, requested_qty)
    SELECT %(transfer_id)s, w.product, w.cell, w.unit, w.quantity
    FROM unnest(%(products)s::bigint[], %(cells)s::bigint[], %(units)s::bigint[], %(quantities)s::integer[])
        WITH ORDINALITY AS w (product, cell, unit, quantity, n) ORDER BY w.n"""


async def request_transfer(action: Action, values: Mapping[str, Any]) -> Row:
    """Ask for goods: one of the two stores is the caller's. Whether they are there is asked on approval.

    A product with serials may be asked for by number; approval chooses the units. Raises OutOfReach, Invalid,
    Conflict `store-closed`, `not-transferable`.
    """
    source, destination = values["from_store_id"], values["to_store_id"]
    if not action.reach.allows(destination):
        action.check_store(source)
    if source == destination:
        rule = "is the store that asks"
        raise Invalid("goes-nowhere", f"The source {rule}.", Fault("from_store_id", rule))
    await check_open(action, source, "from_store_id")
    await check_open(action, destination, "to_store_id")
    lines = values["lines"]
    goods = await goods_of(action, source, lines, units=False)
    for number, (line, each) in enumerate(zip(lines, goods, strict=True)):
        if each["is_transfer_excluded"]:
            rule = f"{each['sku']} does not go between stores"
            raise Conflict("not-transferable", f"{rule}.", Fault(f"lines.{number}.product_id", rule))
        if line["stock_unit_id"] is not None and line["quantity"] != 1:
            raise Invalid("rule-broken", "A unit is one.", Fault(f"lines.{number}.quantity", "is 1 of a unit"))
    transfer_id = await action.value(
        "INSERT INTO stock_transfers (from_store_id, to_store_id, note, requested_by)"
        " VALUES (%(source)s, %(destination)s, %(note)s, %(user_id)s) RETURNING stock_transfer_id",
        source=source,
        destination=destination,
        note=values["note"],
        user_id=action.user.user_id,
    )
    await action.execute(
        INSERT_LINES,
        transfer_id=transfer_id,
        products=[line["product_id"] for line in lines],
        cells=[line["lens_cell_id"] for line in lines],
        units=[line["stock_unit_id"] for line in lines],
        quantities=[line["quantity"] for line in lines],
    )
    said = {"from_store_id": source, "to_store_id": destination, "quantity": sum(line["quantity"] for line in lines)}
    action.note("transfer.requested", "stock_transfer", transfer_id, store_id=destination, after=said)
    return await show_transfer(action, transfer_id)


async def cancel_transfer(action: Action, transfer_id: int, reason: str) -> Row:
    """Take a transfer back before it is shipped; what was kept for it is free again. Raises Conflict."""
    transfer = await lock_transfer(action, transfer_id)
    status = check_step(transfer, "cancel")
    # who asked sees their own store, and what is kept lies on the other's shelves
    wide = await widen(action)
    lines = await lines_of(wide, transfer_id)
    held = await reservations_of(wide, LINE, [line["stock_transfer_line_id"] for line in lines])
    await release(wide, [row["stock_reservation_id"] for row in held])
    await wide.execute(
        "UPDATE stock_transfers SET status = %(status)s, decision_note = %(reason)s"
        " WHERE stock_transfer_id = %(transfer_id)s",
        status=status,
        reason=reason,
        transfer_id=transfer_id,
    )
    action.note(
        "transfer.refused",
        "stock_transfer",
        transfer_id,
        store_id=transfer["to_store_id"],
        before={"status": transfer["status"]},
        after={"status": status, "reason": reason},
    )
    await follow_transfer(wide, transfer_id)
    return await show_transfer(wide, transfer_id)
