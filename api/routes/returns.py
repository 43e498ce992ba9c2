"""`/returns`: goods of delivered orders that came back, and their credit notes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import In, Key, Out, PathKey, Quantity, Text
from api.routes.orders import RefundIn
from api.services import returns
from api.services.paging import Paging

Kind = Literal["return", "exchange", "credit_note"]
Condition = Literal["good", "opened", "damaged"]


class ReturnLineIn(In):
    """Units of one line that came back in one condition; of serialised goods, which."""

    sales_order_line_id: Key
    quantity: Quantity
    condition: Condition
    stock_unit_ids: Annotated[list[Key], Field(max_length=1000)] = Field(default_factory=list)


class ReturnIn(In):
    """What came back and why; with `refund`, what was paid for it is given back at once."""

    kind: Kind = "return"
    reason: Text
    lines: Annotated[list[ReturnLineIn], Field(min_length=1, max_length=100)]
    refund: RefundIn | None = None


class ReturnLineOut(Out):
    """A line of a return."""

    sales_return_line_id: int
    sales_order_line_id: int
    product_id: int
    quantity: int
    condition: Condition
    taxable_amount: Decimal
    tax_amount: Decimal


class ReturnItem(Out):
    """A return in a list."""

    sales_return_id: int
    return_number: str
    sales_order_id: int
    store_id: int
    kind: Kind
    returned_on: dt.date
    reason: str
    credit_note_number: str | None = None
    taxable_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    created_by: int
    created_at: dt.datetime


class ReturnOut(ReturnItem):
    """A return with its lines."""

    lines: list[ReturnLineOut]


class ReturnPage(Out):
    """Returns, the newest first."""

    items: list[ReturnItem]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of returns."""
    router = APIRouter(tags=["returns"])

    @router.post("/orders/{order_id}/returns", summary="Take goods back", status_code=201, response_model=ReturnOut)
    async def take(
        caller: Annotated[Caller, Depends(creating("order:return"))], order_id: PathKey, body: ReturnIn
    ) -> Response:
        return await caller.create(returns.return_goods, order_id, body.model_dump())

    @router.get("/returns", summary="Returns in reach", response_model=ReturnPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("order:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        order_id: Annotated[Key | None, Query()] = None,
    ) -> Response:
        return await caller.read(returns.list_returns, page, store_id, order_id)

    @router.get("/returns/{return_id}", summary="One return with its lines", response_model=ReturnOut)
    async def show(caller: Annotated[Caller, Depends(may("order:read"))], return_id: PathKey) -> Response:
        return await caller.read(returns.show_return, return_id)

    return router
