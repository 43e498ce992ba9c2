"""A transfer arrives, at once or in several receipts: what is whole goes to the shelves, what is broken to quarantine.

Each receipt accounts for all that is open of a line it names: received, damaged, lost, or still in transit. What is
short says why. Lines that are not named stay in transit, so nothing is ever silently gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.refusals import Fault, Invalid
from api.services.action import Action, Row
from api.services.ledger import Move, business_day, location, post_moves
from api.services.stock_goods import goods_of
from api.services.stock_notices import tell_deciders, tell_user
from api.services.suggestion_transfers import follow_transfer
from api.services.transfers import show_transfer
from api.services.transfers_state import (
    LINE,
    check_step,
    lines_of,
    lock_transfer,
    open_qty,
    pick_lines,
    receiving_status,
)

OUTCOMES = {"received_qty": "store", "damaged_qty": "quarantine", "lost_qty": "loss"}
RECEIVE_LINES = """
    UPDATE stock_transfer_lines AS l SET received_qty = w.received, damaged_qty = w.damaged, lost_qty = w.lost,
        short_reason = coalesce(w.reason, l.short_reason)
    FROM unnest(%(ids)s::bigint[], %(received)s::integer[], %(damaged)s::integer[], %(lost)s::integer[],
        %(reasons)s::text[]) AS w (id, received, damaged, lost, reason)
    WHERE l.stock_transfer_line_id = w.id"""
RECEIVE = """
    UPDATE stock_transfers SET status = %(status)s, received_by = %(user_id)s, received_at = now()
    WHERE stock_transfer_id = %(transfer_id)s"""


async def receive_transfer(action: Action, transfer_id: int, wanted: Sequence[Row] | None = None) -> Row:
    """Receive all that is on its way, or what became of the lines that are named.

    Raises OutOfReach, Invalid `does-not-add-up`, `reason-missing`, `receives-nothing`, Conflict `not-allowed-now`.
    """
    transfer = await lock_transfer(action, transfer_id)
    action.check_store(transfer["to_store_id"])
    check_step(transfer, "receive")
    lines = await lines_of(action, transfer_id)
    if wanted is None:
        wanted = [_whole(line) for line in lines if open_qty(line)]
    pairs = pick_lines(lines, wanted)
    for number, (each, line) in enumerate(pairs):
        _check(number, each, line)
    if not any(each[name] for each, _ in pairs for name in OUTCOMES):
        raise Invalid("receives-nothing", "Nothing would be received; there is nothing to record.")
    await _post(action, transfer, pairs)
    for each, line in pairs:
        for name in OUTCOMES:
            line[name] += each[name]
    await action.execute(
        RECEIVE_LINES,
        ids=[line["stock_transfer_line_id"] for _, line in pairs],
        received=[line["received_qty"] for _, line in pairs],
        damaged=[line["damaged_qty"] for _, line in pairs],
        lost=[line["lost_qty"] for _, line in pairs],
        reasons=[each["reason"] for each, _ in pairs],
    )
    status = receiving_status(lines)
    await action.execute(RECEIVE, status=status, user_id=action.user.user_id, transfer_id=transfer_id)
    await follow_transfer(action, transfer_id)
    await _say(action, transfer, status, pairs)
    return await show_transfer(action, transfer_id)


def _whole(line: Row) -> Row:
    key = line["stock_transfer_line_id"]
    nothing = {"damaged_qty": 0, "lost_qty": 0, "still_in_transit_qty": 0, "reason": None}
    return {"stock_transfer_line_id": key, "received_qty": open_qty(line), **nothing}


def _check(number: int, each: Row, line: Row) -> None:
    told = sum(each[name] for name in OUTCOMES) + each["still_in_transit_qty"]
    if told != open_qty(line):
        rule = f"accounts for {told} of the {open_qty(line)} on the way; say what became of each"
        raise Invalid("does-not-add-up", f"Line {number} {rule}.", Fault(f"lines.{number}.received_qty", rule))
    if told > each["received_qty"] and each["reason"] is None:
        rule = "must say why not all arrived whole"
        raise Invalid("reason-missing", f"Line {number} {rule}.", Fault(f"lines.{number}.reason", rule))


async def _post(action: Action, transfer: Row, pairs: Sequence[tuple[Row, Row]]) -> None:
    store_id = transfer["to_store_id"]
    transit = await location(action, "transit", store_id)
    ends = {name: await location(action, kind, None if kind == "loss" else store_id) for name, kind in OUTCOMES.items()}
    goods = await goods_of(action, transfer["from_store_id"], [line for _, line in pairs], units=False)
    moves = [
        Move(
            line["product_id"], each[name], transit, end, "transfer_receive", line["lens_cell_id"],
            line["stock_unit_id"], cost["unit_cost"], LINE, line["stock_transfer_line_id"],
        )
        for (each, line), cost in zip(pairs, goods, strict=True)
        for name, end in ends.items()
        if each[name]
    ]  # fmt: skip
    await post_moves(action, moves, await business_day(action))


async def _say(action: Action, transfer: Row, status: str, pairs: Sequence[tuple[Row, Row]]) -> None:
    transfer_id = transfer["stock_transfer_id"]
    short = [
        (each, line) for each, line in pairs if each["damaged_qty"] + each["lost_qty"] + each["still_in_transit_qty"]
    ]
    said = {
        "status": status,
        "lines": [
            {name: value for name, value in each.items() if value not in (0, None)} | {"product_id": line["product_id"]}
            for each, line in pairs
        ],
    }
    action.note(
        "transfer.short" if short else "transfer.received",
        "stock_transfer",
        transfer_id,
        store_id=transfer["to_store_id"],
        before={"status": transfer["status"]},
        after=said,
    )
    if not short:
        return
    parts = [
        f"line {line['stock_transfer_line_id']}: {each['damaged_qty']} damaged, {each['lost_qty']} lost,"
        f" {each['still_in_transit_qty']} still on the way ({each['reason']})"
        for each, line in short
    ]
    payload = {
        "reference": str(transfer_id),
        "source": transfer["from_store_code"],
        "destination": transfer["to_store_code"],
        "lines": "\n".join(parts),
    }
    source = transfer["from_store_id"]
    permission = "transfer:approve"
    await tell_deciders(action, "transfer.short", payload, permission=permission, store_id=source, in_stores=True)
    await tell_user(action, "transfer.short", payload, transfer["requested_by"])
