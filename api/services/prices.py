"""What products sell for over time: one price per product, and per store that has its own, at any moment.

A new price ends the former one the day before it begins. Prices of the past stay as they were.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from api.refusals import Fault, Invalid, NotFound
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.paging import Page, Paging

COLUMNS = "price_history_id, product_id, store_id, unit_price, mrp, valid_from_on, valid_to_on, created_by"
NOTED = ("unit_price", "mrp", "valid_from_on", "valid_to_on", "store_id")
# the row of the product keeps two new prices of it apart
LOCK = "SELECT sku FROM products WHERE product_id = %(product_id)s FOR NO KEY UPDATE"
OVERLAPPING = f"""
    SELECT {COLUMNS} FROM price_history WHERE product_id = %(product_id)s AND store_id IS NOT DISTINCT FROM %(store_id)s
      AND coalesce(valid_to_on, 'infinity') >= %(from_on)s ORDER BY valid_from_on"""


async def list_prices(action: Action, paging: Paging, product_id: int, store_id: int | None = None) -> Page:
    """The prices of a product by id, the newest first; with a store, its own and the chain's."""
    if not await action.value("SELECT 1 FROM products WHERE product_id = %(id)s", id=product_id):
        raise NotFound("unknown-product", f"There is no product {product_id}.")
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM price_history WHERE product_id = %(product_id)s AND price_history_id < %(after)s"
        " AND (%(store_id)s::bigint IS NULL OR store_id IS NULL OR store_id = %(store_id)s)"
        " ORDER BY price_history_id DESC LIMIT %(limit)s",
        product_id=product_id,
        store_id=store_id,
        after=paging.after_id(),
        limit=paging.fetch,
    )
    return paging.page(rows, ("price_history_id",))


async def set_price(action: Action, product_id: int, values: Mapping[str, Any]) -> Row:
    """A price from a day on, today's where none is given. One that begins on the same day as another replaces it.

    It holds until the next price that is set already begins. Raises NotFound, Invalid `past-day`.
    """
    if await action.row(LOCK, product_id=product_id) is None:
        raise NotFound("unknown-product", f"There is no product {product_id}.")
    today = await business_day(action)
    from_on = values["valid_from_on"] or today
    if from_on < today:
        rule = f"may not lie before today, {today}: what was sold keeps its price"
        raise Invalid("past-day", f"A price {rule}.", Fault("valid_from_on", rule))
    if values["mrp"] is not None and values["mrp"] < values["unit_price"]:
        rule = "is with tax, and may not be below the price without it"
        raise Invalid("mrp-below-price", f"The mrp {rule}.", Fault("mrp", rule))
    store_id = values["store_id"]
    action.check_store(store_id)
    others = await action.rows(OVERLAPPING, product_id=product_id, store_id=store_id, from_on=from_on)
    before = next((row for row in others if row["valid_from_on"] <= from_on), None)
    later = next((row for row in others if row["valid_from_on"] > from_on), None)
    terms = {
        "unit_price": values["unit_price"],
        "mrp": values["mrp"],
        "valid_to_on": later["valid_from_on"] - dt.timedelta(days=1) if later else None,
    }
    if before is not None and before["valid_from_on"] == from_on:
        await action.update("price_history", "price_history_id", before["price_history_id"], terms)
        price_id = before["price_history_id"]
    else:
        if before is not None:
            ends = {"valid_to_on": from_on - dt.timedelta(days=1)}
            await action.update("price_history", "price_history_id", before["price_history_id"], ends)
        price_id = await action.value(
            "INSERT INTO price_history (product_id, store_id, unit_price, mrp, valid_from_on, valid_to_on, created_by)"
            " VALUES (%(product_id)s, %(store_id)s, %(unit_price)s, %(mrp)s, %(from_on)s, %(valid_to_on)s, %(user)s)"
            " RETURNING price_history_id",
            product_id=product_id,
            store_id=store_id,
            from_on=from_on,
            user=action.user.user_id,
            **terms,
        )
    row = await action.one(f"SELECT {COLUMNS} FROM price_history WHERE price_history_id = %(id)s", id=price_id)
    action.note("price.changed", "product", product_id, store_id=store_id, before=_said(before), after=_said(row))
    return row


def _said(row: Row | None) -> Row | None:
    return None if row is None else {name: row[name] for name in NOTED}
