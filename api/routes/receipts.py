"""`/receipts`: what came of purchase orders. Receiving itself is under its order."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, may, paging
from api.routes.fields import Code, Day, In, Key, Out, PathKey, Text
from api.services import receiving
from api.services.paging import Paging

Reason = Literal["damaged", "wrong_item", "wrong_power", "expired", "over_delivery", "quality", "other"]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
UnitCost = Annotated[Decimal, Field(ge=0, le=Decimal("999999999.9999"), decimal_places=4)]


class ReceiptLineIn(In):
    """What came of one line, in one batch. Rejected goods go back, or into the store's quarantine."""

    purchase_order_line_id: Key
    accepted_qty: Count
    rejected_qty: Count = 0
    reason: Reason | None = None
    rejected_to: Literal["vendor", "quarantine"] = "vendor"
    batch_code: Code | None = None
    expires_on: Day | None = None
    serials: Annotated[list[Code], Field(max_length=1000)] = Field(default_factory=list)
    unit_cost: UnitCost | None = None


class ReceiptIn(In):
    """A delivery. `allow_over` takes in more than was ordered, for who may approve orders."""

    received_on: Day | None = None
    delivery_note: Text | None = None
    allow_over: bool = False
    lines: Annotated[list[ReceiptLineIn], Field(min_length=1, max_length=500)]


class ReceiptLineOut(Out):
    """A line of a receipt."""

    goods_receipt_line_id: int
    purchase_order_line_id: int
    product_id: int
    sku: str
    name: str
    lens_cell_id: int | None = None
    received_qty: int
    accepted_qty: int
    rejected_qty: int
    reason: Reason | None = None
    batch_code: str | None = None
    expires_on: dt.date | None = None
    unit_cost: Decimal | None = None


class ReceiptItem(Out):
    """A receipt in a list; `disputed` where goods were rejected."""

    goods_receipt_id: int
    receipt_number: str
    purchase_order_id: int
    order_ref: str
    vendor_id: int | None = None
    store_id: int
    received_on: dt.date
    state: Literal["draft", "pending_qc", "qc_passed", "qc_failed", "accepted", "disputed"]
    delivery_note: str | None = None
    created_by: int
    updated_at: dt.datetime


class ReceiptOut(ReceiptItem):
    """A receipt with its lines."""

    lines: list[ReceiptLineOut]


class ReceiptPage(Out):
    """Receipts, the newest first."""

    items: list[ReceiptItem]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of receipts."""
    router = APIRouter(prefix="/receipts", tags=["receipts"])

    @router.get("", summary="Receipts in reach", response_model=ReceiptPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("purchase:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        purchase_order_id: Annotated[Key | None, Query()] = None,
    ) -> Response:
        return await caller.read(receiving.list_receipts, page, store_id=store_id, purchase_order_id=purchase_order_id)

    @router.get("/{receipt_id}", summary="One receipt with its lines", response_model=ReceiptOut)
    async def show(caller: Annotated[Caller, Depends(may("purchase:read"))], receipt_id: PathKey) -> Response:
        return await caller.read(receiving.show_receipt, receipt_id)

    return router
