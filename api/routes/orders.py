"""`/orders`: sales orders from draft to delivery, and the discounts that somebody else must allow."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Code, Day, In, Key, Out, PathKey, Quantity, Share, Text
from api.routes.payments import Method, PaymentOut, Reference
from api.services import orders, orders_cancelling, orders_confirming, orders_drafting, orders_moving
from api.services.order_state import LOCK
from api.services.paging import Paging

Status = Literal["draft", "confirmed", "processing", "ready", "delivered", "cancelled", "returned"]
Channel = Literal["store", "online", "phone"]
Dioptres = Annotated[Decimal, Field(ge=-25, le=25, multiple_of=Decimal("0.25"))]
MOST_LINES = 100


class PowerIn(In):
    """The power of a stocked lens, in dioptres."""

    sph: Dioptres
    cyl: Dioptres = Decimal(0)
    add: Dioptres | None = None


class SalesOrderLineIn(In):
    """A product to sell; the price is the store's, never the caller's."""

    product_id: Key
    quantity: Quantity = 1
    discount_share: Share | None = None
    lens_cell_id: Key | None = None
    power: PowerIn | None = None
    prescription_id: Key | None = None
    pair_group: Annotated[int, Field(ge=1, le=100)] | None = None
    eye: Literal["right", "left"] | None = None


Lines = Annotated[list[SalesOrderLineIn], Field(max_length=MOST_LINES)]


class SalesOrderIn(In):
    """A draft. Its seller is the caller where none is named."""

    store_id: Key
    customer_id: Key | None = None
    patient_id: Key | None = None
    salesperson_id: Key | None = None
    channel: Channel = "store"
    expected_on: Day | None = None
    lines: Lines = Field(default_factory=list)


class SalesOrderChange(In):
    """Terms of a draft; members left out stay."""

    customer_id: Key | None = None
    patient_id: Key | None = None
    salesperson_id: Key | None = None
    channel: Channel | None = None
    expected_on: Day | None = None


class SalesOrderLinesIn(In):
    """All lines of a draft, in place of those it has."""

    lines: Lines


class RefundIn(In):
    """How the money goes back."""

    method: Method
    reference: Reference | None = None


class SalesOrderCancelIn(In):
    """Why, and how what was paid goes back."""

    reason: Text
    refund: RefundIn | None = None


class OrderLineOut(Out):
    """A line; `net_amount` is its taxable value."""

    sales_order_line_id: int
    line_ref: str
    product_id: int
    sku: str
    name: str
    quantity: int
    mrp: Decimal | None = None
    unit_price: Decimal | None = None
    discount_share: Decimal | None = None
    discount_amount: Decimal | None = None
    tax_rate: Decimal | None = None
    net_amount: Decimal | None = None
    tax_amount: Decimal | None = None
    line_total: Decimal | None = None
    cost_at_sale: Decimal | None = None
    lens_cell_id: int | None = None
    prescription_id: int | None = None
    pair_group: int | None = None
    eye: str | None = None
    returned_qty: int


class SalesOrderItem(Out):
    """An order in a list."""

    sales_order_id: int
    order_number: str
    store_id: int
    customer_id: int | None = None
    salesperson_id: int | None = None
    channel: Channel
    kind: Literal["quick", "prescription"]
    status: Status
    ordered_on: dt.date
    expected_on: dt.date | None = None
    invoice_number: str | None = None
    total_amount: Decimal | None = None
    paid_amount: Decimal | None = None
    returned_amount: Decimal | None = None
    due_amount: Decimal | None = None
    payment_status: Literal["unpaid", "partial", "paid", "refunded"] | None = None
    updated_at: dt.datetime


class SalesOrderOut(SalesOrderItem):
    """An order with its lines and payments; `possible` is what may be done with it now."""

    patient_id: int | None = None
    created_by: int | None = None
    confirmed_at: dt.datetime | None = None
    ready_at: dt.datetime | None = None
    delivered_at: dt.datetime | None = None
    cancelled_at: dt.datetime | None = None
    cancel_reason: str | None = None
    invoiced_on: dt.date | None = None
    place_of_supply: str | None = None
    subtotal_amount: Decimal | None = None
    discount_amount: Decimal | None = None
    taxable_amount: Decimal | None = None
    tax_amount: Decimal | None = None
    version: int
    possible: list[str]
    lines: list[OrderLineOut]
    payments: list[PaymentOut]


class SalesOrderPage(Out):
    """Orders, the newest first."""

    items: list[SalesOrderItem]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of sales orders."""
    router = APIRouter(prefix="/orders", tags=["orders"])

    @router.get("", summary="Sales orders in reach", response_model=SalesOrderPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("order:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        status: Status | None = None,
        customer_id: Annotated[Key | None, Query()] = None,
        from_on: Annotated[Day | None, Query(description="The first day of ordering.")] = None,
        to_on: Annotated[Day | None, Query(description="The last day of ordering.")] = None,
        q: Annotated[Code | None, Query(description="An order's number.")] = None,
    ) -> Response:
        wanted: dict[str, Any] = {"store_id": store_id, "status": status, "customer_id": customer_id}
        return await caller.read(orders.list_orders, page, **wanted, from_on=from_on, to_on=to_on, number=q)

    @router.post("", summary="Draft an order", status_code=201, response_model=SalesOrderOut)
    async def draft(caller: Annotated[Caller, Depends(creating("order:create"))], body: SalesOrderIn) -> Response:
        return await caller.create(orders_drafting.draft_order, body.model_dump())

    @router.get("/{order_id}", summary="One order with lines and payments", response_model=SalesOrderOut)
    async def show(caller: Annotated[Caller, Depends(may("order:read"))], order_id: PathKey) -> Response:
        return await caller.read(orders.show_order, order_id)

    @router.patch("/{order_id}", summary="Change a draft's terms", response_model=SalesOrderOut)
    async def change(
        caller: Annotated[Caller, Depends(may("order:create"))], order_id: PathKey, body: SalesOrderChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(orders.show_order, LOCK, order_id, orders_drafting.change_terms, changes)

    @router.put("/{order_id}/lines", summary="Replace a draft's lines", response_model=SalesOrderOut)
    async def change_lines(
        caller: Annotated[Caller, Depends(may("order:create"))], order_id: PathKey, body: SalesOrderLinesIn
    ) -> Response:
        lines = body.model_dump()["lines"]
        return await caller.change(orders.show_order, LOCK, order_id, orders_drafting.change_lines, lines)

    @router.post("/{order_id}/confirm", summary="Price, check and reserve a draft", response_model=SalesOrderOut)
    async def confirm(caller: Annotated[Caller, Depends(may("order:create"))], order_id: PathKey) -> Response:
        return await caller.change(orders.show_order, LOCK, order_id, orders_confirming.confirm_order)

    @router.post("/{order_id}/process", summary="The workshop has begun", response_model=SalesOrderOut)
    async def process(caller: Annotated[Caller, Depends(may("order:update"))], order_id: PathKey) -> Response:
        return await caller.change(orders.show_order, LOCK, order_id, orders_moving.process_order)

    @router.post("/{order_id}/ready", summary="It waits for the customer", response_model=SalesOrderOut)
    async def ready(caller: Annotated[Caller, Depends(may("order:update"))], order_id: PathKey) -> Response:
        return await caller.change(orders.show_order, LOCK, order_id, orders_moving.ready_order)

    @router.post("/{order_id}/deliver", summary="Hand it over, with its invoice", response_model=SalesOrderOut)
    async def deliver(caller: Annotated[Caller, Depends(may("order:update"))], order_id: PathKey) -> Response:
        return await caller.change(orders.show_order, LOCK, order_id, orders_moving.deliver_order)

    @router.post("/{order_id}/cancel", summary="Cancel it", response_model=SalesOrderOut)
    async def cancel(
        caller: Annotated[Caller, Depends(may("order:cancel"))], order_id: PathKey, body: SalesOrderCancelIn
    ) -> Response:
        refund = body.refund.model_dump() if body.refund else None
        return await caller.change(
            orders.show_order, LOCK, order_id, orders_cancelling.cancel_order, body.reason, refund
        )

    return router
