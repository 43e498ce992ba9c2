"""Discounts: how much a role may give on which class of products, and asking somebody else for more.

An approval is for the order's lines as they were when it was asked for; lines written later need another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from api.identity.policy import highest
from api.refusals import Conflict, Fault, NotPermitted
from api.services.action import Action, Row
from api.services.order_lines import lines_of
from api.services.order_state import check_step, lock_order
from api.services.paging import Page, Paging

COLUMNS = (
    "discount_approval_id, sales_order_id, requested_share, allowed_share, reason, state, requested_by, requested_at,"
    " decided_by, decided_at"
)
CLASSES = "SELECT product_id, discount_class FROM products WHERE product_id = ANY(%(ids)s)"


async def caps_of(action: Action) -> dict[str, Decimal]:
    """The largest share that the user may give on each class of products: that of their highest role."""
    rows = await action.rows(
        "SELECT discount_class, cap_share FROM discount_caps WHERE role = %(role)s", role=highest(action.user.roles)
    )
    return {row["discount_class"]: row["cap_share"] for row in rows}


async def check_discounts(action: Action, order: Row, lines: Sequence[Row], classes: Sequence[str]) -> None:
    """Raises Conflict `discount-needs-approval` for a discount above the user's cap that nobody allowed."""
    if not any(line["discount_share"] for line in lines):
        return
    caps = await caps_of(action)
    approved = await action.value(
        "SELECT max(requested_share) FROM discount_approvals WHERE sales_order_id = %(order_id)s"
        " AND state = 'approved' AND requested_at > %(written_at)s",
        order_id=order["sales_order_id"],
        written_at=max(line["created_at"] for line in lines),
    )
    for number, (line, its_class) in enumerate(zip(lines, classes, strict=True)):
        share, cap = line["discount_share"] or Decimal(0), caps.get(its_class, Decimal(0))
        if share > cap and share > (approved or 0):
            rule = f"is {share:.2%}; you may give {cap:.2%} on {its_class} products"
            raise Conflict(
                "discount-needs-approval",
                f"The discount of line {number} {rule}. Ask for an approval of the order's discounts.",
                Fault(f"lines.{number}.discount_share", rule),
                cap_share=str(cap),
            )


async def request_approval(action: Action, order_id: int, reason: str | None) -> Row:
    """Ask somebody else to allow the discounts of a draft that are above the user's caps."""
    order = await lock_order(action, order_id)
    check_step(order, "change")
    lines = await lines_of(action, order)
    classes = await _classes(action, lines)
    caps = await caps_of(action)
    above = [
        (line["discount_share"], caps.get(each, Decimal(0)))
        for line, each in zip(lines, classes, strict=True)
        if line["discount_share"] and line["discount_share"] > caps.get(each, Decimal(0))
    ]
    if not above:
        raise Conflict("no-approval-needed", "You may give every discount of this order yourself.")
    row = await action.one(
        "INSERT INTO discount_approvals (sales_order_id, requested_share, allowed_share, reason, requested_by,"
        " requested_at) VALUES (%(order_id)s, %(share)s, %(cap)s, %(reason)s, %(user_id)s, clock_timestamp())"
        f" RETURNING {COLUMNS}",
        order_id=order_id,
        share=max(share for share, _ in above),
        cap=min(cap for _, cap in above),
        reason=reason,
        user_id=action.user.user_id,
    )
    action.note("discount.requested", "sales_order", order_id, store_id=order["store_id"], after=_said(row))
    return row


async def list_approvals(action: Action, paging: Paging, state: str | None = None) -> Page:
    """Approvals asked for in stores in reach, the newest first."""
    stores = action.reach.store_ids
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM discount_approvals JOIN (SELECT sales_order_id, store_id FROM sales_orders) AS o"
        " USING (sales_order_id) WHERE discount_approval_id < %(after)s"
        " AND (%(stores)s::bigint[] IS NULL OR o.store_id = ANY(%(stores)s))"
        " AND (%(state)s::text IS NULL OR state = %(state)s)"
        " ORDER BY discount_approval_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        stores=None if stores is None else sorted(stores),
        state=state,
        limit=paging.fetch,
    )
    return paging.page(rows, ("discount_approval_id",))


async def decide(action: Action, approval_id: int, is_approved: bool) -> Row:
    """Approve or refuse. Raises NotPermitted for one's own request or above one's own caps, Conflict when decided."""
    asked = await action.row(
        "SELECT sales_order_id FROM discount_approvals WHERE discount_approval_id = %(id)s", id=approval_id
    )
    if asked is None:
        raise await action.missing("discount_approvals", approval_id, "discount approval")
    order = await lock_order(action, asked["sales_order_id"])
    before = await action.one(
        f"SELECT {COLUMNS} FROM discount_approvals WHERE discount_approval_id = %(id)s FOR UPDATE", id=approval_id
    )
    action.check_other(before["requested_by"])
    if before["state"] != "requested":
        raise Conflict("decided-already", f"This request is {before['state']} already.")
    if is_approved:
        check_step(order, "change")
        lines = await lines_of(action, order)
        if any(line["created_at"] > before["requested_at"] for line in lines):
            raise Conflict("lines-changed", "The order's lines changed since; its seller must ask again.")
        caps = await caps_of(action)
        for line, each in zip(lines, await _classes(action, lines), strict=True):
            if (line["discount_share"] or 0) > caps.get(each, Decimal(0)):
                raise NotPermitted(
                    "above-own-cap",
                    f"You may give {caps.get(each, Decimal(0)):.2%} on {each} products yourself, and allow no more.",
                )
    after = await action.one(
        "UPDATE discount_approvals SET state = %(state)s, decided_by = %(user_id)s, decided_at = now()"
        f" WHERE discount_approval_id = %(id)s RETURNING {COLUMNS}",
        state="approved" if is_approved else "refused",
        user_id=action.user.user_id,
        id=approval_id,
    )
    kind = "discount.approved" if is_approved else "discount.refused"
    action.note(
        kind,
        "sales_order",
        order["sales_order_id"],
        store_id=order["store_id"],
        before=_said(before),
        after=_said(after),
    )
    return after


async def _classes(action: Action, lines: Sequence[Row]) -> list[str]:
    rows = await action.rows(CLASSES, ids=[line["product_id"] for line in lines])
    found = {row["product_id"]: row["discount_class"] for row in rows}
    return [found[line["product_id"]] for line in lines]


def _said(row: Row) -> Row:
    return {name: row[name] for name in ("discount_approval_id", "requested_share", "allowed_share", "state")}
