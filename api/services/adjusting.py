"""Adjusting stock with a reason: at once up to the chain's limits in units and in money, above them by a second person.

A waiting adjustment moves nothing and keeps nothing: what is there is asked when it is posted.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.chain_settings import setting
from api.services.ledger import Move, business_day, location, post_moves
from api.services.paging import Page, Paging
from api.services.stock_goods import check_open, goods_of
from api.services.stock_notices import tell_deciders, tell_user

REFERENCE = "stock_adjustment"
LOCK = "SELECT 1 FROM stock_adjustments WHERE stock_adjustment_id = %(key)s FOR UPDATE"
# what a reason can only mean: goods that are gone, or goods that turned up
ONE_WAY = {"damage": -1, "expiry": -1, "theft": -1, "sample": -1, "found": 1}
KINDS = {"damage": "damage", "expiry": "expiry"}
ADJUSTMENTS = """
    SELECT a.stock_adjustment_id, a.store_id, s.store_code, a.product_id, p.sku, p.name, a.lens_cell_id,
        a.stock_unit_id, a.quantity, a.reason, a.note, a.status, a.needs_approval, a.requested_by,
        a.created_at AS requested_at, a.approved_by AS decided_by, a.approved_at AS decided_at, a.decision_note,
        m.stock_move_id, m.unit_cost, abs(a.quantity) * m.unit_cost AS cost_amount, a.updated_at
    FROM ({chosen}) AS a JOIN stores AS s USING (store_id) JOIN products AS p USING (product_id)
    LEFT JOIN LATERAL (
        SELECT x.stock_move_id, x.unit_cost FROM stock_moves AS x
        WHERE x.reference_type = 'stock_adjustment' AND x.reference_id = a.stock_adjustment_id
        ORDER BY x.stock_move_id LIMIT 1) AS m ON true
    ORDER BY a.stock_adjustment_id DESC"""


async def list_adjustments(
    action: Action, paging: Paging, *, store_id: int | None = None, status: str | None = None
) -> Page:
    """Adjustments in reach, the newest first. Raises OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    stores = action.reach.store_ids if store_id is None else [store_id]
    rows = await action.rows(
        ADJUSTMENTS.format(
            chosen="SELECT * FROM stock_adjustments WHERE stock_adjustment_id < %(after)s"
            " AND (%(stores)s::bigint[] IS NULL OR store_id = ANY(%(stores)s))"
            " AND (%(status)s::text IS NULL OR status = %(status)s) ORDER BY stock_adjustment_id DESC LIMIT %(limit)s"
        ),
        after=paging.after_id(),
        stores=None if stores is None else sorted(stores),
        status=status,
        limit=paging.fetch,
    )
    return paging.page(rows, ("stock_adjustment_id",))


async def show_adjustment(action: Action, adjustment_id: int) -> Row:
    """One adjustment. Raises NotFound, OutOfReach."""
    chosen = "SELECT * FROM stock_adjustments WHERE stock_adjustment_id = %(adjustment_id)s"
    row = await action.row(ADJUSTMENTS.format(chosen=chosen), adjustment_id=adjustment_id)
    if row is None:
        raise await action.missing("stock_adjustments", adjustment_id, "stock adjustment")
    action.check_store(row["store_id"])
    return row


async def request_adjustment(action: Action, values: Mapping[str, Any]) -> Row:
    """Adjust, or ask somebody else to allow it: `status` says which.

    Raises OutOfReach, Invalid `wrong-direction` and what `goods_of` raises, and what the ledger raises.
    """
    action.check_store(values["store_id"])
    store = await check_open(action, values["store_id"], "store_id")
    quantity, reason = values["quantity"], values["reason"]
    if ONE_WAY.get(reason, quantity) * quantity < 0:
        rule = f"must be {'positive' if quantity < 0 else 'negative'} for the reason {reason}"
        raise Invalid("wrong-direction", f"The quantity {rule}.", Fault("quantity", rule))
    if values["stock_unit_id"] is not None and abs(quantity) != 1:
        raise Invalid("rule-broken", "A unit is one.", Fault("quantity", "is 1 or -1 of a unit"))
    # what is there without a serial may leave, and nothing comes in without one
    (goods,) = await goods_of(action, values["store_id"], [values], path="", units=quantity > 0)
    needs_approval = await _needs_approval(action, abs(quantity), goods["unit_cost"])
    adjustment = await action.one(
        "INSERT INTO stock_adjustments (store_id, product_id, lens_cell_id, stock_unit_id, quantity, reason, note,"
        " status, needs_approval, requested_by) VALUES (%(store_id)s, %(product_id)s, %(lens_cell_id)s,"
        " %(stock_unit_id)s, %(quantity)s, %(reason)s, %(note)s, %(status)s, %(needs_approval)s, %(user_id)s)"
        " RETURNING *",
        **{name: values[name] for name in ("store_id", "product_id", "lens_cell_id", "stock_unit_id", "note")},
        quantity=quantity,
        reason=reason,
        status="pending" if needs_approval else "posted",
        needs_approval=needs_approval,
        user_id=action.user.user_id,
    )
    key = adjustment["stock_adjustment_id"]
    said = {"sku": goods["sku"], "quantity": quantity, "reason": reason, "note": values["note"]}
    if needs_approval:
        action.note("stock.adjustment_requested", REFERENCE, key, store_id=values["store_id"], after=said)
        summary = f"{quantity:+} {goods['sku']} in store {store['store_code']}: {reason}."
        payload = {"what": "stock adjustment", "reference": str(key), "requested_by": action.user.username}
        await tell_deciders(
            action,
            "approval.needed",
            {**payload, "summary": summary},
            permission="stock:approve",
            store_id=values["store_id"],
        )
    else:
        await _post(action, adjustment, goods["unit_cost"])
        action.note("stock.adjusted", REFERENCE, key, store_id=values["store_id"], after=said)
    return await show_adjustment(action, key)


