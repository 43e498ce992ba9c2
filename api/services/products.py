"""Products: a list, a search, one with its price and stock, new ones, changes. Costs leave by their members' names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from api.identity.principal import reach_of
from api.refusals import Conflict, Fault, Invalid, NotFound
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.order_amounts import price_without_tax
from api.services.order_prices import LOOK_UP
from api.services.paging import Page, Paging

COLUMNS = (
    "product_id, sku, name, category, subcategory, brand, barcode, hsn_code, tax_class_id, unit_price, mrp, unit_cost,"
    " discount_class, lifecycle, style_code, model, colour_code, colour_name, size_label, gender, launched_on,"
    " discontinued_on, is_active, is_serialised, is_batch_tracked, is_transfer_excluded, is_never_reordered, updated_at"
)
LOCK = "SELECT 1 FROM products WHERE product_id = %(key)s FOR NO KEY UPDATE"
CREATED = (
    "sku", "name", "category", "subcategory", "brand", "barcode", "hsn_code", "tax_class_id", "unit_price", "mrp",
    "discount_class", "lifecycle", "style_code", "model", "colour_code", "colour_name", "size_label", "gender",
    "launched_on", "is_serialised", "is_batch_tracked", "is_transfer_excluded", "is_never_reordered",
)  # fmt: skip
FOUND = 200
STOCK = """
    SELECT s.store_id, s.store_code, sum(b.on_hand)::integer AS on_hand,
        sum(greatest(b.on_hand - b.reserved, 0))::integer AS available
    FROM stock_balances AS b JOIN stock_locations AS l USING (location_id) JOIN stores AS s USING (store_id)
    WHERE b.product_id = %(product_id)s AND l.kind = 'store'
      AND (%(stores)s::bigint[] IS NULL OR s.store_id = ANY(%(stores)s))
    GROUP BY s.store_id ORDER BY s.store_code"""
CARRIED = """
    EXISTS (SELECT FROM assortment AS a CROSS JOIN (
        SELECT (now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date AS today) AS t
        WHERE a.product_id = p.product_id AND a.store_id = %(store_id)s
        AND t.today BETWEEN coalesce(a.from_on, '-infinity') AND coalesce(a.to_on, 'infinity'))"""


async def list_products(
    action: Action,
    paging: Paging,
    *,
    q: str | None = None,
    category: str | None = None,
    brand: str | None = None,
    is_active: bool | None = None,
    store_id: int | None = None,
) -> Page:
    """Products by id, the newest first; with words to search for, the best matches first, as one page."""
    wanted = {"category": category, "brand": brand, "is_active": is_active, "store_id": store_id}
    conditions = [f"p.{name} = %({name})s" for name in ("category", "brand", "is_active") if wanted[name] is not None]
    if store_id is not None:
        conditions.append(CARRIED)
    if q is not None:
        where = "".join(f" AND {each}" for each in conditions)
        rows = await action.rows(
            f"SELECT {COLUMNS} FROM ims_find_products(%(q)s, %(found)s) AS f JOIN products AS p USING (product_id)"
            f" WHERE true{where} ORDER BY f.score DESC, p.product_id DESC LIMIT %(limit)s",
            q=q,
            found=FOUND,
            limit=paging.limit,
            **wanted,
        )
        return Page(rows)
    where = " AND ".join(["p.product_id < %(after)s", *conditions])
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM products AS p WHERE {where} ORDER BY p.product_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("product_id",))


async def show_product(
    action: Action, product_id: int, store_id: int | None = None, with_stock: bool = False, on: dt.date | None = None
) -> Row:
    """One product, with the price and tax of a day (today), a store's own where one is named, and the stock in reach.

    `price` is what a unit sells for without tax, never more than the mrp allows. Raises NotFound.
    """
    row = await action.row(f"SELECT {COLUMNS} FROM products WHERE product_id = %(id)s", id=product_id)
    if row is None:
        raise NotFound("unknown-product", f"There is no product {product_id}.")
    day = on or await business_day(action)
    offer = await action.one(LOOK_UP, product_ids=[product_id], cells=[None], store_id=store_id, day=day)
    rate = offer["tax_rate"]
    price = offer["unit_price"] if rate is None else price_without_tax(offer["unit_price"], offer["mrp"], rate)
    row |= {"price": price, "price_mrp": offer["mrp"], "tax_rate": rate, "priced_on": day}
    if with_stock:
        reach = reach_of(action.user, "stock:read")
        stores = frozenset[int]() if reach is None else reach.store_ids
        row["stock"] = await action.rows(
            STOCK, product_id=product_id, stores=None if stores is None else sorted(stores)
        )
    return row


async def read_product(action: Action, product_id: int) -> Row:
    """One product as it is kept: what a change is compared with. Raises NotFound."""
    row = await action.row(f"SELECT {COLUMNS} FROM products WHERE product_id = %(id)s", id=product_id)
    if row is None:
        raise NotFound("unknown-product", f"There is no product {product_id}.")
    return row


async def create_product(action: Action, values: Mapping[str, Any]) -> Row:
    """A new product, whose sku is the chain's for good. Raises Conflict `sku-taken`, Invalid `unknown-category`."""
    await _check(action, values)
    names = ", ".join(CREATED)
    places = ", ".join(f"%({name})s" for name in CREATED)
    row = await action.row(
        f"INSERT INTO products ({names}) VALUES ({places}) ON CONFLICT (sku) DO NOTHING RETURNING {COLUMNS}",
        **{name: values[name] for name in CREATED},
    )
    if row is None:
        raise Conflict("sku-taken", f"There is a product {values['sku']} already.", Fault("sku", "is taken"))
    action.note("product.created", "product", row["product_id"], after={name: row[name] for name in CREATED})
    return row


async def change_product(action: Action, product_id: int, changes: Mapping[str, Any]) -> Row:
    """Change what a product is; its prices and costs change elsewhere. Raises NotFound, Invalid."""
    before = await read_product(action, product_id)
    if not changes:
        return before
    await _check(action, changes)
    await action.update("products", "product_id", product_id, changes)
    after = await read_product(action, product_id)
    is_ended = after["lifecycle"] == "DISCONTINUED" and before["lifecycle"] != "DISCONTINUED"
    action.note(
        "product.discontinued" if is_ended else "product.changed",
        "product",
        product_id,
        before={name: before[name] for name in changes},
        after={name: after[name] for name in changes},
    )
    return after


async def change_terms(action: Action, product_id: int, changes: Mapping[str, Any]) -> Row:
    """Change what a unit costs from today on, and whether the product is reordered. Raises NotFound."""
    await action.row(LOCK, key=product_id)
    before = await read_product(action, product_id)
    if not changes:
        return before
    await action.update("products", "product_id", product_id, changes)
    if changes.get("unit_cost") is not None and changes["unit_cost"] != before["unit_cost"]:
        await _date_cost(action, product_id, changes["unit_cost"])
    after = await read_product(action, product_id)
    action.note(
        "price.changed",
        "product",
        product_id,
        before={name: before[name] for name in changes},
        after={name: after[name] for name in changes},
    )
    return after


async def _date_cost(action: Action, product_id: int, unit_cost: Any) -> None:
    """The chain's cost of the product from today on; the former one ends yesterday."""
    day = await business_day(action)
    values = {"id": product_id, "day": day, "cost": unit_cost, "user": action.user.user_id}
    same_day = await action.execute(
        "UPDATE cost_history SET unit_cost = %(cost)s WHERE product_id = %(id)s AND store_id IS NULL"
        " AND valid_from_on = %(day)s",
        **values,
    )
    if same_day:
        return
    await action.execute(
        "UPDATE cost_history SET valid_to_on = %(day)s::date - 1 WHERE product_id = %(id)s AND store_id IS NULL"
        " AND valid_from_on < %(day)s AND coalesce(valid_to_on, 'infinity') >= %(day)s",
        **values,
    )
    await action.execute(
        "INSERT INTO cost_history (product_id, unit_cost, valid_from_on, valid_to_on, created_by)"
        " SELECT %(id)s, %(cost)s, %(day)s, (SELECT min(valid_from_on) - 1 FROM cost_history WHERE product_id = %(id)s"
        " AND store_id IS NULL AND valid_from_on > %(day)s), %(user)s",
        **values,
    )


async def _check(action: Action, values: Mapping[str, Any]) -> None:
    category = values.get("category")
    if category is not None and not await action.value("SELECT 1 FROM categories WHERE code = %(code)s", code=category):
        rule = "is no category of the chain"
        raise Invalid("unknown-category", f"{category!r} {rule}.", Fault("category", rule))
    tax_class = values.get("tax_class_id")
    if tax_class is not None and not await action.value(
        "SELECT 1 FROM tax_classes WHERE tax_class_id = %(id)s", id=tax_class
    ):
        raise Invalid("unknown-tax-class", "There is no such tax class.", Fault("tax_class_id", "names no tax class"))
