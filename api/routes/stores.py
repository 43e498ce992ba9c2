"""`/stores`: the places that hold stock."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Code, Day, In, Out, PathKey, Text
from api.services import stores
from api.services.paging import Paging

Kind = Literal["store", "warehouse"]


class StoreOut(Out):
    """A store."""

    store_id: int
    store_code: str
    name: str
    kind: Kind
    city: str | None = None
    region: str | None = None
    cluster: str | None = None
    opened_on: dt.date | None = None
    closed_on: dt.date | None = None
    updated_at: dt.datetime


class StorePage(Out):
    """Stores, the newest first."""

    items: list[StoreOut]
    next_cursor: str | None = None


class StoreIn(In):
    """A store to open."""

    store_code: Code
    name: Text
    kind: Kind = "store"
    city: Text | None = None
    region: Text | None = None
    cluster: Text | None = None
    opened_on: Day | None = None


class StoreChange(In):
    """What may change; members left out stay."""

    name: Text | None = None
    city: Text | None = None
    region: Text | None = None
    cluster: Text | None = None
    closed_on: Day | None = None


def create_router() -> APIRouter:
    """The stores' routes."""
    router = APIRouter(prefix="/stores", tags=["stores"])

    @router.get("", summary="Stores in reach", response_model=StorePage)
    async def browse(
        caller: Annotated[Caller, Depends(may("store:read"))],
        page: Annotated[Paging, Depends(paging)],
        kind: Kind | None = None,
    ) -> Response:
        return await caller.read(stores.list_stores, page, kind)

    @router.post("", summary="Open a store", status_code=201, response_model=StoreOut)
    async def open_store(caller: Annotated[Caller, Depends(creating("store:write"))], body: StoreIn) -> Response:
        return await caller.create(stores.open_store, body.model_dump())

    @router.get("/{store_id}", summary="One store", response_model=StoreOut)
    async def show(caller: Annotated[Caller, Depends(may("store:read"))], store_id: PathKey) -> Response:
        return await caller.read(stores.show_store, store_id)

    @router.patch("/{store_id}", summary="Change a store", response_model=StoreOut)
    async def change(
        caller: Annotated[Caller, Depends(may("store:write"))], store_id: PathKey, body: StoreChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(stores.show_store, stores.LOCK, store_id, stores.change_store, changes)

    return router
