"""Receiving the goods of a purchase order: what came, what went on the shelves, what was rejected and why.

Goods move from the vendor to the store by the ledger; what is rejected goes to the store's quarantine, or never comes
in. The order is locked first, so that two receipts at once never take in more than was ordered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from api.refusals import Conflict, Fault, Invalid, NotPermitted
from api.services.action import Action, Row
from api.services.chain_settings import setting
from api.services.ledger import Move, business_day, location, post_moves
from api.services.numbers import order_number
from api.services.paging import Page, Paging
from api.services.purchasing_state import lock_order
from api.services.suggestion_state import settle

HEADER = (
    "SELECT r.goods_receipt_id, r.receipt_number, r.purchase_order_id, o.order_ref, o.vendor_id, r.store_id,"
    " r.received_on, r.state, r.delivery_note, r.created_by, r.updated_at"
    " FROM goods_receipts AS r JOIN purchase_orders AS o USING (purchase_order_id)"
)
LINES = """
    SELECT l.goods_receipt_line_id, l.purchase_order_line_id, p.product_id, p.sku, p.name, o.lens_cell_id,
        l.received_qty, l.accepted_qty, l.rejected_qty, l.reason, l.batch_code, l.expires_on, l.unit_cost
    FROM goods_receipt_lines AS l JOIN purchase_order_lines AS o USING (purchase_order_line_id)
    JOIN products AS p USING (product_id)
    WHERE l.goods_receipt_id = %(receipt_id)s ORDER BY l.goods_receipt_line_id"""
ORDERED = """
    SELECT l.purchase_order_line_id, l.store_id, l.product_id, p.sku, l.lens_cell_id, l.state, l.ordered_qty,
        l.received_qty, l.cancelled_qty, l.unit_price, l.suggestion_id, p.is_serialised, p.is_batch_tracked
    FROM purchase_order_lines AS l JOIN products AS p USING (product_id)
    WHERE l.purchase_order_id = %(order_id)s AND l.state IN ('open', 'received') ORDER BY l.purchase_order_line_id"""
INSERT = """
    INSERT INTO goods_receipts (receipt_number, purchase_order_id, store_id, received_on, state, delivery_note,
        accepted_at, created_by)
    VALUES (%(number)s, %(order_id)s, %(store_id)s, %(day)s, %(state)s, %(note)s, now(), %(user_id)s)
    RETURNING goods_receipt_id"""
INSERT_LINES = """
    INSERT INTO goods_receipt_lines (goods_receipt_id, purchase_order_line_id, received_qty, accepted_qty,
        rejected_qty, reason, batch_code, expires_on, unit_cost)
    SELECT %(receipt_id)s, l.ordered, l.accepted + l.rejected, l.accepted, l.rejected, l.reason, l.batch, l.expires_on,
        l.cost
    FROM unnest(%(purchase_order_line_id)s::bigint[], %(accepted_qty)s::integer[], %(rejected_qty)s::integer[],
        %(reason)s::text[], %(batch_code)s::text[], %(expires_on)s::date[], %(unit_cost)s::numeric[]) WITH ORDINALITY
        AS l (ordered, accepted, rejected, reason, batch, expires_on, cost, n)
    ORDER BY l.n RETURNING goods_receipt_line_id"""
FIELDS = (
    "purchase_order_line_id", "accepted_qty", "rejected_qty", "reason", "batch_code", "expires_on", "unit_cost",
)  # fmt: skip
# a unit that went back and comes again keeps its row; the ledger refuses one that is somewhere already
INSERT_UNITS = """
    INSERT INTO stock_units (product_id, serial, batch_code, expires_on)
    SELECT s.product, s.serial, s.batch, s.expires_on
    FROM unnest(%(products)s::bigint[], %(serials)s::text[], %(batches)s::text[], %(expiries)s::date[])
        WITH ORDINALITY AS s (product, serial, batch, expires_on, n) ORDER BY s.n
    ON CONFLICT (product_id, serial) DO UPDATE
        SET batch_code = excluded.batch_code, expires_on = excluded.expires_on, status = 'good'
    RETURNING product_id, serial, stock_unit_id"""
COUNT = """
    UPDATE purchase_order_lines AS l SET received_qty = received_qty + c.accepted,
        rejected_qty = rejected_qty + c.rejected, open_qty = greatest(ordered_qty - received_qty - c.accepted, 0),
        state = CASE WHEN ordered_qty > received_qty + c.accepted THEN 'open' ELSE 'received' END,
        closed_on = CASE WHEN ordered_qty > received_qty + c.accepted THEN NULL ELSE %(day)s::date END
    FROM unnest(%(ids)s::bigint[], %(accepted)s::integer[], %(rejected)s::integer[]) AS c (id, accepted, rejected)
    WHERE l.purchase_order_line_id = c.id RETURNING l.state, l.suggestion_id"""
DERIVE = """
    UPDATE purchase_orders AS o SET version = version + 1, status = CASE
        WHEN NOT EXISTS (SELECT FROM purchase_order_lines AS l
            WHERE l.purchase_order_id = o.purchase_order_id AND l.state = 'open') THEN 'received'
        WHEN EXISTS (SELECT FROM purchase_order_lines AS l
            WHERE l.purchase_order_id = o.purchase_order_id AND l.received_qty > 0) THEN 'partially_received'
        ELSE o.status END
    WHERE purchase_order_id = %(order_id)s"""


async def receive(action: Action, order_id: int, values: Mapping[str, Any]) -> Row:
    """Take in what came of an order, in one receipt. Raises NotFound, OutOfReach, Conflict `over-delivery`, Invalid."""
    order = await lock_order(action, order_id, "receive")
    today = await business_day(action)
    day = values["received_on"] or today
    if day > today:
        raise Invalid("not-yet", "Goods are received today or earlier.", Fault("received_on", "lies in the future"))
    ordered = {row["purchase_order_line_id"]: row for row in await action.rows(ORDERED, order_id=order_id)}
    lines = [_checked(number, line, ordered, day) for number, line in enumerate(values["lines"])]
    await _check_over(action, lines, ordered, may_exceed=values["allow_over"])
    if any(line["unit_cost"] is not None for line in lines) and not action.can("cost:read"):
        raise NotPermitted("costs-not-seen", "Your account does not see costs, and so sets none; leave unit_cost out.")
    store_id = order["delivery_store_id"]
    code = await action.value("SELECT store_code FROM stores WHERE store_id = %(store_id)s", store_id=store_id)
    rejected = sum(line["rejected_qty"] for line in lines)
    receipt_id = await action.value(
        INSERT,
        number=f"GR-{order_number(code, day)}",
        order_id=order_id,
        store_id=store_id,
        day=day,
        state="disputed" if rejected else "accepted",
        note=values["delivery_note"],
        user_id=action.user.user_id,
    )
    ends = {kind: await location(action, kind, store_id) for kind in ("store", "quarantine")}
    ends["vendor"] = await location(action, "vendor")
    await post_moves(action, await _write_lines(action, receipt_id, lines, ordered, ends), day)
    closed = await action.rows(
        COUNT,
        day=day,
        ids=list(ordered),
        accepted=[_sum(lines, key, "accepted_qty") for key in ordered],
        rejected=[_sum(lines, key, "rejected_qty") for key in ordered],
    )
    await action.execute(DERIVE, order_id=order_id)
    done = [row["suggestion_id"] for row in closed if row["state"] == "received" and row["suggestion_id"] is not None]
    await settle(action, done, "receive")
    shown = await show_receipt(action, receipt_id)
    counted = ("purchase_order_line_id", "accepted_qty", "rejected_qty", "reason", "batch_code")
    said = {"order_ref": order["order_ref"], "lines": [{name: x[name] for name in counted} for x in shown["lines"]]}
    kind = "purchase.rejected" if rejected else "purchase.received"
    action.note(kind, "goods_receipt", receipt_id, store_id=store_id, after=said)
    return shown


async def list_receipts(
    action: Action, paging: Paging, *, store_id: int | None = None, purchase_order_id: int | None = None
) -> Page:
    """Receipts in reach, the newest first. Raises OutOfReach for a store that is not."""
    if store_id is not None:
        action.check_store(store_id)
    wanted = {"store_id": store_id, "purchase_order_id": purchase_order_id}
    chosen = [f"r.{name} = %({name})s" for name, value in wanted.items() if value is not None]
    if action.reach.store_ids is not None:
        chosen.append("r.store_id = ANY(%(stores)s)")
    rows = await action.rows(
        f"{HEADER} WHERE {' AND '.join(['r.goods_receipt_id < %(after)s', *chosen])}"
        " ORDER BY r.goods_receipt_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        stores=None if action.reach.store_ids is None else sorted(action.reach.store_ids),
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("goods_receipt_id",))


async def show_receipt(action: Action, receipt_id: int) -> Row:
    """One receipt with its lines. Raises NotFound, OutOfReach."""
    header = await action.row(f"{HEADER} WHERE r.goods_receipt_id = %(receipt_id)s", receipt_id=receipt_id)
    if header is None:
        raise await action.missing("goods_receipts", receipt_id, "goods receipt")
    action.check_store(header["store_id"])
    return {**header, "lines": await action.rows(LINES, receipt_id=receipt_id)}


def _checked(number: int, line: Mapping[str, Any], ordered: Mapping[int, Row], day: dt.date) -> Row:
    """The line, if it says all that its product needs. Raises Invalid."""
    wanted = ordered.get(line["purchase_order_line_id"])

    def refuse(member: str, rule: str) -> Invalid:
        return Invalid("invalid-receipt", f"Line {number}: {member} {rule}.", Fault(f"lines.{number}.{member}", rule))

    if wanted is None:
        raise refuse("purchase_order_line_id", "names no line of this order that goods may still come of")
    if line["accepted_qty"] + line["rejected_qty"] == 0:
        raise refuse("accepted_qty", "and rejected_qty are both 0")
    if (line["rejected_qty"] > 0) != (line["reason"] is not None):
        raise refuse("reason", "says why goods were rejected, and only then")
    if wanted["is_batch_tracked"] and line["accepted_qty"]:
        if line["batch_code"] is None or line["expires_on"] is None:
            raise refuse("batch_code", f"and expires_on are needed: {wanted['sku']} is kept by batch")
        if line["expires_on"] <= day:
            raise refuse("expires_on", "has passed; reject these goods with the reason expired")
    serials = line["serials"]
    if wanted["is_serialised"]:
        if len(set(serials)) != line["accepted_qty"] or len(serials) != line["accepted_qty"]:
            raise refuse("serials", f"must name each of the {line['accepted_qty']} units accepted, once")
        if line["rejected_to"] == "quarantine" and line["rejected_qty"]:
            raise refuse("rejected_to", "is vendor for units with serials; take in what you keep")
    elif serials:
        raise refuse("serials", f"are not kept of {wanted['sku']}")
    return dict(line)


async def _check_over(action: Action, lines: Sequence[Row], ordered: Mapping[int, Row], *, may_exceed: bool) -> None:
    share = Decimal(1) + await setting(action, "receipt_over_share")
    for key, row in ordered.items():
        accepted = _sum(lines, key, "accepted_qty")
        most = int((row["ordered_qty"] - row["cancelled_qty"]) * share)
        if not accepted or row["received_qty"] + accepted <= most:
            continue
        if may_exceed and action.can("purchase:approve"):
            continue
        left = max(most - row["received_qty"], 0)
        raise Conflict(
            "over-delivery",
            f"{accepted} of {row['sku']} are more than the {left} that may still come; reject the rest, or let somebody"
            " who approves orders receive them with allow_over.",
            purchase_order_line_id=key,
            left=left,
        )


async def _write_lines(
    action: Action, receipt_id: int, lines: Sequence[Row], ordered: Mapping[int, Row], ends: Mapping[str, int]
) -> list[Move]:
    """Write the lines and their units, each by one statement; what then has to move."""
    for line in lines:
        if line["unit_cost"] is None:
            line["unit_cost"] = ordered[line["purchase_order_line_id"]]["unit_price"]
    columns = {name: [line[name] for line in lines] for name in FIELDS}
    units = await _write_units(action, lines, ordered)
    written = await action.rows(INSERT_LINES, receipt_id=receipt_id, **columns)
    moves = []
    for line, row in zip(lines, written, strict=True):
        wanted = ordered[line["purchase_order_line_id"]]
        product, vendor = wanted["product_id"], ends["vendor"]
        said: dict[str, Any] = {
            "unit_cost": line["unit_cost"],
            "reference_type": "goods_receipt_line",
            "reference_id": row["goods_receipt_line_id"],
        }
        for serial in line["serials"]:
            unit = units[product, serial]
            moves.append(Move(product, 1, vendor, ends["store"], "receipt", stock_unit_id=unit, **said))
        said["lens_cell_id"] = wanted["lens_cell_id"]
        if line["accepted_qty"] and not line["serials"]:
            moves.append(Move(product, line["accepted_qty"], vendor, ends["store"], "receipt", **said))
        if line["rejected_qty"] and line["rejected_to"] == "quarantine":
            moves.append(Move(product, line["rejected_qty"], vendor, ends["quarantine"], "receipt", **said))
    return moves


async def _write_units(
    action: Action, lines: Sequence[Row], ordered: Mapping[int, Row]
) -> Mapping[tuple[int, str], int]:
    """The units with serials, new ones made; by product and serial. Raises Invalid for one that comes twice."""
    columns: dict[str, list[Any]] = {"products": [], "serials": [], "batches": [], "expiries": []}
    seen: set[tuple[int, str]] = set()
    for number, line in enumerate(lines):
        product = ordered[line["purchase_order_line_id"]]["product_id"]
        for serial in line["serials"]:
            if (product, serial) in seen:
                rule = "names a unit that a line before it names"
                raise Invalid("invalid-receipt", f"Line {number} {rule}.", Fault(f"lines.{number}.serials", rule))
            seen.add((product, serial))
            values = (product, serial, line["batch_code"], line["expires_on"])
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    if not seen:
        return {}
    rows = await action.rows(INSERT_UNITS, **columns)
    return {(row["product_id"], row["serial"]): row["stock_unit_id"] for row in rows}


def _sum(lines: Sequence[Row], key: int, member: str) -> int:
    return sum(line[member] for line in lines if line["purchase_order_line_id"] == key)
