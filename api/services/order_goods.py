"""The goods of an order's lines: which are kept on the shelves from confirmation on, and which leave on delivery.

Services are nothing to keep, and a lens without a power cell is made to order: neither moves stock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from api.refusals import Conflict, Fault
from api.services.action import Action, Row
from api.services.ledger import Move, Reservation, location, post_moves, release, reservations_of, reserve
from api.services.order_prices import Goods

LINE = "sales_order_line"
TRIES = 3
# the units free on a shelf: what expires first leaves first, and nothing that has expired
FREE_UNITS = """
    SELECT b.product_id, b.stock_unit_id FROM stock_balances AS b JOIN stock_units AS u USING (stock_unit_id)
    WHERE b.location_id = %(shelf)s AND b.product_id = ANY(%(products)s) AND b.on_hand - b.reserved > 0
      AND u.status = 'good' AND (u.expires_on IS NULL OR u.expires_on > %(day)s)
    ORDER BY b.product_id, u.expires_on NULLS LAST, b.stock_unit_id"""


def is_kept(line: Row, offer: Goods) -> bool:
    """Whether a line is of goods that lie on a shelf."""
    return offer.is_stocked and (offer.category_kind != "lens" or line["lens_cell_id"] is not None)


async def reserve_lines(action: Action, store_id: int, lines: Sequence[Row], offers: Sequence[Goods]) -> None:
    """Keep what the lines need on the store's shelves. Raises Conflict `stock-not-available`, naming the line."""
    kept = [(n, x, offer) for n, (x, offer) in enumerate(zip(lines, offers, strict=True)) if is_kept(x, offer)]
    if not kept:
        return
    shelf = await location(action, "store", store_id)
    for attempt in range(1, TRIES + 1):
        try:
            await reserve(action, await _wanted(action, shelf, kept))
            return
        except Conflict as refusal:
            # somebody took the unit that was chosen: there may be another of the same product
            is_unit = any(offer.is_serialised for _, _, offer in kept)
            if refusal.code == "stock-not-available" and is_unit and attempt < TRIES:
                continue
            sku = refusal.members.get("sku")
            place = next((f"lines.{n}.product_id" for n, _, offer in kept if offer.sku == sku), "lines")
            raise Conflict(refusal.code, refusal.detail, Fault(place, refusal.detail), **refusal.members) from refusal


async def _wanted(action: Action, shelf: int, kept: Sequence[tuple[int, Row, Goods]]) -> list[Reservation]:
    free: dict[int, list[int]] = {}
    serialised = [offer.product_id for _, _, offer in kept if offer.is_serialised]
    if serialised:
        day = await action.value("SELECT (now() AT TIME ZONE timezone)::date FROM chain")
        for row in await action.rows(FREE_UNITS, shelf=shelf, products=serialised, day=day):
            free.setdefault(row["product_id"], []).append(row["stock_unit_id"])
    wanted: list[Reservation] = []
    for _, line, offer in kept:
        key = line["sales_order_line_id"]
        if not offer.is_serialised:
            cell = line["lens_cell_id"]
            wanted.append(Reservation(shelf, offer.product_id, line["quantity"], LINE, key, lens_cell_id=cell))
            continue
        units = free.get(offer.product_id, [])
        if len(units) < line["quantity"]:
            said = f"{len(units)} units of {offer.sku} are free, not {line['quantity']}"
            raise Conflict("stock-not-available", f"{said}.", sku=offer.sku, asked=line["quantity"])
        wanted += [
            Reservation(shelf, offer.product_id, 1, LINE, key, stock_unit_id=units.pop(0))
            for _ in range(line["quantity"])
        ]
    return wanted


async def release_lines(action: Action, lines: Sequence[Row]) -> None:
    """Give back what was kept for the lines."""
    held = await reservations_of(action, LINE, [line["sales_order_line_id"] for line in lines])
    await release(action, [row["stock_reservation_id"] for row in held])


async def deliver_lines(action: Action, lines: Sequence[Row], offers: Sequence[Goods], day: dt.date) -> list[int]:
    """Move what was kept to the customer. Raises Conflict `reservation-incomplete`, and what the ledger raises."""
    held = await reservations_of(action, LINE, [line["sales_order_line_id"] for line in lines])
    by_line = {line["sales_order_line_id"]: (line, offer) for line, offer in zip(lines, offers, strict=True)}
    for number, (line, offer) in enumerate(by_line.values()):
        key = line["sales_order_line_id"]
        reserved = sum(row["quantity"] for row in held if row["reference_id"] == key)
        if is_kept(line, offer) and reserved != line["quantity"]:
            said = (
                f"{reserved} of {line['quantity']} {offer.sku} are kept for this line; cancel the order and sell anew"
            )
            raise Conflict("reservation-incomplete", f"{said}.", Fault(f"lines.{number}.quantity", said))
    if not held:
        return []
    customer = await location(action, "customer")
    moves = [
        Move(
            row["product_id"], row["quantity"], row["location_id"], customer, "sale",
            lens_cell_id=row["lens_cell_id"], stock_unit_id=row["stock_unit_id"],
            unit_cost=by_line[row["reference_id"]][1].unit_cost, reference_type=LINE, reference_id=row["reference_id"],
        )
        for row in held
    ]  # fmt: skip
    return await post_moves(action, moves, day, using=[row["stock_reservation_id"] for row in held])
