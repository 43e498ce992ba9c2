"""Drafting purchase orders: a new one, other lines, other terms. A draft counts for nothing until it is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from api.refusals import Conflict, Fault, Invalid, NotPermitted
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.numbers import order_number
from api.services.purchasing import show_order
from api.services.purchasing_state import lock_order
from api.services.purchasing_terms import check_pack, terms_of
from api.services.suggestion_state import settle

USUAL_LEAD_DAYS = 14
INSERT = """
    INSERT INTO purchase_orders (order_ref, vendor_id, delivery_store_id, status, created_by, expected_on, note)
    VALUES (%(ref)s, %(vendor_id)s, %(store_id)s, 'draft', %(user_id)s, %(expected_on)s, %(note)s)
    RETURNING purchase_order_id"""
# a line that stays keeps its suggestion
WRITE_LINES = """
    INSERT INTO purchase_order_lines (purchase_order_id, store_id, product_id, lens_cell_id, state, open_qty,
        ordered_qty, expected_on, unit_price)
    SELECT %(order_id)s, %(store_id)s, l.product, l.cell, 'draft', 0, l.quantity, l.expected_on, l.price
    FROM unnest(%(products)s::bigint[], %(cells)s::bigint[], %(quantities)s::integer[], %(days)s::date[],
        %(prices)s::numeric[]) WITH ORDINALITY AS l (product, cell, quantity, expected_on, price, n) ORDER BY l.n
    ON CONFLICT ON CONSTRAINT uq_purchase_order_lines_item DO UPDATE
        SET ordered_qty = excluded.ordered_qty, expected_on = excluded.expected_on, unit_price = excluded.unit_price"""
DELETE_LINES = """
    DELETE FROM purchase_order_lines AS l
    WHERE purchase_order_id = %(order_id)s AND NOT EXISTS (
        SELECT FROM unnest(%(products)s::bigint[], %(cells)s::bigint[]) AS w (product, cell)
        WHERE w.product = l.product_id AND w.cell IS NOT DISTINCT FROM l.lens_cell_id)
    RETURNING suggestion_id"""
FOLLOW = """
    UPDATE suggestions AS g SET approved_qty = l.ordered_qty,
        state = CASE WHEN l.ordered_qty = g.suggested_qty THEN 'approved' ELSE 'edited' END
    FROM purchase_order_lines AS l
    WHERE l.purchase_order_id = %(order_id)s AND l.suggestion_id = g.suggestion_id
        AND g.state IN ('approved', 'edited') AND g.approved_qty IS DISTINCT FROM l.ordered_qty"""


async def draft_order(action: Action, values: Mapping[str, Any]) -> Row:
    """A new draft for one store at one vendor. Raises OutOfReach, Conflict, Invalid."""
    store_id = values["delivery_store_id"]
    action.check_store(store_id)
    day = await business_day(action)
    store = await action.row(
        "SELECT store_code, closed_on FROM stores WHERE store_id = %(store_id)s", store_id=store_id
    )
    if store is None:
        raise Invalid("unknown-store", "There is no such store.", Fault("delivery_store_id", "names no store"))
    if store["closed_on"] is not None and store["closed_on"] <= day:
        raise Conflict("store-closed", f"Store {store['store_code']} has been closed since {store['closed_on']}.")
    await _check_vendor(action, values["vendor_id"])
    order_id = await action.value(
        INSERT,
        ref=f"PO-{order_number(store['store_code'], day)}",
        vendor_id=values["vendor_id"],
        store_id=store_id,
        user_id=action.user.user_id,
        expected_on=values["expected_on"],
        note=values["note"],
    )
    order = {"purchase_order_id": order_id, "delivery_store_id": store_id, **values}
    await _write_lines(action, order, values["lines"], day)
    return await _noted(action, order_id, None)


async def change_lines(action: Action, order_id: int, lines: Sequence[Mapping[str, Any]]) -> Row:
    """Give a draft other lines; who does so answers for it, and does not approve it. Suggestions follow their lines."""
    order = await lock_order(action, order_id, "change")
    before = await show_order(action, order_id)
    await _write_lines(action, order, lines, await business_day(action))
    changes = {"created_by": action.user.user_id, "version": order["version"] + 1}
    await action.update("purchase_orders", "purchase_order_id", order_id, changes)
    return await _noted(action, order_id, before)


async def change_terms(action: Action, order_id: int, changes: Mapping[str, Any]) -> Row:
    """Change a draft's expected day or note."""
    order = await lock_order(action, order_id, "change")
    if not changes:
        return await show_order(action, order_id)
    before = await show_order(action, order_id)
    await action.update("purchase_orders", "purchase_order_id", order_id, {**changes, "version": order["version"] + 1})
    return await _noted(action, order_id, before)


