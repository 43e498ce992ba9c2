"""Expenses: submitted by one person, decided by another, paid by an accountant. The states are in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.refusals import Conflict, Fault, Invalid, NotPermitted
from api.services.action import Action, Row
from api.services.approval_limits import check_limit
from api.services.ledger import business_day
from api.services.paging import Page, Paging
from api.services.transactions import widen

COLUMNS = (
    "e.expense_id, e.store_id, c.code AS category, e.spent_on, e.amount, e.tax_amount, e.description, e.state,"
    " e.submitted_by, e.submitted_at, e.decided_by, e.decided_at, e.decision_note, e.paid_at, e.paid_by, e.version,"
    " e.updated_at"
)
FROM = "FROM expenses AS e JOIN expense_categories AS c USING (expense_category_id)"
LOCK = "SELECT 1 FROM expenses WHERE expense_id = %(key)s FOR UPDATE"
STEPS = {
    "change": ("submitted",),
    "approve": ("submitted",),
    "refuse": ("submitted",),
    "pay": ("approved",),
}


async def list_categories(action: Action) -> Row:
    """What money may be spent on."""
    rows = await action.rows("SELECT code, name FROM expense_categories WHERE is_active ORDER BY code")
    return {"items": rows}


async def list_expenses(
    action: Action, paging: Paging, *, store_id: int | None = None, state: str | None = None
) -> Page:
    """Expenses in reach, the newest first; only the user's own for staff and buyers. Raises OutOfReach."""
    action = await _own_anywhere(action)
    if store_id is not None:
        action.check_store(store_id)
    wanted: dict[str, Any] = {"store_id": store_id, "state": state}
    chosen = [f"e.{name} = %({name})s" for name, value in wanted.items() if value is not None]
    if action.reach.store_ids is not None:
        chosen.append("e.store_id = ANY(%(stores)s)")
    if action.reach.own_records:
        chosen.append("e.submitted_by = %(user_id)s")
    rows = await action.rows(
        f"SELECT {COLUMNS} {FROM} WHERE {' AND '.join(['e.expense_id < %(after)s', *chosen])}"
        " ORDER BY e.expense_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        stores=None if action.reach.store_ids is None else sorted(action.reach.store_ids),
        user_id=action.user.user_id,
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("expense_id",))


async def show_expense(action: Action, expense_id: int) -> Row:
    """One expense. Raises NotFound, OutOfReach, NotPermitted for another's where only one's own may be seen."""
    action = await _own_anywhere(action)
    row = await action.row(f"SELECT {COLUMNS} {FROM} WHERE e.expense_id = %(key)s", key=expense_id)
    if row is None:
        raise await action.missing("expenses", expense_id, "expense")
    action.check_store(row["store_id"])
    action.check_record(row["submitted_by"])
    return row


async def submit_expense(action: Action, values: Mapping[str, Any]) -> Row:
    """Submit an expense of a store. Raises OutOfReach, Invalid."""
    action.check_store(values["store_id"])
    checked = await _checked(action, values)
    expense_id = await action.value(
        "INSERT INTO expenses (store_id, expense_category_id, spent_on, amount, tax_amount, description, state,"
        " submitted_by, submitted_at) VALUES (%(store_id)s, %(expense_category_id)s, %(spent_on)s, %(amount)s,"
        " %(tax_amount)s, %(description)s, 'submitted', %(user_id)s, now()) RETURNING expense_id",
        user_id=action.user.user_id,
        **checked,
    )
    row = await action.one(f"SELECT {COLUMNS} {FROM} WHERE e.expense_id = %(key)s", key=expense_id)
    action.note("expense.submitted", "expense", expense_id, store_id=row["store_id"], after=row)
    return row


async def change_expense(action: Action, expense_id: int, changes: Mapping[str, Any]) -> Row:
    """Correct an expense that waits for its decision; only who submitted it does."""
    before = await _lock(action, expense_id, "change")
    if before["submitted_by"] != action.user.user_id:
        raise NotPermitted("not-own-record", "Only who submitted an expense corrects it; refuse it instead.")
    if not changes:
        return before
    checked = await _checked(action, {**before, **changes})
    columns = ("expense_category_id", "spent_on", "amount", "tax_amount", "description")
    wanted = {name: checked[name] for name in columns}
    await action.update("expenses", "expense_id", expense_id, {**wanted, "version": before["version"] + 1})
    after = await action.one(f"SELECT {COLUMNS} {FROM} WHERE e.expense_id = %(key)s", key=expense_id)
    action.note("expense.changed", "expense", expense_id, store_id=after["store_id"], before=before, after=after)
    return after


async def decide_expense(action: Action, expense_id: int, step: str, note: str | None) -> Row:
    """Approve or refuse. Raises NotPermitted for one's own or above one's limit, Conflict when it is decided."""
    before = await _lock(action, expense_id, step)
    action.check_other(before["submitted_by"])
    if step == "approve":
        await check_limit(action, before["amount"], "expense")
    state = "approved" if step == "approve" else "refused"
    await action.execute(
        "UPDATE expenses SET state = %(state)s, decided_by = %(user_id)s, decided_at = now(), decision_note = %(note)s,"
        " version = version + 1 WHERE expense_id = %(key)s",
        state=state,
        note=note,
        user_id=action.user.user_id,
        key=expense_id,
    )
    return await _noted(action, f"expense.{state}", before)


async def pay_expense(action: Action, expense_id: int) -> Row:
    """Mark an approved expense as paid; not one's own."""
    before = await _lock(action, expense_id, "pay")
    action.check_other(before["submitted_by"])
    await action.execute(
        "UPDATE expenses SET state = 'paid', paid_at = now(), paid_by = %(user_id)s, version = version + 1"
        " WHERE expense_id = %(key)s",
        user_id=action.user.user_id,
        key=expense_id,
    )
    return await _noted(action, "expense.paid", before)


async def _own_anywhere(action: Action) -> Action:
    """Who sees only their own expenses sees them for every store: a buyer has none, a seller may have changed it."""
    return await widen(action) if action.reach.own_records else action


async def _lock(action: Action, expense_id: int, step: str) -> Row:
    await action.row(LOCK, key=expense_id)
    row = await show_expense(action, expense_id)
    if row["state"] not in STEPS[step]:
        raise Conflict("not-allowed-now", f"Expense {expense_id} is {row['state']} already.", status_now=row["state"])
    return row


async def _checked(action: Action, values: Mapping[str, Any]) -> dict[str, Any]:
    category_id = await action.value(
        "SELECT expense_category_id FROM expense_categories WHERE code = %(code)s AND is_active",
        code=values["category"],
    )
    if category_id is None:
        rule = "names no category of expenses"
        raise Invalid("unknown-category", f"category {rule}.", Fault("category", rule))
    if values["spent_on"] > await business_day(action):
        rule = "lies in the future"
        raise Invalid("not-yet", f"spent_on {rule}.", Fault("spent_on", rule))
    if values["tax_amount"] >= values["amount"]:
        rule = "is part of the amount, and less than it"
        raise Invalid("tax-above-amount", f"tax_amount {rule}.", Fault("tax_amount", rule))
    return {**values, "expense_category_id": category_id}


async def _noted(action: Action, kind: str, before: Row) -> Row:
    after = await action.one(f"SELECT {COLUMNS} {FROM} WHERE e.expense_id = %(key)s", key=before["expense_id"])
    action.note(kind, "expense", before["expense_id"], store_id=before["store_id"], before=before, after=after)
    return after
