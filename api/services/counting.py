"""Counting a store's shelves: open a count, enter what lies there, post the differences as moves, or cancel.

What is counted holds for the moment it is entered: the line keeps what the ledger said then, and posting moves the
difference of the two, so that whatever is sold or received between counting and posting counts for itself. Goods that
nobody counted stay as they are: not counted is not zero. Where another count of the same goods was posted meanwhile,
its correction is taken into what was expected, so that two counts never correct the same loss twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.balances import Key, lock_balances
from api.services.count_pages import show_count
from api.services.ledger import Move, business_day, location, post_moves
from api.services.stock_goods import check_open, goods_of

LOCK = "SELECT 1 FROM stock_counts WHERE stock_count_id = %(key)s FOR UPDATE"
LINE = "stock_count_line"
# entering reads the ledger and posting changes it: posting waits for entries of the store that are under way
TAKE_TURNS = {
    "enter": "SELECT pg_advisory_xact_lock_shared(hashtextextended(%(name)s, 3))",
    "post": "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 3))",
}
# what a list of products asks to count: each power and unit that lies there, else the product itself
SHEET = """
    INSERT INTO stock_count_lines (stock_count_id, product_id, lens_cell_id, stock_unit_id)
    SELECT %(count_id)s, w.product_id, b.lens_cell_id, b.stock_unit_id
    FROM unnest(%(products)s::bigint[]) WITH ORDINALITY AS w (product_id, n)
    LEFT JOIN stock_balances AS b ON b.product_id = w.product_id AND b.location_id = %(shelf)s
        AND (b.on_hand > 0 OR (b.lens_cell_id IS NULL AND b.stock_unit_id IS NULL))
    ORDER BY w.n, b.lens_cell_id, b.stock_unit_id
    ON CONFLICT DO NOTHING"""
ENTER = """
    INSERT INTO stock_count_lines AS l (stock_count_id, product_id, lens_cell_id, stock_unit_id, counted_qty,
        expected_qty, reason, counted_by, counted_at)
    SELECT %(count_id)s, w.product, w.cell, w.unit, w.counted, coalesce(b.on_hand, 0), w.reason, %(user_id)s,
        clock_timestamp()
    FROM unnest(%(products)s::bigint[], %(cells)s::bigint[], %(units)s::bigint[], %(counted)s::integer[],
        %(reasons)s::text[]) WITH ORDINALITY AS w (product, cell, unit, counted, reason, n)
    LEFT JOIN stock_balances AS b ON b.location_id = %(shelf)s AND b.product_id = w.product
        AND coalesce(b.lens_cell_id, 0) = coalesce(w.cell, 0) AND coalesce(b.stock_unit_id, 0) = coalesce(w.unit, 0)
    ORDER BY w.n
    ON CONFLICT ON CONSTRAINT uq_stock_count_lines_goods DO UPDATE SET counted_qty = excluded.counted_qty,
        expected_qty = excluded.expected_qty, reason = excluded.reason, counted_by = excluded.counted_by,
        counted_at = excluded.counted_at"""
COUNTED = """
    SELECT l.stock_count_line_id, l.product_id, p.sku, l.lens_cell_id, l.stock_unit_id, l.counted_qty, l.expected_qty,
        coalesce(o.corrected, 0)::bigint AS corrected
    FROM stock_count_lines AS l JOIN products AS p USING (product_id)
    LEFT JOIN LATERAL (
        SELECT sum(x.counted_qty - x.expected_qty) AS corrected
        FROM stock_counts AS c JOIN stock_count_lines AS x USING (stock_count_id)
        WHERE c.store_id = %(store_id)s AND c.status = 'posted' AND c.closed_at > l.counted_at
          AND x.product_id = l.product_id AND x.lens_cell_id IS NOT DISTINCT FROM l.lens_cell_id
          AND x.stock_unit_id IS NOT DISTINCT FROM l.stock_unit_id
          AND NOT EXISTS (
            SELECT FROM stock_moves AS m JOIN stock_move_reversals AS r ON r.reversed_move_id = m.stock_move_id
            WHERE m.reference_type = 'stock_count_line' AND m.reference_id = x.stock_count_line_id)) AS o ON true
    WHERE l.stock_count_id = %(count_id)s AND l.counted_qty IS NOT NULL
    ORDER BY l.stock_count_line_id"""
EXPECTED = """
    UPDATE stock_count_lines AS l SET expected_qty = w.expected
    FROM unnest(%(ids)s::bigint[], %(expected)s::integer[]) AS w (id, expected)
    WHERE l.stock_count_line_id = w.id AND l.expected_qty <> w.expected"""


async def open_count(action: Action, values: Mapping[str, Any]) -> Row:
    """A count of a store, of one of its categories, or of products. Raises OutOfReach, Invalid, Conflict."""
    store_id, category = values["store_id"], values["category"]
    action.check_store(store_id)
    await check_open(action, store_id, "store_id")
    products = list(dict.fromkeys(values["product_ids"]))
    if category is not None and products:
        rule = "must not be given beside category: a count is of a category or of products"
        raise Invalid("two-scopes", f"product_ids {rule}.", Fault("product_ids", rule))
    if category is not None and not await action.value(
        "SELECT count(*) FROM categories WHERE code = %(code)s", code=category
    ):
        raise Invalid("unknown-category", f"There is no category {category}.", Fault("category", "names no category"))
    if products:
        found = await action.rows("SELECT product_id FROM products WHERE product_id = ANY(%(ids)s)", ids=products)
        unknown = set(products) - {row["product_id"] for row in found}
        if unknown:
            where = f"product_ids.{values['product_ids'].index(min(unknown))}"
            raise Invalid("unknown-product", f"There is no product {min(unknown)}.", Fault(where, "names no product"))
    count_id = await action.value(
        "INSERT INTO stock_counts (store_id, category, note, opened_by)"
        " VALUES (%(store_id)s, %(category)s, %(note)s, %(user_id)s) RETURNING stock_count_id",
        store_id=store_id,
        category=category,
        note=values["note"],
        user_id=action.user.user_id,
    )
    shelf = await location(action, "store", store_id)
    await action.execute(SHEET, count_id=count_id, products=products, shelf=shelf)
    said = {"status": "open", "category": category, "products": len(products)}
    action.note("stock.counted", "stock_count", count_id, store_id=store_id, after=said)
    return await show_count(action, count_id)


async def enter_lines(action: Action, count_id: int, lines: Sequence[Mapping[str, Any]]) -> Row:
    """What lies on the shelves now; what was entered of the same goods before is replaced. Raises Invalid, Conflict."""
    count = await _lock(action, count_id, "entered")
    goods = await goods_of(action, count["store_id"], lines)
    for number, (line, each) in enumerate(zip(lines, goods, strict=True)):
        if count["category"] is not None and each["category"] != count["category"]:
            rule = f"is of category {each['category']}, and this count of {count['category']}"
            raise Invalid("not-of-this-count", f"{each['sku']} {rule}.", Fault(f"lines.{number}.product_id", rule))
        if line["stock_unit_id"] is not None and line["counted_qty"] > 1:
            rule = "is 0 or 1 of a unit"
            raise Invalid("rule-broken", f"What is counted {rule}.", Fault(f"lines.{number}.counted_qty", rule))
    await action.execute(TAKE_TURNS["enter"], name=f"stock count {count['store_id']}")
    await action.execute(
        ENTER,
        count_id=count_id,
        shelf=await location(action, "store", count["store_id"]),
        products=[line["product_id"] for line in lines],
        cells=[line["lens_cell_id"] for line in lines],
        units=[line["stock_unit_id"] for line in lines],
        counted=[line["counted_qty"] for line in lines],
        reasons=[line["reason"] for line in lines],
        user_id=action.user.user_id,
    )
    said = {"lines": len(lines), "counted_qty": sum(line["counted_qty"] for line in lines)}
    action.note("stock.counted", "stock_count", count_id, store_id=count["store_id"], after=said)
    return await show_count(action, count_id)


async def post_count(action: Action, count_id: int) -> Row:
    """Move what was found from, and what is missing to, loss: all lines in one transaction, or none.

    Raises Conflict `not-allowed-now`, `nothing-counted`, `count-contradicted` where more left since than the count
    says was there, and `unit-elsewhere`.
    """
    count = await _lock(action, count_id, "posted")
    store_id = count["store_id"]
    await action.execute(TAKE_TURNS["post"], name=f"stock count {store_id}")
    lines = await action.rows(COUNTED, count_id=count_id, store_id=store_id)
    if not lines:
        raise Conflict("nothing-counted", "Nothing was counted yet; enter what lies there, or cancel the count.")
    shelf, loss = await location(action, "store", store_id), await location(action, "loss")
    changed = [line for line in lines if line["counted_qty"] != line["expected_qty"] + line["corrected"]]
    await _check_since(action, shelf, lines, changed)
    costs = await goods_of(action, store_id, changed, units=False)
    moves = []
    for line, each in zip(changed, costs, strict=True):
        difference = line["counted_qty"] - line["expected_qty"] - line["corrected"]
        source, destination = (loss, shelf) if difference > 0 else (shelf, loss)
        moves.append(
            Move(
                line["product_id"], abs(difference), source, destination, "count", line["lens_cell_id"],
                line["stock_unit_id"], each["unit_cost"], LINE, line["stock_count_line_id"],
            )
        )  # fmt: skip
    await post_moves(action, moves, await business_day(action))
    await action.execute(
        EXPECTED,
        ids=[line["stock_count_line_id"] for line in lines],
        expected=[line["expected_qty"] + line["corrected"] for line in lines],
    )
    await _close(action, count_id, "posted")
    said = {
        "status": "posted",
        "lines": len(lines),
        "found": sum(move.quantity for move in moves if move.source == loss),
        "lost": sum(move.quantity for move in moves if move.source == shelf),
    }
    action.note("stock.counted", "stock_count", count_id, store_id=store_id, before={"status": "open"}, after=said)
    return await show_count(action, count_id)


async def cancel_count(action: Action, count_id: int) -> Row:
    """End a count without moving anything. Raises Conflict `not-allowed-now`."""
    count = await _lock(action, count_id, "cancelled")
    await _close(action, count_id, "cancelled")
    said = {"status": "cancelled"}
    before = {"status": "open"}
    action.note("stock.counted", "stock_count", count_id, store_id=count["store_id"], before=before, after=said)
    return await show_count(action, count_id)


async def _lock(action: Action, count_id: int, step: str) -> Row:
    count = await action.row(
        "SELECT stock_count_id, store_id, category, status FROM stock_counts"
        " WHERE stock_count_id = %(count_id)s FOR UPDATE",
        count_id=count_id,
    )
    if count is None:
        raise await action.missing("stock_counts", count_id, "stock count")
    action.check_store(count["store_id"])
    if count["status"] != "open":
        raise Conflict(
            "not-allowed-now",
            f"Count {count_id} is {count['status']}; nothing can be {step} any more. Open another.",
            status_now=count["status"],
            possible=[],
        )
    return count


async def _check_since(action: Action, shelf: int, lines: Sequence[Row], changed: Sequence[Row]) -> None:
    """Refuse what cannot be: with the balances locked, nothing changes until the moves are posted."""
    locked = await lock_balances(action, [_key(shelf, line) for line in changed])
    on_hand = {Key.of(row): row["on_hand"] for row in locked}
    for line in lines:
        expected = line["expected_qty"] + line["corrected"]
        left = on_hand.get(_key(shelf, line))
        if expected < 0 or (left is not None and left + line["counted_qty"] - expected < 0):
            said = f"more of {line['sku']} left since it was counted than the count says was there; count it anew"
            raise Conflict("count-contradicted", f"{said[0].upper()}{said[1:]}.", sku=line["sku"])


def _key(shelf: int, line: Row) -> Key:
    return Key(shelf, line["product_id"], line["lens_cell_id"], line["stock_unit_id"])


async def _close(action: Action, count_id: int, status: str) -> None:
    await action.execute(
        "UPDATE stock_counts SET status = %(status)s, closed_by = %(user_id)s, closed_at = clock_timestamp()"
        " WHERE stock_count_id = %(count_id)s",
        status=status,
        user_id=action.user.user_id,
        count_id=count_id,
    )
