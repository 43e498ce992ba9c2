"""`/transfers`: goods between two stores, asked for, decided, shipped and received."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import In, Key, Note, Out, PathKey, Quantity, Text
from api.services import (
    transfers,
    transfers_approving,
    transfers_receiving,
    transfers_requesting,
    transfers_shipping,
)
from api.services.paging import Paging
from api.services.transfers_state import LOCK

Status = Literal["requested", "approved", "rejected", "shipped", "partially_received", "received", "cancelled"]
Some = Annotated[int, Field(ge=0, le=1_000_000)]
MOST_LINES = 500


class TransferLineIn(In):
    """What is asked for. Of a product with serials, a number of units or one by its id."""

    product_id: Key
    lens_cell_id: Key | None = None
    stock_unit_id: Key | None = None
    quantity: Quantity


class TransferIn(In):
    """From which store to which; one of the two is the caller's."""

    from_store_id: Key
    to_store_id: Key
    note: Note | None = None
    lines: Annotated[list[TransferLineIn], Field(min_length=1, max_length=MOST_LINES)]


class ApprovedIn(In):
    """What of a line is approved."""

    stock_transfer_line_id: Key
    approved_qty: Some


class TransferApproveIn(In):
    """Lines that are not approved as they were asked for."""

    lines: Annotated[list[ApprovedIn], Field(max_length=MOST_LINES)] = Field(default_factory=list)
    note: Note | None = None


class RejectIn(In):
    """Why not."""

    note: Note


class ShippedIn(In):
    """What of a line is shipped."""

    stock_transfer_line_id: Key
    quantity: Quantity


class ShipIn(In):
    """Without lines, all that is approved; with lines these and no others."""

    lines: Annotated[list[ShippedIn], Field(min_length=1, max_length=MOST_LINES)] | None = None


class ReceivedIn(In):
    """What became of all that was on its way of a line; where not all arrived whole, why."""

    stock_transfer_line_id: Key
    received_qty: Some = 0
    damaged_qty: Some = 0
    lost_qty: Some = 0
    still_in_transit_qty: Some = 0
    reason: Text | None = None


class ReceiveIn(In):
    """Without lines, all that is on its way arrived whole; lines that are not named stay in transit."""

    lines: Annotated[list[ReceivedIn], Field(min_length=1, max_length=MOST_LINES)] | None = None


class TransferCancelIn(In):
    """Why."""

    reason: Note


class TransferLineOut(Out):
    """A line; `in_transit_qty` is what has neither arrived, nor broken, nor been lost."""

    stock_transfer_line_id: int
    product_id: int
    sku: str
    name: str
    lens_cell_id: int | None = None
    sph: Decimal | None = None
    cyl: Decimal | None = None
    add: Decimal | None = None
    stock_unit_id: int | None = None
    serial: str | None = None
    requested_qty: int
    approved_qty: int | None = None
    shipped_qty: int
    received_qty: int
    damaged_qty: int
    lost_qty: int
    in_transit_qty: int
    short_reason: str | None = None
    suggestion_id: int | None = None


class TransferItem(Out):
    """A transfer in a list."""

    stock_transfer_id: int
    from_store_id: int
    from_store_code: str
    to_store_id: int
    to_store_code: str
    status: Status
    note: str | None = None
    requested_by: int
    requested_at: dt.datetime
    decided_by: int | None = None
    decided_at: dt.datetime | None = None
    decision_note: str | None = None
    shipped_by: int | None = None
    shipped_at: dt.datetime | None = None
    received_by: int | None = None
    received_at: dt.datetime | None = None
    requested_qty: int | None = None
    shipped_qty: int | None = None
    received_qty: int | None = None
    short_qty: int | None = None
    in_transit_qty: int | None = None
    is_overdue: bool
    updated_at: dt.datetime


class TransferOut(TransferItem):
    """A transfer with its lines; `possible` is what may be done with it now."""

    possible: list[str]
    lines: list[TransferLineOut]


class TransferPage(Out):
    """Transfers, the newest first."""

    items: list[TransferItem]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of transfers."""
    router = APIRouter(prefix="/transfers", tags=["stock"])

    @router.get("", summary="Transfers of the stores in reach", response_model=TransferPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("transfer:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        side: Annotated[
            transfers.Side | None, Query(description="Only what leaves the stores, or what comes to them.")
        ] = None,
        status: Status | None = None,
    ) -> Response:
        return await caller.read(transfers.list_transfers, page, store_id=store_id, side=side, status=status)

    @router.post("", summary="Ask for goods", status_code=201, response_model=TransferOut)
    async def request(caller: Annotated[Caller, Depends(creating("transfer:request"))], body: TransferIn) -> Response:
        return await caller.create(transfers_requesting.request_transfer, body.model_dump())

    @router.get("/{transfer_id}", summary="One transfer with its lines", response_model=TransferOut)
    async def show(caller: Annotated[Caller, Depends(may("transfer:read"))], transfer_id: PathKey) -> Response:
        return await caller.read(transfers.show_transfer, transfer_id)

    @router.post("/{transfer_id}/approve", summary="Approve, and keep the goods", response_model=TransferOut)
    async def approve(
        caller: Annotated[Caller, Depends(may("transfer:approve"))], transfer_id: PathKey, body: TransferApproveIn
    ) -> Response:
        lines = body.model_dump()["lines"]
        return await caller.change(
            transfers.show_transfer, LOCK, transfer_id, transfers_approving.approve_transfer, lines, body.note
        )

    @router.post("/{transfer_id}/reject", summary="Reject", response_model=TransferOut)
    async def reject(
        caller: Annotated[Caller, Depends(may("transfer:approve"))], transfer_id: PathKey, body: RejectIn
    ) -> Response:
        return await caller.change(
            transfers.show_transfer, LOCK, transfer_id, transfers_approving.reject_transfer, body.note
        )

    @router.post("/{transfer_id}/ship", summary="Ship", response_model=TransferOut)
    async def ship(
        caller: Annotated[Caller, Depends(creating("transfer:ship"))], transfer_id: PathKey, body: ShipIn
    ) -> Response:
        lines = body.model_dump()["lines"]
        return await caller.create(transfers_shipping.ship_transfer, transfer_id, lines, status=200)

    @router.post("/{transfer_id}/receive", summary="Receive", response_model=TransferOut)
    async def receive(
        caller: Annotated[Caller, Depends(creating("transfer:receive"))], transfer_id: PathKey, body: ReceiveIn
    ) -> Response:
        lines = body.model_dump()["lines"]
        return await caller.create(transfers_receiving.receive_transfer, transfer_id, lines, status=200)

    @router.post("/{transfer_id}/cancel", summary="Take it back before it is shipped", response_model=TransferOut)
    async def cancel(
        caller: Annotated[Caller, Depends(may("transfer:request"))], transfer_id: PathKey, body: TransferCancelIn
    ) -> Response:
        return await caller.change(
            transfers.show_transfer, LOCK, transfer_id, transfers_requesting.cancel_transfer, body.reason
        )

    return router
