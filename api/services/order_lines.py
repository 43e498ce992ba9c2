"""The lines of a sales order: written as a whole while it is a draft, priced anew when it is confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from api.refusals import Fault, Invalid
from api.services.action import Action, Row
from api.services.order_amounts import Amounts, amounts_of_line, sum_amounts
from api.services.order_prices import Offer, offers_of

# clock_timestamp(): an approval of a discount counts for lines made before it was asked for, and for no others
INSERT = """
    INSERT INTO sales_order_lines (sales_order_id, ordered_on, line_ref, product_id, sold_on, quantity, discount_share,
        lens_cell_id, prescription_id, pair_group, eye, created_at)
    SELECT %(order_id)s, %(day)s, l.n::text, l.product, %(day)s, l.quantity, l.share, l.cell, l.prescription, l.pair,
        l.eye, clock_timestamp()
    FROM unnest(%(product_id)s::bigint[], %(quantity)s::integer[], %(discount_share)s::numeric[],
        %(lens_cell_id)s::bigint[], %(prescription_id)s::bigint[], %(pair_group)s::integer[], %(eye)s::text[])
        WITH ORDINALITY AS l (product, quantity, share, cell, prescription, pair, eye, n) ORDER BY l.n"""
PRICE = """
    UPDATE sales_order_lines AS t SET mrp = l.mrp, unit_price = l.price, discount_amount = l.discount,
        tax_rate = l.rate, net_amount = l.net, tax_amount = l.tax, line_total = l.total, cost_at_sale = l.cost,
        sold_on = %(day)s, sold_at = %(moment)s
    FROM unnest(%(ids)s::bigint[], %(mrp)s::numeric[], %(price)s::numeric[], %(discount)s::numeric[],
        %(rate)s::numeric[], %(net)s::numeric[], %(tax)s::numeric[], %(total)s::numeric[], %(cost)s::numeric[])
        AS l (id, mrp, price, discount, rate, net, tax, total, cost)
    WHERE t.sales_order_line_id = l.id AND t.ordered_on = %(ordered_on)s"""
SET_AMOUNTS = """
    UPDATE sales_orders SET subtotal_amount = %(subtotal)s, discount_amount = %(discount)s,
        taxable_amount = %(taxable)s, tax_amount = %(tax)s, total_amount = %(total)s
    WHERE sales_order_id = %(order_id)s"""
OF_ORDER = """
    SELECT sales_order_line_id, ordered_on, line_ref, product_id, quantity, discount_share, lens_cell_id,
        prescription_id, pair_group, eye, net_amount, tax_amount, line_total, cost_at_sale, created_at
    FROM sales_order_lines WHERE sales_order_id = %(order_id)s AND ordered_on = %(ordered_on)s
    ORDER BY sales_order_line_id"""
FIELDS = ("product_id", "quantity", "discount_share", "lens_cell_id", "prescription_id", "pair_group", "eye")
FIND_CELLS = """
    SELECT w.n, c.lens_cell_id
    FROM unnest(%(products)s::bigint[], %(sph)s::numeric[], %(cyl)s::numeric[], %(add)s::numeric[]) WITH ORDINALITY
        AS w (product_id, sph, cyl, add, n)
    LEFT JOIN lens_cells AS c ON c.product_id = w.product_id AND c.sph = w.sph AND c.cyl = w.cyl
        AND c.add IS NOT DISTINCT FROM w.add
    ORDER BY w.n"""


async def lines_of(action: Action, order: Row) -> list[Row]:
    """The lines of an order, the first first."""
    return await action.rows(OF_ORDER, order_id=order["sales_order_id"], ordered_on=order["ordered_on"])


async def replace_lines(action: Action, order: Row, lines: Sequence[Mapping[str, Any]], day: dt.date) -> None:
    """Give a draft these lines and no others, at today's prices. Raises what `offers_of` raises, and Invalid."""
    wanted = await _with_cells(action, lines)
    await action.execute(
        "DELETE FROM sales_order_lines WHERE sales_order_id = %(order_id)s AND ordered_on = %(ordered_on)s",
        order_id=order["sales_order_id"],
        ordered_on=order["ordered_on"],
    )
    await action.execute(
        INSERT,
        order_id=order["sales_order_id"],
        day=order["ordered_on"],
        **{name: [line.get(name) for line in wanted] for name in FIELDS},
    )
    written = await lines_of(action, order)
    await price_lines(action, order, written, day)


async def price_lines(
    action: Action, order: Row, lines: Sequence[Row], day: dt.date, moment: dt.datetime | None = None
) -> tuple[list[Offer], Amounts]:
    """Price the lines as the store sells on that day, and write what they and the order come to.

    With a moment, the lines count as sold on that day and at that moment.
    """
    offers = await offers_of(action, order["store_id"], day, [(x["product_id"], x["lens_cell_id"]) for x in lines])
    amounts = []
    for number, (line, offer) in enumerate(zip(lines, offers, strict=True)):
        share = line["discount_share"] or Decimal(0)
        if share and offer.discount_class == "NON_DISCOUNTABLE":
            rule = f"{offer.sku} is sold without any discount"
            raise Invalid("not-discountable", rule + ".", Fault(f"lines.{number}.discount_share", rule))
        amounts.append(amounts_of_line(line["quantity"], offer.unit_price, share, offer.tax_rate))
    await action.execute(
        PRICE,
        ids=[line["sales_order_line_id"] for line in lines],
        mrp=[offer.mrp for offer in offers],
        price=[offer.unit_price for offer in offers],
        rate=[offer.tax_rate for offer in offers],
        cost=[offer.unit_cost for offer in offers],
        discount=[each.discount for each in amounts],
        net=[each.taxable for each in amounts],
        tax=[each.tax for each in amounts],
        total=[each.total for each in amounts],
        day=day if moment else order["ordered_on"],
        moment=moment,
        ordered_on=order["ordered_on"],
    )
    whole = sum_amounts(amounts)
    await action.execute(
        SET_AMOUNTS,
        order_id=order["sales_order_id"],
        subtotal=whole.subtotal,
        discount=whole.discount,
        taxable=whole.taxable,
        tax=whole.tax,
        total=whole.total,
    )
    return offers, whole


async def _with_cells(action: Action, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines with the lens cell of the power that they name instead of one."""
    wanted = [dict(line) for line in lines]
    powers = {number: line["power"] for number, line in enumerate(wanted) if line.get("power")}
    if not powers:
        return wanted
    found = await action.rows(
        FIND_CELLS,
        products=[wanted[number]["product_id"] for number in powers],
        **{name: [power.get(name) for power in powers.values()] for name in ("sph", "cyl", "add")},
    )
    for number, row in zip(powers, found, strict=True):
        if row["lens_cell_id"] is None:
            rule = "is not among the powers that this product is stocked in; leave it out to have the lens made"
            raise Invalid("no-such-power", f"The power of line {number} {rule}.", Fault(f"lines.{number}.power", rule))
        wanted[number]["lens_cell_id"] = row["lens_cell_id"]
    return wanted
