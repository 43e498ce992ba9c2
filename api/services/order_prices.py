"""What a store sells a product for on a day, with which tax: looked up for all lines of an order at once.

A lens's price band goes before the store's own price, that before the chain's, that before the catalogue's.
The tax is the dated rate of the product's class, else of its category's; a product without a class keeps its own rate.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from api.refusals import Conflict, Fault
from api.services.action import Action
from api.services.order_amounts import price_without_tax

# goods that nobody keeps on a shelf
NOT_STOCKED = frozenset({"service", "eye_test"})

# arrays by SELECT: a plan made for the few lines of one order looks cheaper than one that serves all, and would be made
# anew for each, which takes four times as long as the look-up itself
LOOK_UP = """
    SELECT p.product_id, p.sku, p.is_active, p.is_serialised, p.discount_class, c.kind AS category_kind, c.is_enabled,
        coalesce(band.unit_price, dated.unit_price, p.unit_price) AS unit_price,
        coalesce(band.mrp, dated.mrp, p.mrp) AS mrp,
        coalesce(tax.rate, p.tax_rate) AS tax_rate,
        coalesce(cost.unit_cost, p.unit_cost) AS unit_cost
    FROM unnest((SELECT %(product_ids)s::bigint[]), (SELECT %(cells)s::bigint[]))
        WITH ORDINALITY AS l (product_id, lens_cell_id, n)
    JOIN products AS p ON p.product_id = l.product_id
    JOIN categories AS c ON c.code = p.category
    LEFT JOIN LATERAL (
        SELECT b.unit_price, b.mrp FROM lens_cells AS x JOIN lens_lines AS y ON y.product_id = x.product_id
        JOIN lens_line_prices AS b USING (lens_line_id)
        WHERE x.lens_cell_id = l.lens_cell_id AND abs(x.sph) + abs(x.cyl) BETWEEN b.power_from AND b.power_to
          AND %(day)s BETWEEN b.valid_from_on AND coalesce(b.valid_to_on, 'infinity')) AS band ON true
    LEFT JOIN LATERAL (
        SELECT h.unit_price, h.mrp FROM price_history AS h
        WHERE h.product_id = p.product_id AND (h.store_id = %(store_id)s OR h.store_id IS NULL)
          AND %(day)s BETWEEN h.valid_from_on AND coalesce(h.valid_to_on, 'infinity')
        ORDER BY h.store_id NULLS LAST LIMIT 1) AS dated ON true
    LEFT JOIN LATERAL (
        SELECT t.rate FROM tax_rates AS t
        WHERE t.tax_class_id = coalesce(p.tax_class_id, c.tax_class_id)
          AND %(day)s BETWEEN t.valid_from_on AND coalesce(t.valid_to_on, 'infinity')) AS tax ON true
    LEFT JOIN LATERAL (
        SELECT h.unit_cost FROM cost_history AS h
        WHERE h.product_id = p.product_id AND (h.store_id = %(store_id)s OR h.store_id IS NULL)
          AND %(day)s BETWEEN h.valid_from_on AND coalesce(h.valid_to_on, 'infinity')
        ORDER BY h.store_id NULLS LAST LIMIT 1) AS cost ON true
    ORDER BY l.n"""


GOODS = """
    SELECT p.product_id, p.sku, c.kind AS category_kind, p.is_serialised,
        coalesce(cost.unit_cost, p.unit_cost) AS unit_cost
    FROM unnest(%(product_ids)s::bigint[]) WITH ORDINALITY AS l (product_id, n)
    JOIN products AS p ON p.product_id = l.product_id
    JOIN categories AS c ON c.code = p.category
    LEFT JOIN LATERAL (
        SELECT h.unit_cost FROM cost_history AS h
        WHERE h.product_id = p.product_id AND (h.store_id = %(store_id)s OR h.store_id IS NULL)
          AND %(day)s BETWEEN h.valid_from_on AND coalesce(h.valid_to_on, 'infinity')
        ORDER BY h.store_id NULLS LAST LIMIT 1) AS cost ON true
    ORDER BY l.n"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """A product as it lies in a store on a day; `unit_cost` is per unit."""

    product_id: int
    sku: str
    category_kind: str
    is_serialised: bool
    unit_cost: Decimal | None

    @property
    def is_stocked(self) -> bool:
        """Whether it is a thing that lies on shelves; a lens that has no power cell is made to order besides."""
        return self.category_kind not in NOT_STOCKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Goods):
    """A product as a store sells it on a day; `unit_price` is without tax and per unit."""

    discount_class: str
    unit_price: Decimal
    mrp: Decimal | None
    tax_rate: Decimal


async def goods_of(action: Action, store_id: int, day: dt.date, product_ids: Sequence[int]) -> list[Goods]:
    """The products of lines, in their order, whether or not they are still sold."""
    rows = await action.rows(GOODS, product_ids=list(product_ids), store_id=store_id, day=day)
    return [Goods(**row) for row in rows]


async def offers_of(
    action: Action, store_id: int, day: dt.date, items: Sequence[tuple[int, int | None]]
) -> list[Offer]:
    """The offer of each (product, lens cell), in their order.

    Raises Conflict `unknown-product`, `product-not-sold`, `no-tax-rate` or `no-price`, naming the line.
    """
    rows = await action.rows(
        LOOK_UP,
        product_ids=[product_id for product_id, _ in items],
        cells=[cell for _, cell in items],
        store_id=store_id,
        day=day,
    )
    found = {row["product_id"] for row in rows}
    for number, (product_id, _) in enumerate(items):
        if product_id not in found:
            raise _refuse("unknown-product", f"There is no product {product_id}.", number)
    offers = []
    for number, row in enumerate(rows):
        if not row["is_active"] or not row["is_enabled"]:
            raise _refuse("product-not-sold", f"{row['sku']} is not sold any more.", number)
        if row["tax_rate"] is None:
            raise _refuse("no-tax-rate", f"{row['sku']} has no tax rate on {day}; give its tax class one.", number)
        price = price_without_tax(row["unit_price"], row["mrp"], row["tax_rate"])
        if price is None:
            raise _refuse("no-price", f"{row['sku']} has no price on {day}; set one.", number)
        offers.append(
            Offer(
                product_id=row["product_id"],
                sku=row["sku"],
                category_kind=row["category_kind"],
                is_serialised=row["is_serialised"],
                unit_cost=row["unit_cost"],
                discount_class=row["discount_class"],
                unit_price=price,
                mrp=row["mrp"],
                tax_rate=row["tax_rate"],
            )
        )
    return offers


def _refuse(code: str, said: str, number: int) -> Conflict:
    return Conflict(code, said, Fault(f"lines.{number}.product_id", said))