async def approve_adjustment(action: Action, adjustment_id: int, note: str | None = None) -> Row:
    """Post what somebody else asked for. Raises NotPermitted `own-request`, Conflict, and what the ledger raises."""
    adjustment = await _lock(action, adjustment_id)
    await _decide(action, adjustment_id, "posted", note)
    (goods,) = await goods_of(action, adjustment["store_id"], [adjustment], path="", units=False)
    await _post(action, adjustment, goods["unit_cost"])
    said = {"sku": goods["sku"], "quantity": adjustment["quantity"], "reason": adjustment["reason"], "note": note}
    action.note("stock.adjusted", REFERENCE, adjustment_id, store_id=adjustment["store_id"], after=said)
    await _tell(action, adjustment, "approved", note)
    return await show_adjustment(action, adjustment_id)


async def refuse_adjustment(action: Action, adjustment_id: int, note: str) -> Row:
    """Refuse what somebody else asked for; nothing moves. Raises NotPermitted `own-request`, Conflict."""
    adjustment = await _lock(action, adjustment_id)
    await _decide(action, adjustment_id, "refused", note)
    said = {"quantity": adjustment["quantity"], "reason": adjustment["reason"], "note": note}
    action.note("stock.adjustment_refused", REFERENCE, adjustment_id, store_id=adjustment["store_id"], after=said)
    await _tell(action, adjustment, "refused", note)
    return await show_adjustment(action, adjustment_id)


async def _needs_approval(action: Action, units: int, unit_cost: Decimal | None) -> bool:
    if units > await setting(action, "adjustment_approval_limit_units"):
        return True
    limit = await setting(action, "adjustment_approval_limit_amount")
    return unit_cost is not None and bool(units * unit_cost > limit)


async def _post(action: Action, adjustment: Row, unit_cost: Decimal | None) -> None:
    shelf, loss = await location(action, "store", adjustment["store_id"]), await location(action, "loss")
    source, destination = (loss, shelf) if adjustment["quantity"] > 0 else (shelf, loss)
    move = Move(
        adjustment["product_id"], abs(adjustment["quantity"]), source, destination,
        KINDS.get(adjustment["reason"], "adjustment"), adjustment["lens_cell_id"], adjustment["stock_unit_id"],
        unit_cost, REFERENCE, adjustment["stock_adjustment_id"],
    )  # fmt: skip
    await post_moves(action, [move], await business_day(action))


async def _lock(action: Action, adjustment_id: int) -> Row:
    adjustment = await action.row(
        "SELECT * FROM stock_adjustments WHERE stock_adjustment_id = %(key)s FOR UPDATE", key=adjustment_id
    )
    if adjustment is None:
        raise await action.missing("stock_adjustments", adjustment_id, "stock adjustment")
    action.check_store(adjustment["store_id"])
    if adjustment["status"] != "pending":
        raise Conflict(
            "not-allowed-now",
            f"Adjustment {adjustment_id} is {adjustment['status']}; nothing is to be decided.",
            status_now=adjustment["status"],
            possible=[],
        )
    action.check_other(adjustment["requested_by"])
    return adjustment


async def _decide(action: Action, adjustment_id: int, status: str, note: str | None) -> None:
    await action.execute(
        "UPDATE stock_adjustments SET status = %(status)s, approved_by = %(user_id)s, approved_at = now(),"
        " decision_note = %(note)s WHERE stock_adjustment_id = %(key)s",
        status=status,
        user_id=action.user.user_id,
        note=note,
        key=adjustment_id,
    )


async def _tell(action: Action, adjustment: Row, decision: str, note: str | None) -> None:
    payload = {
        "what": "stock adjustment",
        "reference": str(adjustment["stock_adjustment_id"]),
        "decision": decision,
        "decided_by": action.user.username,
        "summary": note or "",
    }
    await tell_user(action, "approval.decided", payload, adjustment["requested_by"])
