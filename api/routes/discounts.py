"""`/discount-approvals`: discounts above their seller's caps, which somebody else allows or refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import In, Note, Out, PathKey
from api.services import discounts
from api.services.paging import Paging

State = Literal["requested", "approved", "refused"]


class ApprovalIn(In):
    """Why the discount should be given."""

    reason: Note | None = None


class ApprovalOut(Out):
    """A discount asked of somebody else; `allowed_share` is what its seller may give alone."""

    discount_approval_id: int
    sales_order_id: int
    requested_share: Decimal
    allowed_share: Decimal
    reason: str | None = None
    state: State
    requested_by: int
    requested_at: dt.datetime
    decided_by: int | None = None
    decided_at: dt.datetime | None = None


class ApprovalPage(Out):
    """Requests, the newest first."""

    items: list[ApprovalOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of discount approvals."""
    router = APIRouter(tags=["discounts"])

    @router.post(
        "/orders/{order_id}/discount-approvals",
        summary="Ask for a draft's discounts",
        status_code=201,
        response_model=ApprovalOut,
    )
    async def request(
        caller: Annotated[Caller, Depends(creating("order:create"))], order_id: PathKey, body: ApprovalIn
    ) -> Response:
        return await caller.create(discounts.request_approval, order_id, body.reason)

    @router.get("/discount-approvals", summary="Discounts that were asked for", response_model=ApprovalPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("discount:approve"))],
        page: Annotated[Paging, Depends(paging)],
        state: State | None = None,
    ) -> Response:
        return await caller.read(discounts.list_approvals, page, state)

    @router.post("/discount-approvals/{approval_id}/approve", summary="Allow it", response_model=ApprovalOut)
    async def approve(caller: Annotated[Caller, Depends(may("discount:approve"))], approval_id: PathKey) -> Response:
        return await caller.write(discounts.decide, approval_id, True)

    @router.post("/discount-approvals/{approval_id}/refuse", summary="Refuse it", response_model=ApprovalOut)
    async def refuse(caller: Annotated[Caller, Depends(may("discount:approve"))], approval_id: PathKey) -> Response:
        return await caller.write(discounts.decide, approval_id, False)

    return router
