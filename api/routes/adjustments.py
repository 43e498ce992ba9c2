"""`/adjustments`: stock set right with a reason, above a limit by two people."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import In, Key, Note, Out, PathKey
from api.services import adjusting
from api.services.paging import Paging

Status = Literal["pending", "posted", "refused"]
Reason = Literal["damage", "expiry", "theft", "found", "miscount", "display", "sample", "other"]


def _not_zero(quantity: int) -> int:
    if quantity == 0:
        raise ValueError("must not be 0")
    return quantity


Signed = Annotated[int, Field(ge=-1_000_000, le=1_000_000), AfterValidator(_not_zero)]


class AdjustmentIn(In):
    """Units that turned up (positive), or that are gone (negative)."""

    store_id: Key
    product_id: Key
    lens_cell_id: Key | None = None
    stock_unit_id: Key | None = None
    quantity: Signed
    reason: Reason
    note: Note | None = None


class AdjustmentApproveIn(In):
    """A word to go with it."""

    note: Note | None = None


class AdjustmentRefuseIn(In):
    """Why not."""

    note: Note


class AdjustmentOut(Out):
    """An adjustment; a pending one has moved nothing."""

    stock_adjustment_id: int
    store_id: int
    store_code: str
    product_id: int
    sku: str
    name: str
    lens_cell_id: int | None = None
    stock_unit_id: int | None = None
    quantity: int
    reason: Reason
    note: str | None = None
    status: Status
    needs_approval: bool
    requested_by: int
    requested_at: dt.datetime
    decided_by: int | None = None
    decided_at: dt.datetime | None = None
    decision_note: str | None = None
    stock_move_id: int | None = None
    unit_cost: Decimal | None = None
    cost_amount: Decimal | None = None
    updated_at: dt.datetime


class AdjustmentPage(Out):
    """Adjustments, the newest first."""

    items: list[AdjustmentOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of adjustments."""
    router = APIRouter(prefix="/adjustments", tags=["stock"])

    @router.get("", summary="Adjustments in reach", response_model=AdjustmentPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("stock:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        status: Status | None = None,
    ) -> Response:
        return await caller.read(adjusting.list_adjustments, page, store_id=store_id, status=status)

    @router.post("", summary="Adjust stock, or ask for it", status_code=201, response_model=AdjustmentOut)
    async def request(caller: Annotated[Caller, Depends(creating("stock:adjust"))], body: AdjustmentIn) -> Response:
        return await caller.create(adjusting.request_adjustment, body.model_dump())

    @router.get("/{adjustment_id}", summary="One adjustment", response_model=AdjustmentOut)
    async def show(caller: Annotated[Caller, Depends(may("stock:read"))], adjustment_id: PathKey) -> Response:
        return await caller.read(adjusting.show_adjustment, adjustment_id)

    @router.post("/{adjustment_id}/approve", summary="Post what another asked for", response_model=AdjustmentOut)
    async def approve(
        caller: Annotated[Caller, Depends(may("stock:approve"))], adjustment_id: PathKey, body: AdjustmentApproveIn
    ) -> Response:
        return await caller.change(
            adjusting.show_adjustment, adjusting.LOCK, adjustment_id, adjusting.approve_adjustment, body.note
        )

    @router.post("/{adjustment_id}/refuse", summary="Refuse what another asked for", response_model=AdjustmentOut)
    async def refuse(
        caller: Annotated[Caller, Depends(may("stock:approve"))], adjustment_id: PathKey, body: AdjustmentRefuseIn
    ) -> Response:
        return await caller.change(
            adjusting.show_adjustment, adjusting.LOCK, adjustment_id, adjusting.refuse_adjustment, body.note
        )

    return router
