"""Units with a serial of their own: found by serial or barcode, where each one is, and where it has been.

Units come in by receipts. A unit is seen where it lies, and where it once was.
"""

from __future__ import annotations

from typing import Any

from api.refusals import NotFound, OutOfReach
from api.services.action import Action, Row
from api.services.paging import Page, Paging
from api.services.stock_moves import MOVES

UNITS = """
    SELECT u.stock_unit_id, u.product_id, p.sku, p.name, u.serial, u.barcode, u.batch_code, u.expires_on, u.status,
        l.kind AS place, l.store_id, s.store_code, (b.reserved > 0) AS is_reserved
    FROM stock_units AS u JOIN products AS p USING (product_id)
    {join} JOIN stock_balances AS b ON b.held_unit_id = u.stock_unit_id
    {join} JOIN stock_locations AS l USING (location_id) LEFT JOIN stores AS s USING (store_id)
    WHERE {where}"""
MOST_MOVES = 500


async def list_units(
    action: Action,
    paging: Paging,
    *,
    serial: str | None = None,
    barcode: str | None = None,
    product_id: int | None = None,
    store_id: int | None = None,
    status: str | None = None,
) -> Page:
    """Units that lie in reach, the newest first; for whoever reaches every store also those that left."""
    if store_id is not None:
        action.check_store(store_id)
    wanted: dict[str, Any] = {
        "u.serial": serial, "u.barcode": barcode, "u.product_id": product_id, "u.status": status,
        "l.store_id": store_id,
    }  # fmt: skip
    values = {name.partition(".")[2]: value for name, value in wanted.items()}
    where = [f"{name} = %({name.partition('.')[2]})s" for name, value in wanted.items() if value is not None]
    stores = action.reach.store_ids
    if stores is not None:
        where.append("l.store_id = ANY(%(stores)s)")
    is_inside = store_id is not None or stores is not None
    query = UNITS.format(join="" if is_inside else "LEFT", where=" AND ".join(["u.stock_unit_id < %(after)s", *where]))
    rows = await action.rows(
        f"{query} ORDER BY u.stock_unit_id DESC LIMIT %(limit)s",
        **values,
        stores=None if stores is None else sorted(stores),
        after=paging.after_id(),
        limit=paging.fetch,
    )
    return paging.page(rows, ("stock_unit_id",))


async def show_unit(action: Action, unit_id: int) -> Row:
    """One unit with its moves in reach, the newest first. Raises NotFound, and OutOfReach where it never was."""
    unit = await action.row(UNITS.format(join="LEFT", where="u.stock_unit_id = %(unit_id)s"), unit_id=unit_id)
    if unit is None:
        raise NotFound("unknown-stock-unit", f"There is no stock unit {unit_id}.")
    chosen = (
        "SELECT * FROM stock_moves WHERE stock_unit_id = %(unit_id)s AND product_id = %(product_id)s"
        " ORDER BY stock_move_id DESC LIMIT %(limit)s"
    )
    moves = await action.rows(
        MOVES.format(chosen=chosen), unit_id=unit_id, product_id=unit["product_id"], limit=MOST_MOVES
    )
    if not moves and action.reach.store_ids is not None:
        raise OutOfReach("store-out-of-scope", "Your account does not cover a store where this unit is or was.")
    return {**unit, "moves": moves}
