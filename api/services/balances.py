"""The balances that the ledger's triggers keep: locking those a transaction is about to change, and why it may not.

Reads and locks stock_balances; nothing writes them but posting moves and reservations (`ledger.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import psycopg

from api.refusals import Conflict
from api.services.action import Action, Row

# names are joined loosely: a store out of the user's sight still has its balance locked and checked
LOCK = """
    SELECT b.location_id, b.product_id, b.lens_cell_id, b.stock_unit_id, b.on_hand, b.reserved,
           l.kind AS place, s.store_code, p.sku
    FROM ims_lock_balances(%(locations)s::bigint[], %(products)s::bigint[], %(cells)s::bigint[], %(units)s::bigint[])
         AS b
    LEFT JOIN stock_locations AS l USING (location_id)
    LEFT JOIN stores AS s USING (store_id)
    LEFT JOIN products AS p USING (product_id)"""
PLACES = {
    "store": "on the shelves of",
    "transit": "on the way to",
    "lab": "in the lab of",
    "quarantine": "quarantined in",
}
SAID = {
    "stock-below-zero": "there are {on_hand} of {sku} {place} {store}, not {asked}",
    "stock-reserved": "of {on_hand} {sku} {place} {store} {reserved} are reserved for others; {asked} are not free",
    "stock-not-available": "{available} of {sku} are free {place} {store}, not {asked}",
}


class Key(NamedTuple):
    """What one balance is of."""

    location_id: int
    product_id: int
    lens_cell_id: int | None = None
    stock_unit_id: int | None = None

    @classmethod
    def of(cls, row: Row) -> Key:
        """The key of a row that has these four columns."""
        return cls(row["location_id"], row["product_id"], row["lens_cell_id"], row["stock_unit_id"])


async def lock_balances(action: Action, keys: Iterable[Key]) -> list[Row]:
    """Lock the balances of these keys in their one order until the transaction ends, and read them as they then are.

    A missing one is made, with nothing in it; ends outside the chain have none and are left out.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return []
    locations, products, cells, units = (list(column) for column in zip(*wanted, strict=True))
    try:
        return await action.rows(LOCK, locations=locations, products=products, cells=cells, units=units)
    except psycopg.errors.ForeignKeyViolation as error:
        raise refuse(error) from error


def not_available(code: str, balance: Row, asked: int) -> Conflict:
    """The refusal that names the store and the sku."""
    said = SAID[code].format(
        on_hand=balance["on_hand"],
        reserved=balance["reserved"],
        available=max(0, balance["on_hand"] - balance["reserved"]),
        sku=balance["sku"],
        place=PLACES.get(balance["place"], "in"),
        store=balance["store_code"] or "another store",
        asked=asked,
    )
    if balance["stock_unit_id"] is not None and code == "stock-below-zero":
        code, said = "unit-elsewhere", f"unit {balance['stock_unit_id']} of {balance['sku']} is not there to be taken"
    return Conflict(
        code,
        said[0].upper() + said[1:] + ".",
        store_code=balance["store_code"],
        sku=balance["sku"],
        on_hand=balance["on_hand"],
        reserved=balance["reserved"],
        asked=asked,
    )


def refuse(error: psycopg.errors.IntegrityError) -> Conflict | psycopg.errors.IntegrityError:
    """What a rule of the ledger's tables says, as a refusal; any other error as it is."""
    name = error.diag.constraint_name or ""
    if name == "ck_stock_balances_on_hand":
        return Conflict("stock-below-zero", "There is not that much stock where it would leave from.")
    if name == "ck_stock_balances_available":
        return Conflict("stock-reserved", "What is there is reserved for others.")
    if name in ("uq_stock_balances_held_unit_id", "ck_stock_balances_a_unit_is_one"):
        return Conflict("unit-elsewhere", "A unit is in one place: it must leave the one where it is first.")
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        return Conflict("not-of-this-product", "A move names a product, location, lens cell or unit that does not fit.")
    return error
