"""`/counts`: counting a store's shelves, blind, and posting the differences."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import In, Key, Note, Out, PathKey, Text
from api.services import count_pages, counting
from api.services.paging import Paging

Status = Literal["open", "posted", "cancelled"]
Counted = Annotated[int, Field(ge=0, le=1_000_000)]


class CountIn(In):
    """A store, or one of its categories, or a list of products to count there."""

    store_id: Key
    category: Text | None = None
    product_ids: Annotated[list[Key], Field(max_length=1000)] = Field(default_factory=list)
    note: Note | None = None


class CountedIn(In):
    """How many of something lie on the shelves; 0 says that none does."""

    product_id: Key
    lens_cell_id: Key | None = None
    stock_unit_id: Key | None = None
    counted_qty: Counted
    reason: Text | None = None


class CountedLinesIn(In):
    """What was counted just now."""

    lines: Annotated[list[CountedIn], Field(min_length=1, max_length=1000)]


class CountOut(Out):
    """A count. What it found and what is missing is told once it is posted, before that only to approvers."""

    stock_count_id: int
    store_id: int
    store_code: str
    category: str | None = None
    status: Status
    note: str | None = None
    opened_by: int
    opened_at: dt.datetime
    closed_by: int | None = None
    closed_at: dt.datetime | None = None
    counted_lines: int
    uncounted_lines: int
    found_qty: int | None = None
    lost_qty: int | None = None
    updated_at: dt.datetime


class CountPage(Out):
    """Counts, the newest first."""

    items: list[CountOut]
    next_cursor: str | None = None


class CountLineOut(Out):
    """A line of a count; without `counted_qty` it is still to be counted."""

    stock_count_line_id: int
    product_id: int
    sku: str
    name: str
    lens_cell_id: int | None = None
    sph: Decimal | None = None
    cyl: Decimal | None = None
    add: Decimal | None = None
    stock_unit_id: int | None = None
    serial: str | None = None
    counted_qty: int | None = None
    expected_qty: int | None = None
    difference_qty: int | None = None
    reason: str | None = None
    counted_by: int | None = None
    counted_at: dt.datetime | None = None


class CountLinePage(Out):
    """Lines, the last made first."""

    items: list[CountLineOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of stock counts."""
    router = APIRouter(prefix="/counts", tags=["stock"])

    @router.get("", summary="Counts in reach", response_model=CountPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("stock:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
        status: Status | None = None,
    ) -> Response:
        return await caller.read(count_pages.list_counts, page, store_id=store_id, status=status)

    @router.post("", summary="Open a count", status_code=201, response_model=CountOut)
    async def open_count(caller: Annotated[Caller, Depends(creating("stock:count"))], body: CountIn) -> Response:
        return await caller.create(counting.open_count, body.model_dump())

    @router.get("/{count_id}", summary="One count", response_model=CountOut)
    async def show(caller: Annotated[Caller, Depends(may("stock:read"))], count_id: PathKey) -> Response:
        return await caller.read(count_pages.show_count, count_id)

    @router.get("/{count_id}/lines", summary="The lines of a count", response_model=CountLinePage)
    async def browse_lines(
        caller: Annotated[Caller, Depends(may("stock:read"))],
        page: Annotated[Paging, Depends(paging)],
        count_id: PathKey,
    ) -> Response:
        return await caller.read(count_pages.list_lines, page, count_id)

    @router.post("/{count_id}/lines", summary="Enter what was counted", response_model=CountOut)
    async def enter(
        caller: Annotated[Caller, Depends(creating("stock:count"))], count_id: PathKey, body: CountedLinesIn
    ) -> Response:
        lines = body.model_dump()["lines"]
        return await caller.create(counting.enter_lines, count_id, lines, status=200)

    @router.post("/{count_id}/post", summary="Move the differences", response_model=CountOut)
    async def post(caller: Annotated[Caller, Depends(creating("stock:count"))], count_id: PathKey) -> Response:
        return await caller.create(counting.post_count, count_id, status=200)

    @router.post("/{count_id}/cancel", summary="End it without moving anything", response_model=CountOut)
    async def cancel(caller: Annotated[Caller, Depends(may("stock:count"))], count_id: PathKey) -> Response:
        return await caller.change(count_pages.show_count, counting.LOCK, count_id, counting.cancel_count)

    return router
