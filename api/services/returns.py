"""Goods that come back: never more than were sold, good ones to the shelves, others to quarantine, by a credit note.

What is given back for units of a line is its share of what the line came to, so that all of them make the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.identity.principal import reach_of
from api.refusals import Conflict, Fault, Invalid, NotPermitted
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.numbers import next_number
from api.services.order_amounts import ZERO, part_of
from api.services.order_prices import goods_of
from api.services.order_state import check_step, lock_order
from api.services.paging import Page, Paging
from api.services.payments import account_of, record_payment, refuse_card_number
from api.services.returned_goods import take_back

COLUMNS = (
    "sales_return_id, return_number, sales_order_id, store_id, kind, returned_on, reason, credit_note_number,"
    " taxable_amount, tax_amount, total_amount, created_by, created_at"
)
LINES = """
    SELECT x.sales_return_line_id, x.sales_order_line_id, l.product_id, x.quantity, x.condition, x.taxable_amount,
        x.tax_amount
    FROM sales_return_lines AS x JOIN sales_order_lines AS l USING (sales_order_line_id, ordered_on)
    WHERE x.sales_return_id = %(return_id)s ORDER BY x.sales_return_line_id"""
SOLD = """
    SELECT l.sales_order_line_id, l.ordered_on, l.product_id, l.quantity, l.net_amount, l.tax_amount, l.lens_cell_id,
        l.cost_at_sale, coalesce(r.quantity, 0)::integer AS returned
    FROM sales_order_lines AS l LEFT JOIN LATERAL (
        SELECT sum(x.quantity) AS quantity FROM sales_return_lines AS x
        WHERE x.sales_order_line_id = l.sales_order_line_id) AS r ON true
    WHERE l.sales_order_id = %(order_id)s AND l.ordered_on = %(ordered_on)s ORDER BY l.sales_order_line_id"""
INSERT_LINES = """
    INSERT INTO sales_return_lines (sales_return_id, sales_order_line_id, ordered_on, quantity, condition,
        taxable_amount, tax_amount)
    SELECT %(return_id)s, l.id, %(ordered_on)s, l.quantity, l.condition, l.taxable, l.tax
    FROM unnest(%(ids)s::bigint[], %(quantities)s::integer[], %(conditions)s::text[], %(taxable)s::numeric[],
        %(tax)s::numeric[]) WITH ORDINALITY AS l (id, quantity, condition, taxable, tax, n)
    ORDER BY l.n RETURNING sales_return_line_id"""


async def return_goods(action: Action, order_id: int, values: Mapping[str, Any]) -> Row:
    """Take goods of a delivered order back, with a credit note, and with the refund when the call names its method.

    Raises Conflict `not-allowed-now`, `more-than-sold`; Invalid `unknown-line`, `card-number`.
    """
    refuse_card_number("reason", values["reason"])
    order = await lock_order(action, order_id)
    check_step(order, "return")
    account = await account_of(action, order)
    sold = {
        row["sales_order_line_id"]: row
        for row in await action.rows(SOLD, order_id=order_id, ordered_on=order["ordered_on"])
    }
    parts = _divide(sold, values["lines"])
    day = await business_day(action)
    taxable = sum((part["taxable"] for part in parts), ZERO)
    tax = sum((part["tax"] for part in parts), ZERO)
    goods = await goods_of(action, order["store_id"], day, [part["product_id"] for part in parts])
    count = await action.value(
        "SELECT count(*) FROM sales_returns WHERE sales_order_id = %(order_id)s", order_id=order_id
    )
    is_all = all(row["returned"] == row["quantity"] for row in sold.values())
    created = await action.one(
        "INSERT INTO sales_returns (return_number, sales_order_id, store_id, kind, returned_on, reason, taxable_amount,"
        " tax_amount, total_amount, created_by) VALUES (%(number)s, %(order_id)s, %(store_id)s, %(kind)s, %(day)s,"
        " %(reason)s, %(taxable)s, %(tax)s, %(total)s, %(user_id)s) RETURNING sales_return_id",
        number=f"{order['order_number'] or order['sales_order_id']}-R{count + 1}",
        order_id=order_id,
        store_id=order["store_id"],
        kind=values["kind"],
        day=day,
        reason=values["reason"],
        taxable=taxable,
        tax=tax,
        total=taxable + tax,
        user_id=action.user.user_id,
    )
    return_id = created["sales_return_id"]
    written = await action.rows(
        INSERT_LINES,
        return_id=return_id,
        ordered_on=order["ordered_on"],
        ids=[part["sales_order_line_id"] for part in parts],
        quantities=[part["quantity"] for part in parts],
        conditions=[part["condition"] for part in parts],
        taxable=[part["taxable"] for part in parts],
        tax=[part["tax"] for part in parts],
    )
    for part, row in zip(parts, written, strict=True):
        part["sales_return_line_id"] = row["sales_return_line_id"]
    await take_back(action, order["store_id"], parts, goods, day)
    if values["refund"] is not None:
        most = min(account.paid - (account.owed - taxable - tax), taxable + tax)
        await _refund(action, order, values["refund"], max(most, ZERO))
    await action.execute(
        "UPDATE sales_orders SET status = %(status)s, version = version + 1 WHERE sales_order_id = %(order_id)s",
        status="returned" if is_all else order["status"],
        order_id=order_id,
    )
    number = await next_number(action, "credit_note", order["store_id"], day)
    await action.execute(
        "UPDATE sales_returns SET credit_note_number = %(number)s WHERE sales_return_id = %(return_id)s",
        number=number,
        return_id=return_id,
    )
    said = {"sales_return_id": return_id, "credit_note_number": number, "total_amount": taxable + tax}
    action.note("order.returned", "sales_order", order_id, store_id=order["store_id"], after=said)
    return await show_return(action, return_id)


async def show_return(action: Action, return_id: int) -> Row:
    """One return with its lines. Raises NotFound, OutOfReach, NotPermitted."""
    row = await action.row(
        f"SELECT {COLUMNS} FROM sales_returns WHERE sales_return_id = %(return_id)s", return_id=return_id
    )
    if row is None:
        raise await action.missing("sales_returns", return_id, "sales return")
    action.check_store(row["store_id"])
    action.check_record(row["created_by"])
    return {**row, "lines": await action.rows(LINES, return_id=return_id)}


async def list_returns(
    action: Action, paging: Paging, store_id: int | None = None, order_id: int | None = None
) -> Page:
    """Returns in reach, the newest first. Raises OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    stores = action.reach.store_ids
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM sales_returns WHERE sales_return_id < %(after)s"
        " AND (%(stores)s::bigint[] IS NULL OR store_id = ANY(%(stores)s))"
        " AND (%(store_id)s::bigint IS NULL OR store_id = %(store_id)s)"
        " AND (%(order_id)s::bigint IS NULL OR sales_order_id = %(order_id)s)"
        " AND (%(made_by)s::bigint IS NULL OR created_by = %(made_by)s)"
        " ORDER BY sales_return_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        stores=None if stores is None else sorted(stores),
        store_id=store_id,
        order_id=order_id,
        made_by=action.user.user_id if action.reach.own_records else None,
        limit=paging.fetch,
    )
    return paging.page(rows, ("sales_return_id",))


