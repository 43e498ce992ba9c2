"""Deciding on suggestions: edit, approve (one or many, all or none), refuse. Which step is possible when: the state.

Approving writes the draft order or transfer in the same transaction, so that no decision is without its consequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.refusals import Fault, Invalid
from api.services.action import Action, Row
from api.services.purchasing_terms import check_pack, terms_of
from api.services.suggestion_drafts import draft_orders, quantity_of, show_drafts
from api.services.suggestion_moves import request_transfers, show_requested
from api.services.suggestion_pages import show_suggestion
from api.services.suggestion_state import check_step, lock_suggestions

DECIDE = """
    UPDATE suggestions AS g SET state = d.state, approved_qty = d.quantity,
        decided_qty = CASE d.state WHEN 'refused' THEN 0 ELSE d.quantity END,
        decision_code = coalesce(%(code)s, decision_code), decided_by = %(by)s, decided_at = now(),
        decision_note = coalesce(%(note)s, decision_note)
    FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(quantities)s::integer[]) AS d (suggestion_id, state, quantity)
    WHERE g.suggestion_id = d.suggestion_id"""


async def edit_suggestion(action: Action, suggestion_id: int, changes: Mapping[str, Any]) -> Row:
    """Want another quantity or vendor, for a reason; it stays proposed. Raises Conflict, Invalid `not-a-pack`."""
    (found,) = await lock_suggestions(action, [suggestion_id])
    check_step(found, "edit")
    wanted: dict[str, Any] = {"decision_note": changes["reason"], "decision_code": changes.get("reason_code")}
    if changes.get("vendor_id") is not None:
        wanted["vendor_id"] = await _vendor(action, found, changes["vendor_id"])
    if changes.get("quantity") is not None:
        wanted["approved_qty"] = changes["quantity"]
    after = {**found, **wanted}
    if found["kind"] == "purchase":
        terms = await terms_of(action, after["vendor_id"], found["store_id"], [found["product_id"]])
        check_pack(quantity_of(after), terms[found["product_id"]], "quantity")
    await action.update("suggestions", "suggestion_id", suggestion_id, wanted)
    action.note(
        "suggestion.edited",
        "suggestion",
        suggestion_id,
        store_id=found["store_id"],
        before={"quantity": quantity_of(found), "vendor_id": found["vendor_id"]},
        after={"quantity": quantity_of(after), "vendor_id": after["vendor_id"], "reason": changes["reason"]}
        | {"reason_code": changes.get("reason_code")},
    )
    return await show_suggestion(action, suggestion_id)


async def approve_suggestion(action: Action, suggestion_id: int, note: str | None = None) -> Row:
    """Approve one. Raises Conflict, Invalid, NotPermitted `needs-approval`."""
    await approve_suggestions(action, [suggestion_id], note)
    return await show_suggestion(action, suggestion_id)


async def approve_suggestions(action: Action, ids: Sequence[int], note: str | None = None) -> Row:
    """Approve all of these or none. Raises what hinders the first."""
    found = await lock_suggestions(action, ids)
    for each in found:
        check_step(each, "approve")
    day = found[0]["local_now"].date()
    orders = await draft_orders(action, [each for each in found if each["kind"] == "purchase"], day)
    transfers = await request_transfers(action, [each for each in found if each["kind"] == "transfer"])
    items = [
        {
            "suggestion_id": each["suggestion_id"],
            "state": "approved" if quantity_of(each) == each["suggested_qty"] else "edited",
            "approved_qty": quantity_of(each),
            "purchase_order_id": orders.get(each["suggestion_id"]),
            "stock_transfer_id": transfers.get(each["suggestion_id"]),
        }
        for each in found
    ]
    await _decide(action, items, note)
    for each, item in zip(found, items, strict=True):
        action.note(
            "suggestion.approved", "suggestion", each["suggestion_id"], store_id=each["store_id"], after={**item}
        )
    return {
        "items": items,
        "orders": await show_drafts(action, list(orders.values())),
        "transfers": await show_requested(action, list(transfers.values())),
    }


async def refuse_suggestion(action: Action, suggestion_id: int, reason: str, code: str | None = None) -> Row:
    """Refuse one, for a reason and perhaps its code. Raises Conflict."""
    await refuse_suggestions(action, [suggestion_id], reason, code)
    return await show_suggestion(action, suggestion_id)


async def refuse_suggestions(action: Action, ids: Sequence[int], reason: str, code: str | None = None) -> Row:
    """Refuse all of these or none, for one reason. Raises what hinders the first."""
    found = await lock_suggestions(action, ids)
    for each in found:
        check_step(each, "refuse")
    refused = [{"suggestion_id": each["suggestion_id"], "state": "refused", "approved_qty": None} for each in found]
    await _decide(action, refused, reason, code)
    for each in found:
        said = {"quantity": quantity_of(each), "reason": reason, "reason_code": code}
        action.note("suggestion.refused", "suggestion", each["suggestion_id"], store_id=each["store_id"], after=said)
    return {"suggestion_ids": [each["suggestion_id"] for each in found]}


async def _decide(
    action: Action, items: Sequence[Mapping[str, Any]], note: str | None, code: str | None = None
) -> None:
    await action.execute(
        DECIDE,
        ids=[item["suggestion_id"] for item in items],
        states=[item["state"] for item in items],
        quantities=[item["approved_qty"] for item in items],
        by=action.user.username,
        note=note,
        code=code,
    )


async def _vendor(action: Action, suggestion: Row, vendor_id: int) -> int:
    if suggestion["kind"] != "purchase":
        rule = "is of purchases; this is a transfer between stores"
        raise Invalid("no-purchase", f"A vendor {rule}.", Fault("vendor_id", rule))
    if not await action.value("SELECT is_active FROM vendors WHERE vendor_id = %(vendor_id)s", vendor_id=vendor_id):
        rule = "names no vendor that orders are placed with"
        raise Invalid("unknown-vendor", f"vendor_id {rule}.", Fault("vendor_id", rule))
    return vendor_id
