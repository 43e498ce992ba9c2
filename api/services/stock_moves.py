"""The ledger as people read it, newest first, and taking back what was posted by hand.

What a document moved is taken back by its document: a sale by a return, a transfer by another transfer.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.ledger import business_day, reverse_moves
from api.services.paging import Page, Paging

BY_HAND = frozenset({None, "stock_count_line", "stock_adjustment"})
WINDOW = dt.timedelta(days=92)
MOVES = """
    SELECT m.stock_move_id, m.moved_on, m.kind, m.quantity, m.product_id, p.sku, p.name,
        m.lens_cell_id, c.sph, c.cyl, c.add, m.stock_unit_id, u.serial, m.unit_cost,
        f.kind AS source, f.store_id AS source_store_id, fs.store_code AS source_store_code,
        t.kind AS destination, t.store_id AS destination_store_id, ts.store_code AS destination_store_code,
        m.reference_type, m.reference_id, m.reference, m.posted_by, m.posted_at,
        r.reversal_move_id AS reversed_by_move_id, v.reversed_move_id AS reverses_move_id,
        coalesce(r.reason, v.reason) AS reason
    FROM ({chosen}) AS m
    JOIN products AS p USING (product_id)
    JOIN stock_locations AS f ON f.location_id = m.source_location_id LEFT JOIN stores AS fs ON fs.store_id = f.store_id
    JOIN stock_locations AS t ON t.location_id = m.destination_location_id
    LEFT JOIN stores AS ts ON ts.store_id = t.store_id
    LEFT JOIN lens_cells AS c ON c.lens_cell_id = m.lens_cell_id
    LEFT JOIN stock_units AS u ON u.stock_unit_id = m.stock_unit_id
    LEFT JOIN stock_move_reversals AS r ON r.reversed_move_id = m.stock_move_id
    LEFT JOIN stock_move_reversals AS v ON v.reversal_move_id = m.stock_move_id
    ORDER BY m.stock_move_id DESC"""
# a move's month first: what is joined to the ledger is planned for each month that it may be in
MOVED_ON = "SELECT moved_on FROM stock_moves WHERE stock_move_id = %(move_id)s"
OF_DAY = "SELECT * FROM stock_moves WHERE stock_move_id = %(move_id)s AND moved_on = %(moved_on)s"
PLACES = "SELECT array_agg(location_id) AS ids FROM stock_locations WHERE store_id = ANY(%(stores)s)"
HERE = "(source_location_id = ANY(%(places)s) OR destination_location_id = ANY(%(places)s))"


async def list_moves(
    action: Action,
    paging: Paging,
    *,
    store_id: int | None = None,
    product_id: int | None = None,
    stock_unit_id: int | None = None,
    kind: str | None = None,
    from_on: dt.date | None = None,
    to_on: dt.date | None = None,
    reference_type: str | None = None,
    reference_id: int | None = None,
) -> Page:
    """Moves from or to the stores in reach, or one of them. Raises OutOfReach, Invalid.

    Without a first day and without a product, unit or document, those of the last 92 days up to `to_on`.
    """
    if store_id is not None:
        action.check_store(store_id)
    if (reference_type is None) != (reference_id is None):
        missing = "reference_id" if reference_id is None else "reference_type"
        rule = "must be given too: reference_type and reference_id name a document together"
        raise Invalid("incomplete-reference", f"{missing} {rule}.", Fault(missing, rule))
    wanted: dict[str, Any] = {
        "product_id": product_id, "stock_unit_id": stock_unit_id, "kind": kind, "reference_type": reference_type,
        "reference_id": reference_id,
    }  # fmt: skip
    where = [f"{name} = %({name})s" for name, value in wanted.items() if value is not None]
    if stock_unit_id is not None:
        # by its product, whose moves have an index: the ledger as a whole is long
        where.append("product_id = (SELECT product_id FROM stock_units WHERE stock_unit_id = %(stock_unit_id)s)")
    if from_on is None and product_id is None and stock_unit_id is None and reference_id is None:
        from_on = (to_on or await business_day(action)) - WINDOW
    if from_on is not None:
        where.append("moved_on >= %(from_on)s")
    if to_on is not None:
        where.append("moved_on <= %(to_on)s")
    stores = action.reach.store_ids if store_id is None else [store_id]
    places = None
    if stores is not None:
        where.append(HERE)
        places = await action.value(PLACES, stores=sorted(stores)) or []
    chosen = (
        f"SELECT * FROM stock_moves WHERE {' AND '.join(['stock_move_id < %(after)s', *where])}"
        " ORDER BY stock_move_id DESC LIMIT %(limit)s"
    )
    rows = await action.rows(
        MOVES.format(chosen=chosen),
        **wanted,
        from_on=from_on,
        to_on=to_on,
        places=places,
        after=paging.after_id(),
        limit=paging.fetch,
    )
    return paging.page(rows, ("stock_move_id",))


async def show_move(action: Action, move_id: int) -> Row:
    """One move. Raises NotFound, OutOfReach."""
    moved_on = await action.value(MOVED_ON, move_id=move_id)
    if moved_on is None:
        raise await action.missing("stock_moves", move_id, "stock move")
    row = await action.one(MOVES.format(chosen=OF_DAY), move_id=move_id, moved_on=moved_on)
    ends = {row["source_store_id"], row["destination_store_id"]} - {None}
    if not any(action.reach.allows(store_id) for store_id in ends):
        action.check_store(next(iter(ends), None))
    return row


async def reverse_move(action: Action, move_id: int, reason: str) -> Row:
    """Take a move back by its mirror image, posted today. The reversal.

    Raises NotFound, and Conflict `move-of-document`, `move-reversed-already`, `move-is-reversal`, `stock-below-zero`,
    `stock-reserved`, `unit-elsewhere`.
    """
    move = await show_move(action, move_id)
    if move["reference_type"] not in BY_HAND and move["kind"] != "reversal":
        document = move["reference_type"].replace("_", " ")
        raise Conflict(
            "move-of-document",
            f"This move is what {document} {move['reference_id']} says; take that back, and its goods move with it.",
            reference_type=move["reference_type"],
            reference_id=move["reference_id"],
        )
    (reversal_id,) = await reverse_moves(action, [move_id], reason)
    store_id = move["source_store_id"] or move["destination_store_id"]
    said = {"reversal_move_id": reversal_id, "reason": reason, "sku": move["sku"], "quantity": move["quantity"]}
    action.note("stock.reversed", "stock_move", move_id, store_id=store_id, after=said)
    return await show_move(action, reversal_id)
