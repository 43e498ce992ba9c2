"""Where returned goods go: good ones back to the store's shelves, opened and damaged ones to its quarantine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.ledger import Move, location, post_moves
from api.services.order_goods import LINE
from api.services.order_prices import Goods

RETURN_LINE = "sales_return_line"
# what of a line's goods is still at the customer: sold by units or by number
AT_CUSTOMER = """
    SELECT m.stock_unit_id, sum(m.quantity)::integer AS quantity
    FROM stock_moves AS m WHERE m.reference_type = %(type)s AND m.reference_id = %(line_id)s AND m.kind = 'sale'
    GROUP BY m.stock_unit_id"""
UNITS_INSIDE = "SELECT held_unit_id FROM stock_balances WHERE held_unit_id = ANY(%(ids)s)"


async def take_back(action: Action, store_id: int, parts: Sequence[Row], goods: Sequence[Goods], day: dt.date) -> None:
    """Post the moves of what came back. Lines that moved no stock (services, lenses made to order) move none here."""
    moves: list[Move] = []
    taken: set[int] = set()
    customer = await location(action, "customer")
    places = {
        kind: await location(action, kind, store_id)
        for kind in sorted({"store" if part["condition"] == "good" else "quarantine" for part in parts})
    }
    for number, (part, each) in enumerate(zip(parts, goods, strict=True)):
        sold = await action.rows(AT_CUSTOMER, type=LINE, line_id=part["sales_order_line_id"])
        if not sold:
            continue
        place = places["store" if part["condition"] == "good" else "quarantine"]
        units: Sequence[int | None] = [None]
        if sold[0]["stock_unit_id"] is not None:
            units = await _units(action, part, [row["stock_unit_id"] for row in sold], taken, each, number)
        moves += [
            Move(
                part["product_id"], part["quantity"] if unit is None else 1, customer, place, "return",
                lens_cell_id=part["lens_cell_id"], stock_unit_id=unit, unit_cost=part["cost_at_sale"],
                reference_type=RETURN_LINE, reference_id=part["sales_return_line_id"],
            )
            for unit in units
        ]  # fmt: skip
    await post_moves(action, moves, day)


async def _units(
    action: Action, part: Row, sold: Sequence[int], taken: set[int], goods: Goods, number: int
) -> list[int]:
    """Which units come back: those named, or all that are still out when all of them come."""
    inside = {row["held_unit_id"] for row in await action.rows(UNITS_INSIDE, ids=list(sold))}
    out = [unit for unit in sorted(sold) if unit not in inside and unit not in taken]
    named = part["stock_unit_ids"] or (out if len(out) == part["quantity"] else [])
    if len(set(named)) != part["quantity"]:
        rule = f"must name which units of {goods.sku} come back, one for each"
        raise Invalid("units-not-named", f"Line {number} {rule}.", Fault(f"lines.{number}.stock_unit_ids", rule))
    if not set(named) <= set(out):
        rule = "names a unit that this line did not sell, or that is back already"
        raise Conflict("unit-not-sold", f"Line {number} {rule}.", Fault(f"lines.{number}.stock_unit_ids", rule))
    taken.update(named)
    return list(named)