def _divide(sold: dict[int, Row], lines: Sequence[Mapping[str, Any]]) -> list[Row]:
    """What comes back, with the part of its line's amounts; counts it as returned in `sold`."""
    parts = []
    for number, line in enumerate(lines):
        row = sold.get(line["sales_order_line_id"])
        if row is None:
            rule = "is no line of this order"
            raise Invalid("unknown-line", f"Line {number} {rule}.", Fault(f"lines.{number}.sales_order_line_id", rule))
        before, taken = row["returned"], line["quantity"]
        if before + taken > row["quantity"]:
            said = f"{row['quantity'] - before} of {row['quantity']} sold may still come back, not {taken}"
            raise Conflict("more-than-sold", f"{said}.", Fault(f"lines.{number}.quantity", said))
        row["returned"] = before + taken
        parts.append(
            {
                **row,
                **line,
                "taxable": part_of(row["net_amount"] or ZERO, row["quantity"], before, taken),
                "tax": part_of(row["tax_amount"] or ZERO, row["quantity"], before, taken),
            }
        )
    return parts


async def _refund(action: Action, order: Row, refund: Mapping[str, Any], amount: Any) -> None:
    refuse_card_number("refund.reference", refund["reference"], refund["method"])
    reach = reach_of(action.user, "payment:refund")
    if reach is None or not reach.allows(order["store_id"]):
        raise NotPermitted("not-permitted", "To give money back needs payment:refund.", needs="payment:refund")
    if amount > 0:
        await record_payment(action, order, "refund", {**refund, "amount": amount})
