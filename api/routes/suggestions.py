"""`/suggestions`: the order list of the served publication, dearest first, page by page; and deciding on it.

Money is text with its decimals (`"1250.00"`), other quantities are numbers; members without a value are left out.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from api.routes.caller import Caller, creating, may
from api.routes.fields import CLEAN, In, Key, Out, PathKey, Quantity, Text
from api.schema.planning import DECISION_CODES
from api.services import suggestion_decisions, suggestion_explaining, suggestion_pages
from api.services.suggestion_state import LOCK

ReasonCode = Literal[DECISION_CODES]  # type: ignore[valid-type]  # the schema's own list
State = Literal["proposed", "approved", "edited", "refused", "expired", "ordered", "received"]
MOST = 500
Filter = Annotated[str, Field(max_length=64, pattern=CLEAN)]


class SuggestionOut(Out):
    """One suggested order. `priority` is the money at stake: expected cost saved by ordering, against not ordering."""

    suggestion_id: int
    as_of: dt.date
    state: State
    kind: Literal["purchase", "transfer"]
    store_code: str
    source_store_code: str | None = None
    sku: str
    product_name: str
    category: str
    vendor_code: str | None = None
    on_hand: int
    on_order: int
    suggested_qty: int
    approved_qty: int | None = None
    order_by: dt.date
    arrives_on: dt.date
    covers_until: dt.date
    expires_on: dt.date
    expected_demand: float
    demand_p50: float
    demand_p90: float
    reason: str
    priority: Decimal
    decided_qty: int | None = None
    decision_code: str | None = None
    decided_by: str | None = None
    decided_at: dt.datetime | None = None
    decision_note: str | None = None


class SuggestionWhole(SuggestionOut):
    """One with its receipt, for whoever sees costs, and the draft it became. `approved_qty`: the quantity wanted."""

    receipt: dict[str, Any] | None = None
    purchase_order_id: int | None = None
    stock_transfer_id: int | None = None


class SuggestionPage(Out):
    """A page; `next_cursor` is left out on the last one."""

    publication_id: int
    snapshot_id: int
    as_of: dt.date
    items: list[SuggestionOut]
    next_cursor: str | None = None


class AlternativeOut(Out):
    """Another quantity: how often it is enough, units left over and short; with costs the expected money it saves."""

    quantity: int
    enough_share: float
    left_over_qty: float
    short_qty: float
    saved_amount: float | None = None


class ReplayOut(Out):
    """What the receipt gives when it is computed anew. `agrees` is left out where it cannot be computed here."""

    quantity: int | None = None
    agrees: bool | None = None
    says: str


class ExplanationOut(Out):
    """A suggestion in plain words. `chart` is text of a fixed-width font."""

    suggestion_id: int
    as_of: dt.date
    state: State
    kind: Literal["purchase", "transfer"]
    store_code: str
    sku: str
    product_name: str
    suggested_qty: int
    reason: str
    currency: str
    headline: str
    sentences: list[str]
    chart: str
    alternatives: list[AlternativeOut]
    replay: ReplayOut


class ReasonIn(In):
    """Why otherwise than suggested: in words, and as a code that can be counted."""

    reason: Text
    reason_code: ReasonCode | None = None


class EditIn(ReasonIn):
    """Another quantity (a multiple of the pack) or vendor, and why."""

    quantity: Quantity | None = None
    vendor_id: Key | None = None

    @model_validator(mode="after")
    def _something(self) -> EditIn:
        if self.quantity is None and self.vendor_id is None:
            raise ValueError("name a quantity or a vendor_id to change")
        return self


class SuggestionApproveIn(In):
    """What there is to say about it."""

    note: Text | None = None


class ApproveManyIn(SuggestionApproveIn):
    """All of these or none."""

    ids: Annotated[list[Key], Field(min_length=1, max_length=MOST)]


class SuggestionRefuseIn(ReasonIn):
    """Why not."""


class RefuseManyIn(SuggestionRefuseIn):
    """All of these or none, for one reason."""

    ids: Annotated[list[Key], Field(min_length=1, max_length=MOST)]


class RefusedList(Out):
    """What was refused."""

    suggestion_ids: list[int]


class DecisionOut(Out):
    """What was decided, and the draft made with it."""

    suggestion_id: int
    state: State
    approved_qty: int
    purchase_order_id: int | None = None
    stock_transfer_id: int | None = None


class DraftedOut(Out):
    """A draft order that lines were written to. A vendor may refuse one that is below its minimum."""

    purchase_order_id: int
    order_ref: str
    vendor_id: int
    vendor_code: str
    store_code: str
    lines: int
    cost_amount: Decimal | None = None
    is_below_minimum: bool


class RequestedOut(Out):
    """A requested transfer that lines were written to."""

    stock_transfer_id: int
    from_store_code: str
    to_store_code: str
    lines: int
    units: int


class DecisionList(Out):
    """Decisions by suggestion, and their drafts: one order per vendor and store, one transfer per two stores."""

    items: list[DecisionOut]
    orders: list[DraftedOut]
    transfers: list[RequestedOut]


def create_router() -> APIRouter:
    """The suggestions' routes."""
    router = APIRouter(prefix="/suggestions", tags=["suggestions"])

    @router.get("", summary="Suggested orders, dearest first", response_model=SuggestionPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("suggestion:read"))],
        store: Annotated[list[Filter] | None, Query(description="Store codes; repeat for several.")] = None,
        category: Annotated[Filter | None, Query(description="One category.")] = None,
        state: Annotated[list[State] | None, Query(description="States; repeat for several.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
        cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    ) -> Response:
        wanted: dict[str, Any] = {"stores": store or None, "category": category, "states": state or None}
        return await caller.read(suggestion_pages.list_suggestions, **wanted, cursor=cursor, limit=limit)

    @router.post("/approve", summary="Approve suggestions, all or none", response_model=DecisionList)
    async def approve_many(
        caller: Annotated[Caller, Depends(creating("suggestion:approve"))], body: ApproveManyIn
    ) -> Response:
        return await caller.create(suggestion_decisions.approve_suggestions, body.ids, body.note, status=200)

    @router.post("/refuse", summary="Refuse suggestions, all or none", response_model=RefusedList)
    async def refuse_many(
        caller: Annotated[Caller, Depends(creating("suggestion:approve"))], body: RefuseManyIn
    ) -> Response:
        service = suggestion_decisions.refuse_suggestions
        return await caller.create(service, body.ids, body.reason, body.reason_code, status=200)

    @router.get("/{suggestion_id}", summary="One suggestion with its receipt", response_model=SuggestionWhole)
    async def show(caller: Annotated[Caller, Depends(may("suggestion:read"))], suggestion_id: PathKey) -> Response:
        return await caller.read(suggestion_pages.show_suggestion, suggestion_id)

    @router.get(
        "/{suggestion_id}/explanation", summary="Why this quantity, in words, replayed", response_model=ExplanationOut
    )
    async def explain(
        request: Request, caller: Annotated[Caller, Depends(may("suggestion:read"))], suggestion_id: PathKey
    ) -> Response:
        """The receipt is computed anew: `replay.agrees` says whether it gives the suggested quantity."""
        words = getattr(request.app.state, "explain", None)
        return await caller.read(suggestion_explaining.explain_suggestion, suggestion_id, words)

    @router.patch("/{suggestion_id}", summary="Want another quantity or vendor", response_model=SuggestionWhole)
    async def edit(
        caller: Annotated[Caller, Depends(may("suggestion:edit"))], suggestion_id: PathKey, body: EditIn
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        service = suggestion_decisions.edit_suggestion
        return await caller.change(suggestion_pages.show_suggestion, LOCK, suggestion_id, service, changes)

    @router.post("/{suggestion_id}/approve", summary="Approve, and make its draft", response_model=SuggestionWhole)
    async def approve(
        caller: Annotated[Caller, Depends(may("suggestion:approve"))],
        suggestion_id: PathKey,
        body: SuggestionApproveIn | None = None,
    ) -> Response:
        service = suggestion_decisions.approve_suggestion
        note = body.note if body else None
        return await caller.change(suggestion_pages.show_suggestion, LOCK, suggestion_id, service, note)

    @router.post("/{suggestion_id}/refuse", summary="Refuse, with a reason", response_model=SuggestionWhole)
    async def refuse(
        caller: Annotated[Caller, Depends(may("suggestion:approve"))], suggestion_id: PathKey, body: SuggestionRefuseIn
    ) -> Response:
        service = suggestion_decisions.refuse_suggestion
        return await caller.change(
            suggestion_pages.show_suggestion, LOCK, suggestion_id, service, body.reason, body.reason_code
        )

    return router
