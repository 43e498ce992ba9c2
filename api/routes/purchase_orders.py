"""`/purchase-orders`: orders at vendors from draft to receipt."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Day, In, Key, Note, Out, PathKey, Quantity, Text
from api.routes.receipts import ReceiptIn, ReceiptOut, UnitCost
from api.services import purchasing, purchasing_drafting, purchasing_moving, receiving
from api.services.paging import Paging
from api.services.purchasing_state import LOCK

Status = Literal["draft", "approved", "sent", "acknowledged", "partially_received", "received", "cancelled"]
MOST_LINES = 500


class PurchaseOrderLineIn(In):
    """Units of a product, or of one power of it. Cost and day are those of the supply terms where left out."""

    product_id: Key
    lens_cell_id: Key | None = None
    quantity: Quantity
    unit_cost: UnitCost | None = None
    expected_on: Day | None = None


Lines = Annotated[list[PurchaseOrderLineIn], Field(max_length=MOST_LINES)]


class PurchaseOrderIn(In):
    """A draft for one store."""

    vendor_id: Key
    delivery_store_id: Key
    expected_on: Day | None = None
    note: Note | None = None
    lines: Lines = Field(default_factory=list)


class PurchaseOrderChange(In):
    """Terms of a draft; members left out stay."""

    expected_on: Day | None = None
    note: Note | None = None


class PurchaseOrderLinesIn(In):
    """All lines of a draft, in place of those it has."""

    lines: Lines


class AcknowledgeIn(In):
    """The day the vendor promises, where it is another one."""

    expected_on: Day | None = None


class PurchaseOrderCancelIn(In):
    """Why."""

    reason: Text


class LineOut(Out):
    """A line; `open_qty` has still to come, and is 0 while the order is a draft."""

    purchase_order_line_id: int
    store_id: int
    product_id: int
    sku: str
    name: str
    lens_cell_id: int | None = None
    state: Literal["draft", "open", "received", "cancelled"]
    ordered_qty: int | None = None
    open_qty: int
    received_qty: int
    rejected_qty: int
    cancelled_qty: int
    unit_cost: Decimal | None = None
    expected_on: dt.date
    closed_on: dt.date | None = None
    suggestion_id: int | None = None


class PurchaseOrderItem(Out):
    """An order in a list. `lines` is how many it has, `open_units` what has still to come: 0 while it is a draft."""

    purchase_order_id: int
    order_ref: str
    vendor_id: int | None = None
    vendor_code: str | None = None
    vendor_name: str | None = None
    status: Status
    delivery_store_id: int | None = None
    delivery_store_code: str | None = None
    created_by: int | None = None
    approved_by: int | None = None
    approved_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    expected_on: dt.date | None = None
    note: str | None = None
    version: int
    lines: int
    units: int
    open_units: int
    cost_amount: Decimal | None = None
    updated_at: dt.datetime


class PurchaseOrderReceipt(Out):
    """A receipt of the order."""

    goods_receipt_id: int
    receipt_number: str
    received_on: dt.date
    state: str


class PurchaseOrderOut(Out):
    """An order with lines and receipts; `possible` is what may be done with it now."""

    purchase_order_id: int
    order_ref: str
    vendor_id: int | None = None
    vendor_code: str | None = None
    vendor_name: str | None = None
    status: Status
    delivery_store_id: int | None = None
    delivery_store_code: str | None = None
    created_by: int | None = None
    approved_by: int | None = None
    approved_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    expected_on: dt.date | None = None
    note: str | None = None
    version: int
    units: int
    open_units: int
    cost_amount: Decimal | None = None
    updated_at: dt.datetime
    is_below_minimum: bool
    possible: list[str]
    lines: list[LineOut]
    receipts: list[PurchaseOrderReceipt]


class PurchaseOrderPage(Out):
    """Orders, the newest first."""

    items: list[PurchaseOrderItem]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of purchase orders."""
    router = APIRouter(prefix="/purchase-orders", tags=["purchase orders"])

    @router.get("", summary="Purchase orders in reach", response_model=PurchaseOrderPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("purchase:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        vendor_id: Annotated[Key | None, Query()] = None,
        status: Annotated[list[Status] | None, Query(max_length=len(get_args(Status)))] = None,
    ) -> Response:
        wanted: dict[str, Any] = {"store_id": store_id, "vendor_id": vendor_id, "statuses": status}
        return await caller.read(purchasing.list_orders, page, **wanted)

    @router.post("", summary="Draft an order", status_code=201, response_model=PurchaseOrderOut)
    async def draft(caller: Annotated[Caller, Depends(creating("purchase:draft"))], body: PurchaseOrderIn) -> Response:
        return await caller.create(purchasing_drafting.draft_order, body.model_dump())

    @router.get("/{order_id}", summary="One order with lines and receipts", response_model=PurchaseOrderOut)
    async def show(caller: Annotated[Caller, Depends(may("purchase:read"))], order_id: PathKey) -> Response:
        return await caller.read(purchasing.show_order, order_id)

    @router.patch("/{order_id}", summary="Change a draft's terms", response_model=PurchaseOrderOut)
    async def change(
        caller: Annotated[Caller, Depends(may("purchase:draft"))], order_id: PathKey, body: PurchaseOrderChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(purchasing.show_order, LOCK, order_id, purchasing_drafting.change_terms, changes)

    @router.put("/{order_id}/lines", summary="Replace a draft's lines", response_model=PurchaseOrderOut)
    async def change_lines(
        caller: Annotated[Caller, Depends(may("purchase:draft"))], order_id: PathKey, body: PurchaseOrderLinesIn
    ) -> Response:
        lines = body.model_dump()["lines"]
        return await caller.change(purchasing.show_order, LOCK, order_id, purchasing_drafting.change_lines, lines)

    @router.post("/{order_id}/approve", summary="Approve a draft of somebody else", response_model=PurchaseOrderOut)
    async def approve(caller: Annotated[Caller, Depends(may("purchase:approve"))], order_id: PathKey) -> Response:
        return await caller.change(purchasing.show_order, LOCK, order_id, purchasing_moving.approve_order)

    @router.post("/{order_id}/send", summary="Send it to the vendor", response_model=PurchaseOrderOut)
    async def send(caller: Annotated[Caller, Depends(may("purchase:approve"))], order_id: PathKey) -> Response:
        return await caller.change(purchasing.show_order, LOCK, order_id, purchasing_moving.send_order)

    @router.post("/{order_id}/acknowledge", summary="The vendor has confirmed", response_model=PurchaseOrderOut)
    async def acknowledge(
        caller: Annotated[Caller, Depends(may("purchase:approve"))],
        order_id: PathKey,
        body: AcknowledgeIn | None = None,
    ) -> Response:
        day = body.expected_on if body else None
        return await caller.change(purchasing.show_order, LOCK, order_id, purchasing_moving.acknowledge_order, day)

    @router.post("/{order_id}/cancel", summary="Cancel what has not come", response_model=PurchaseOrderOut)
    async def cancel(
        caller: Annotated[Caller, Depends(may("purchase:draft"))], order_id: PathKey, body: PurchaseOrderCancelIn
    ) -> Response:
        return await caller.change(purchasing.show_order, LOCK, order_id, purchasing_moving.cancel_order, body.reason)

    @router.post("/{order_id}/receipts", summary="Receive goods", status_code=201, response_model=ReceiptOut)
    async def receive(
        caller: Annotated[Caller, Depends(creating("purchase:receive"))], order_id: PathKey, body: ReceiptIn
    ) -> Response:
        return await caller.create(receiving.receive, order_id, body.model_dump())

    return router
