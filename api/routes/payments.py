"""`/orders/{order_id}/payments` and `/refunds`: money for an order, received and given back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.routes.caller import Caller, creating, may
from api.routes.fields import In, Out, PathKey
from api.services import payments

Method = Literal["cash", "upi", "card", "bank_transfer", "emi", "credit", "gift_voucher"]
# what a slip or a bank prints: neither a sentence nor a place for card data
Reference = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/@#-]*$")]
Paid = Annotated[Decimal, Field(gt=0, le=Decimal("999999999.99"), decimal_places=2)]


class PaymentIn(In):
    """Money to record: how, how much, and the number of the slip or transfer. Never the number of a card."""

    method: Method
    amount: Paid
    reference: Reference | None = None


class PaymentOut(Out):
    """Money received, or given back."""

    payment_id: int
    sales_order_id: int | None = None
    kind: Literal["payment", "refund"]
    method: Method
    amount: Decimal
    reference: str | None = None
    received_at: dt.datetime
    received_by: int | None = None


class PaymentList(Out):
    """The payments of an order, the first first; they are never more than one page."""

    items: list[PaymentOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of payments."""
    router = APIRouter(prefix="/orders/{order_id}", tags=["payments"])

    @router.get("/payments", summary="Payments of an order", response_model=PaymentList)
    async def browse(caller: Annotated[Caller, Depends(may("payment:read"))], order_id: PathKey) -> Response:
        return await caller.read(payments.list_payments, order_id)

    @router.post("/payments", summary="Record a payment", status_code=201, response_model=PaymentOut)
    async def take(
        caller: Annotated[Caller, Depends(creating("payment:take"))], order_id: PathKey, body: PaymentIn
    ) -> Response:
        return await caller.create(payments.take_payment, order_id, body.model_dump())

    @router.post("/refunds", summary="Record money given back", status_code=201, response_model=PaymentOut)
    async def refund(
        caller: Annotated[Caller, Depends(creating("payment:refund"))], order_id: PathKey, body: PaymentIn
    ) -> Response:
        return await caller.create(payments.refund_payment, order_id, body.model_dump())

    return router
