"""The powers of a stock lens: its grid with what lies in each cell, and cells that are new.

A cell is made once somebody needs it: a lens line may come in thousands of powers, of which a shop keeps hundreds.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from api.refusals import Fault, Invalid, NotFound
from api.services.action import Action, Row

LINE = """
    SELECT p.product_id, p.sku, p.name, y.lens_line_id, y.refractive_index, y.material, y.kind, y.sph_from, y.sph_to,
        y.cyl_from, y.cyl_to, y.add_from, y.add_to, y.step
    FROM products AS p JOIN lens_lines AS y USING (product_id) WHERE p.product_id = %(product_id)s"""
# one row per cell of the lens; zero where nothing of it was ever kept
GRID = """
    SELECT c.lens_cell_id, c.sph, c.cyl, c.add, coalesce(sum(k.on_hand), 0)::bigint AS on_hand,
        coalesce(sum(k.reserved), 0)::bigint AS reserved, coalesce(sum(k.available), 0)::bigint AS available,
        coalesce(sum(k.in_transit), 0)::bigint AS in_transit
    FROM lens_cells AS c LEFT JOIN (
        SELECT b.lens_cell_id, CASE l.kind WHEN 'store' THEN b.on_hand ELSE 0 END AS on_hand,
            CASE l.kind WHEN 'store' THEN b.reserved ELSE 0 END AS reserved,
            CASE l.kind WHEN 'store' THEN greatest(b.on_hand - b.reserved, 0) ELSE 0 END AS available,
            CASE l.kind WHEN 'transit' THEN b.on_hand ELSE 0 END AS in_transit
        FROM stock_balances AS b JOIN stock_locations AS l USING (location_id)
        WHERE b.product_id = %(product_id)s AND l.kind IN ('store', 'transit')
          AND (%(stores)s::bigint[] IS NULL OR l.store_id = ANY(%(stores)s))) AS k USING (lens_cell_id)
    WHERE c.product_id = %(product_id)s
    GROUP BY c.lens_cell_id ORDER BY c.add NULLS FIRST, c.sph DESC, c.cyl DESC"""
POWERS = ("sph", "cyl", "add")


async def show_grid(action: Action, product_id: int, store_id: int | None = None) -> Row:
    """A lens with every cell it has, over the stores in reach or in one. Raises NotFound `unknown-lens`, OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    stores = action.reach.store_ids if store_id is None else [store_id]
    line = await _line(action, product_id)
    cells = await action.rows(GRID, product_id=product_id, stores=None if stores is None else sorted(stores))
    return {**line, "cells": cells}


async def open_cell(action: Action, values: Mapping[str, Any]) -> Row:
    """The cell of a power, made where it is new. Raises NotFound, Invalid `power-not-made` outside the lens's range."""
    line = await _line(action, values["product_id"])
    for name in POWERS:
        _check(line, name, values[name])
    power = {name: values[name] for name in POWERS}
    where = "product_id = %(product_id)s AND sph = %(sph)s AND cyl = %(cyl)s AND add IS NOT DISTINCT FROM %(add)s"
    cell = await action.row(
        "INSERT INTO lens_cells (product_id, sph, cyl, add) VALUES (%(product_id)s, %(sph)s, %(cyl)s, %(add)s)"
        " ON CONFLICT DO NOTHING RETURNING lens_cell_id, product_id, sph, cyl, add",
        product_id=values["product_id"],
        **power,
    )
    if cell is not None:
        action.note("stock.cell_opened", "lens_cell", cell["lens_cell_id"], after=cell)
        return cell
    return await action.one(
        f"SELECT lens_cell_id, product_id, sph, cyl, add FROM lens_cells WHERE {where}",
        product_id=values["product_id"],
        **power,
    )


async def _line(action: Action, product_id: int) -> Row:
    line = await action.row(LINE, product_id=product_id)
    if line is None:
        raise NotFound("unknown-lens", f"Product {product_id} is no lens that is kept by power.")
    return line


def _check(line: Row, name: str, power: Decimal | None) -> None:
    lowest, highest = line[f"{name}_from"], line[f"{name}_to"]
    if power is None and lowest is None:
        return
    if power is None or lowest is None or not lowest <= power <= highest or (power - lowest) % line["step"]:
        made = "has none" if lowest is None else f"is made from {lowest} to {highest} in steps of {line['step']}"
        raise Invalid("power-not-made", f"The {name} of {line['sku']} {made}.", Fault(name, made))