async def _write_lines(
    action: Action, order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], day: dt.date
) -> None:
    items = [(line["product_id"], line["lens_cell_id"]) for line in lines]
    for number, item in enumerate(items):
        if item in items[:number]:
            rule = "names the same goods as an earlier line; give them one quantity"
            raise Invalid("twice-the-same", f"Line {number} {rule}.", Fault(f"lines.{number}", rule))
    store_id, order_id = order["delivery_store_id"], order["purchase_order_id"]
    terms = await terms_of(action, order["vendor_id"], store_id, [line["product_id"] for line in lines])
    for number, line in enumerate(lines):
        _check_line(action, number, line, terms.get(line["product_id"]))
    usual = await action.value(
        "SELECT quoted_lead_time_days FROM vendors WHERE vendor_id = %(vendor_id)s", vendor_id=order["vendor_id"]
    )
    columns: dict[str, list[Any]] = {"products": [], "cells": [], "quantities": [], "days": [], "prices": []}
    for line in lines:
        term = terms[line["product_id"]]
        lead = next(days for days in (term["lead_time_days"], usual, USUAL_LEAD_DAYS) if days is not None)
        due = line["expected_on"] or order["expected_on"] or day + dt.timedelta(days=lead)
        price = term["unit_cost"] if line["unit_cost"] is None else line["unit_cost"]
        for name, value in zip(
            columns, (line["product_id"], line["lens_cell_id"], line["quantity"], due, price), strict=True
        ):
            columns[name].append(value)
    gone = await action.rows(DELETE_LINES, order_id=order_id, products=columns["products"], cells=columns["cells"])
    await action.execute(WRITE_LINES, order_id=order_id, store_id=store_id, **columns)
    await action.execute(FOLLOW, order_id=order_id)
    given_up = [row["suggestion_id"] for row in gone if row["suggestion_id"] is not None]
    await settle(action, given_up, "give up", "taken out of its draft order")


def _check_line(action: Action, number: int, line: Mapping[str, Any], term: Row | None) -> None:
    if term is None or not term["is_active"]:
        rule = "names no product that is still ordered"
        raise Invalid("unknown-product", f"Line {number} {rule}.", Fault(f"lines.{number}.product_id", rule))
    check_pack(line["quantity"], term, f"lines.{number}.quantity")
    if line["unit_cost"] is not None and not action.can("cost:read"):
        raise NotPermitted("costs-not-seen", "Your account does not see costs, and so sets none; leave unit_cost out.")


async def _check_vendor(action: Action, vendor_id: int) -> None:
    found = await action.row(
        "SELECT vendor_code, is_active FROM vendors WHERE vendor_id = %(vendor_id)s", vendor_id=vendor_id
    )
    if found is None:
        raise Invalid("unknown-vendor", "There is no such vendor.", Fault("vendor_id", "names no vendor"))
    if not found["is_active"]:
        raise Conflict("vendor-inactive", f"No orders are placed with vendor {found['vendor_code']} any more.")


async def _noted(action: Action, order_id: int, before: Row | None) -> Row:
    shown = await show_order(action, order_id)
    action.note(
        "purchase.drafted",
        "purchase_order",
        order_id,
        store_id=shown["delivery_store_id"],
        before=None if before is None else _said(before),
        after=_said(shown),
    )
    return shown


def _said(order: Row) -> Row:
    names = ("order_ref", "vendor_id", "expected_on", "note", "cost_amount")
    lines = [{name: line[name] for name in ("product_id", "lens_cell_id", "ordered_qty")} for line in order["lines"]]
    return {**{name: order[name] for name in names}, "lines": lines}
