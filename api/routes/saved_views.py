"""`/saved-views`: pages of the dashboards with their filters, under a name, one's own or shared with a role."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, Field, StringConstraints
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import CLEAN, SAID, In, Out, PathKey, Trimmed, encodable
from api.services import saved_views
from api.services.paging import Paging

Role = Literal["superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff"]
Word = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=SAID), AfterValidator(encodable), Trimmed]
Value = Annotated[str, StringConstraints(max_length=200, pattern=CLEAN), AfterValidator(encodable)]
Filters = Annotated[
    dict[Word, Value],
    Field(
        max_length=20,
        description="The address's parameters, as `store` and `from`.",
        # a pattern alone says what its own keys hold, and leaves all others free
        json_schema_extra={"additionalProperties": False},
    ),
]
Shared = Annotated[Role | None, Field(description="Everybody of this role sees it, too; null: nobody else.")]


class ViewIn(In):
    """A page and its filters. With `is_default` it is where its owner begins, instead of an earlier one."""

    page: Word
    name: Name
    filters: Filters
    shared_role: Shared = None
    is_default: bool = False


class ViewChange(In):
    """What shall be otherwise; members left out stay."""

    name: Name | None = None
    filters: Filters | None = None
    shared_role: Shared = None
    is_default: bool | None = None


class ViewOut(Out):
    """A saved view; what a filter names that its reader may not see is left out by the page."""

    saved_view_id: int
    page: str
    name: str
    filters: dict[str, str]
    shared_role: Role | None = None
    is_default: bool
    user_id: int
    username: str
    is_own: bool
    created_at: dt.datetime
    updated_at: dt.datetime


class ViewPage(Out):
    """Saved views, the newest first."""

    items: list[ViewOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of saved views."""
    router = APIRouter(prefix="/saved-views", tags=["saved views"])

    @router.get("", summary="One's own, and those shared with one's roles", response_model=ViewPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("saved_view:use"))],
        paging: Annotated[Paging, Depends(paging)],
        page: Annotated[Word | None, Query()] = None,
    ) -> Response:
        return await caller.read(saved_views.list_views, paging, page=page)

    @router.post("", summary="Save a view", status_code=201, response_model=ViewOut)
    async def save(caller: Annotated[Caller, Depends(creating("saved_view:use"))], body: ViewIn) -> Response:
        return await caller.create(saved_views.save_view, body.model_dump())

    @router.get("/{saved_view_id}", summary="One saved view", response_model=ViewOut)
    async def show(caller: Annotated[Caller, Depends(may("saved_view:use"))], saved_view_id: PathKey) -> Response:
        return await caller.read(saved_views.show_view, saved_view_id)

    @router.patch("/{saved_view_id}", summary="Rename, refilter, share, begin there", response_model=ViewOut)
    async def change(
        caller: Annotated[Caller, Depends(may("saved_view:use"))], saved_view_id: PathKey, body: ViewChange
    ) -> Response:
        changes = body.changes(clears="shared_role")
        return await caller.change(
            saved_views.show_view, saved_views.LOCK, saved_view_id, saved_views.change_view, changes
        )

    @router.delete("/{saved_view_id}", summary="Delete one's own", status_code=204)
    async def delete(caller: Annotated[Caller, Depends(may("saved_view:use"))], saved_view_id: PathKey) -> Response:
        return await caller.write(saved_views.delete_view, saved_view_id)

    return router
