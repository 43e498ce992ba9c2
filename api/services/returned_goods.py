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
# the goods that went out for lines: by units, which may be back inside, or by number
SOLD = """
    SELECT m.reference_id, m.stock_unit_id, bool_or(b.held_unit_id IS NOT NULL) AS is_inside
    FROM stock_moves AS m LEFT JOIN stock_balances AS b ON b.held_unit_id = m.stock_unit_id
    WHERE m.reference_type = %(type)s AND m.reference_id = ANY(%(line_ids)s) AND m.kind = 'sale'
    GROUP BY m.reference_id, m.stock_unit_id ORDER BY m.stock_unit_id"""


async def take_back(action: Action, store_id: int, parts: Sequence[Row], goods: Sequence[Goods], day: dt.date) -> None:
    """Post the moves of what came back. Lines that moved no stock (services, lenses made to order) move none here."""
    moves: list[Move] = []
    taken: set[int] = set()
    customer = await location(action, "customer")
    places = {
        kind: await location(action, kind, store_id)
        for kind in sorted({"store" if part["condition"] == "good" else "quarantine" for part in parts})
    }
    out: dict[int, list[Row]] = {}
    for row in await action.rows(SOLD, type=LINE, line_ids=[part["sales_order_line_id"] for part in parts]):
        out.setdefault(row["reference_id"], []).append(row)
    for number, (part, each) in enumerate(zip(parts, goods, strict=True)):
        sold = out.get(part["sales_order_line_id"])
        if sold is None:
            continue
        place = places["store" if part["condition"] == "good" else "quarantine"]
        units: Sequence[int | None] = [None]
        if sold[0]["stock_unit_id"] is not None:
            at_customer = [row["stock_unit_id"] for row in sold if not row["is_inside"]]
            units = _units(part, [unit for unit in at_customer if unit not in taken], each, number)
            taken.update(units)
        moves += [
            Move(
                part["product_id"], part["quantity"] if unit is None else 1, customer, place, "return",
                lens_cell_id=part["lens_cell_id"], stock_unit_id=unit, unit_cost=part["cost_at_sale"],
                reference_type=RETURN_LINE, reference_id=part["sales_return_line_id"],
            )
            for unit in units
        ]  # fmt: skip
    await post_moves(action, moves, day)


def _units(part: Row, out: Sequence[int], goods: Goods, number: int) -> Sequence[int]:
    """Which units come back: those named, or all that are still out when all of them come."""
    named = part["stock_unit_ids"] or (out if len(out) == part["quantity"] else [])
    if len(set(named)) != part["quantity"]:
        rule = f"must name which units of {goods.sku} come back, one for each"
        raise Invalid("units-not-named", f"Line {number} {rule}.", Fault(f"lines.{number}.stock_unit_ids", rule))
    if not set(named) <= set(out):
        rule = "names a unit that this line did not sell, or that is back already"
        raise Conflict("unit-not-sold", f"Line {number} {rule}.", Fault(f"lines.{number}.stock_unit_ids", rule))
    return list(named)
