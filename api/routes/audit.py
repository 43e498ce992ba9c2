"""`/audit`: what happened, for those who answer for it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api.routes.caller import Caller, may, paging
from api.routes.fields import Code, Key, Out
from api.services.audit_kinds import Severity
from api.services.audit_search import Filter, search
from api.services.paging import Paging


class EventOut(Out):
    """One event. `hash` is its link in chain `chain_no`, as `ims audit verify` computes it."""

    at: dt.datetime
    audit_id: int
    kind: str
    severity: Severity
    user_id: int | None = None
    username: str | None = None
    roles: list[str] | None = None
    store_id: int | None = None
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    chain_no: int
    chain_seq: int
    hash: str


class EventPage(Out):
    """Events, the newest first."""

    items: list[EventOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The audit log's routes."""
    router = APIRouter(prefix="/audit", tags=["audit"])

    @router.get("", summary="What happened; without audit:read only events about money", response_model=EventPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("audit:read_finance"))],
        page: Annotated[Paging, Depends(paging)],
        kind: Annotated[list[Code] | None, Query(max_length=100, description="Kinds; repeat for several.")] = None,
        severity: Severity | None = None,
        user_id: Key | None = None,
        store_id: Key | None = None,
        entity_type: Code | None = None,
        entity_id: Code | None = None,
        request_id: Code | None = None,
        since: Annotated[AwareDatetime | None, Query(description="From this moment on.")] = None,
        until: Annotated[AwareDatetime | None, Query(description="Before this moment.")] = None,
    ) -> Response:
        wanted = Filter(kind, severity, user_id, store_id, entity_type, entity_id, request_id, since, until)
        return await caller.read(search, wanted, page)

    return router
