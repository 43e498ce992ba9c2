"""A transfer leaves its source: what was kept for it goes from the shelves into transit, in one shipment.

What is approved and not shipped is free again: it needs another transfer. Where the chain asks for no approval,
shipping one that is still requested approves it.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.refusals import Fault, Invalid
from api.services.action import Action, Row
from api.services.chain_settings import setting
from api.services.ledger import Move, business_day, location, post_moves, reservations_of
from api.services.stock_goods import goods_of
from api.services.suggestion_transfers import follow_transfer
from api.services.transfers import show_transfer
from api.services.transfers_approving import keep_goods
from api.services.transfers_state import LINE, check_step, lines_of, lock_transfer, pick_lines

SHIP_LINES = """
    UPDATE stock_transfer_lines AS l SET shipped_qty = w.quantity
    FROM unnest(%(ids)s::bigint[], %(quantities)s::integer[]) AS w (id, quantity)
    WHERE l.stock_transfer_line_id = w.id"""
SHIP = """
    UPDATE stock_transfers SET status = %(status)s, shipped_by = %(user_id)s, shipped_at = now()
    WHERE stock_transfer_id = %(transfer_id)s"""


async def ship_transfer(action: Action, transfer_id: int, wanted: Sequence[Row] | None = None) -> Row:
    """Ship all that is approved, or of each named line so much and of the others nothing.

    Raises OutOfReach, Invalid `more-than-approved`, `ships-nothing`, Conflict `not-allowed-now`, and what the ledger
    raises.
    """
    transfer = await lock_transfer(action, transfer_id)
    action.check_store(transfer["from_store_id"])
    if transfer["status"] == "requested" and not await setting(action, "transfer_needs_approval"):
        action.check_other(transfer["requested_by"])
        await keep_goods(action, transfer, (), None)
        transfer["status"] = "approved"
    status = check_step(transfer, "ship")
    lines = await lines_of(action, transfer_id)
    quantities = {line["stock_transfer_line_id"]: line["approved_qty"] if wanted is None else 0 for line in lines}
    for number, (each, line) in enumerate(pick_lines(lines, wanted or ())):
        if each["quantity"] > line["approved_qty"]:
            rule = f"is more than the {line['approved_qty']} approved"
            raise Invalid("more-than-approved", f"Line {number} {rule}.", Fault(f"lines.{number}.quantity", rule))
        quantities[line["stock_transfer_line_id"]] = each["quantity"]
    shipped = [line for line in lines if quantities[line["stock_transfer_line_id"]]]
    if not shipped:
        raise Invalid("ships-nothing", "Nothing would be shipped; cancel the transfer instead.")
    shelf = await location(action, "store", transfer["from_store_id"])
    transit = await location(action, "transit", transfer["to_store_id"])
    goods = await goods_of(action, transfer["from_store_id"], shipped, units=False)
    moves = [
        Move(
            line["product_id"], quantities[line["stock_transfer_line_id"]], shelf, transit, "transfer_ship",
            line["lens_cell_id"], line["stock_unit_id"], each["unit_cost"], LINE, line["stock_transfer_line_id"],
        )
        for line, each in zip(shipped, goods, strict=True)
    ]  # fmt: skip
    held = await reservations_of(action, LINE, list(quantities))
    await action.execute(SHIP_LINES, ids=list(quantities), quantities=list(quantities.values()))
    await post_moves(action, moves, await business_day(action), [row["stock_reservation_id"] for row in held])
    await action.execute(SHIP, status=status, user_id=action.user.user_id, transfer_id=transfer_id)
    action.note(
        "transfer.shipped",
        "stock_transfer",
        transfer_id,
        store_id=transfer["from_store_id"],
        before={"status": transfer["status"]},
        after={"status": status, "quantity": sum(quantities.values())},
    )
    await follow_transfer(action, transfer_id)
    return await show_transfer(action, transfer_id)
