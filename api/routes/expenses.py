"""`/expenses`: what stores spend beside their goods."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Amount, Code, Day, In, Key, Note, Out, PathKey, Text
from api.services import expenses
from api.services.paging import Paging

State = Literal["draft", "submitted", "approved", "refused", "paid"]
Spent = Annotated[Decimal, Field(gt=0, le=Decimal("999999999.99"), decimal_places=2)]


class ExpenseIn(In):
    """Money spent for a store, with tax in it."""

    store_id: Key
    category: Code
    spent_on: Day
    amount: Spent
    tax_amount: Amount = Decimal(0)
    description: Note


class ExpenseChange(In):
    """Corrections before the decision; members left out stay."""

    category: Code | None = None
    spent_on: Day | None = None
    amount: Spent | None = None
    tax_amount: Amount | None = None
    description: Note | None = None


class DecisionIn(In):
    """What there is to say about it."""

    note: Text | None = None


class RefusalIn(In):
    """Why not."""

    reason: Text


class ExpenseOut(Out):
    """An expense."""

    expense_id: int
    store_id: int
    category: str
    spent_on: dt.date
    amount: Decimal
    tax_amount: Decimal
    description: str
    state: State
    submitted_by: int
    submitted_at: dt.datetime | None = None
    decided_by: int | None = None
    decided_at: dt.datetime | None = None
    decision_note: str | None = None
    paid_at: dt.datetime | None = None
    paid_by: int | None = None
    version: int
    updated_at: dt.datetime


class ExpensePage(Out):
    """Expenses, the newest first."""

    items: list[ExpenseOut]
    next_cursor: str | None = None


class CategoryOut(Out):
    """What money is spent on."""

    code: str
    name: str


class CategoryList(Out):
    """Every category."""

    items: list[CategoryOut]


def create_router() -> APIRouter:
    """The routes of expenses."""
    router = APIRouter(prefix="/expenses", tags=["expenses"])

    @router.get("", summary="Expenses in reach", response_model=ExpensePage)
    async def browse(
        caller: Annotated[Caller, Depends(may("expense:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        state: State | None = None,
    ) -> Response:
        return await caller.read(expenses.list_expenses, page, store_id=store_id, state=state)

    @router.post("", summary="Submit an expense", status_code=201, response_model=ExpenseOut)
    async def submit(caller: Annotated[Caller, Depends(creating("expense:submit"))], body: ExpenseIn) -> Response:
        return await caller.create(expenses.submit_expense, body.model_dump())

    @router.get("/categories", summary="What money is spent on", response_model=CategoryList)
    async def categories(caller: Annotated[Caller, Depends(may("expense:submit"))]) -> Response:
        return await caller.read(expenses.list_categories)

    @router.get("/{expense_id}", summary="One expense", response_model=ExpenseOut)
    async def show(caller: Annotated[Caller, Depends(may("expense:read"))], expense_id: PathKey) -> Response:
        return await caller.read(expenses.show_expense, expense_id)

    @router.patch("/{expense_id}", summary="Correct one's own before it is decided", response_model=ExpenseOut)
    async def change(
        caller: Annotated[Caller, Depends(may("expense:submit"))], expense_id: PathKey, body: ExpenseChange
    ) -> Response:
        changes = body.model_dump(exclude_none=True)
        return await caller.change(expenses.show_expense, expenses.LOCK, expense_id, expenses.change_expense, changes)

    @router.post("/{expense_id}/approve", summary="Approve somebody else's", response_model=ExpenseOut)
    async def approve(
        caller: Annotated[Caller, Depends(may("expense:approve"))],
        expense_id: PathKey,
        body: DecisionIn | None = None,
    ) -> Response:
        note = body.note if body else None
        decide = expenses.decide_expense
        return await caller.change(expenses.show_expense, expenses.LOCK, expense_id, decide, "approve", note)

    @router.post("/{expense_id}/refuse", summary="Refuse somebody else's, with a reason", response_model=ExpenseOut)
    async def refuse(
        caller: Annotated[Caller, Depends(may("expense:approve"))], expense_id: PathKey, body: RefusalIn
    ) -> Response:
        decide = expenses.decide_expense
        return await caller.change(expenses.show_expense, expenses.LOCK, expense_id, decide, "refuse", body.reason)

    @router.post("/{expense_id}/pay", summary="Mark an approved one as paid", response_model=ExpenseOut)
    async def pay(caller: Annotated[Caller, Depends(may("expense:pay"))], expense_id: PathKey) -> Response:
        return await caller.change(expenses.show_expense, expenses.LOCK, expense_id, expenses.pay_expense)

    return router
