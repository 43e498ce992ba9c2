"""`/checks`: what the newest run's checks found, the rows that broke them, and waivers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Day, In, Key, Note, Out, PathKey
from api.services import checking
from api.services.paging import Paging

Severity = Literal["blocking", "warning", "info"]
State = Literal["passed", "failed", "waived"]
Owner = Literal["data team", "buyer", "store manager", "accountant"]
Held = Literal["rows", "store_days", "pairs"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)?$")]


class CheckOut(Out):
    """What one check found. `holds_back` is what stays out of every figure while it is broken."""

    check_result_id: int
    run_id: str
    table_name: str
    check_name: str
    severity: Severity
    owner: Owner
    state: State
    observed: str
    what_to_do: str
    holds_back: Held | None = None
    failed_count: int
    waived_count: int
    checked_at: dt.datetime


class CheckPage(Out):
    """Checks of one run."""

    items: list[CheckOut]
    next_cursor: str | None = None


class FailureOut(Out):
    """A row that broke a check; people in it are pseudonyms."""

    check_failure_id: int
    store_id: int | None = None
    store_code: str | None = None
    row: dict[str, Any]


class FailurePage(Out):
    """Rows that broke a check: the first 10,000 are kept."""

    items: list[FailureOut]
    next_cursor: str | None = None


class WaiverIn(In):
    """Why what a check finds may stand, and until when; without a store, in all of them."""

    table_name: Name
    check_name: Name
    store_id: Key | None = None
    reason: Note
    expires_on: Annotated[Day, Field(description="The last day it holds, at most 90 days from today.")]


class WaiverOut(Out):
    """A waiver. Revoked or after `expires_on` it says nothing any more."""

    check_waiver_id: int
    table_name: str
    check_name: str
    store_id: int | None = None
    store_code: str | None = None
    reason: str
    waived_by: int
    waived_on: dt.date
    expires_on: dt.date
    created_at: dt.datetime
    revoked_by: int | None = None
    revoked_at: dt.datetime | None = None


class WaiverPage(Out):
    """Waivers, the newest first."""

    items: list[WaiverOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of checks."""
    router = APIRouter(prefix="/checks", tags=["checks"])

    @router.get("", summary="What the newest run's checks found", response_model=CheckPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("quality:read"))],
        page: Annotated[Paging, Depends(paging)],
        state: State | None = None,
        severity: Severity | None = None,
        owner: Owner | None = None,
    ) -> Response:
        return await caller.read(checking.list_checks, page, state=state, severity=severity, owner=owner)

    @router.get("/waivers", summary="Waivers in reach", response_model=WaiverPage)
    async def waivers(
        caller: Annotated[Caller, Depends(may("quality:read"))],
        page: Annotated[Paging, Depends(paging)],
        is_active: bool | None = None,
    ) -> Response:
        return await caller.read(checking.list_waivers, page, is_active=is_active)

    @router.post("/waivers", summary="Waive what a check finds", status_code=201, response_model=WaiverOut)
    async def waive(caller: Annotated[Caller, Depends(creating("quality:waive"))], body: WaiverIn) -> Response:
        return await caller.create(checking.waive_check, body.model_dump())

    @router.get("/waivers/{waiver_id}", summary="One waiver", response_model=WaiverOut)
    async def waiver(caller: Annotated[Caller, Depends(may("quality:read"))], waiver_id: PathKey) -> Response:
        return await caller.read(checking.show_waiver, waiver_id)

    @router.post("/waivers/{waiver_id}/revoke", summary="Let a failure count again", response_model=WaiverOut)
    async def revoke(caller: Annotated[Caller, Depends(may("quality:waive"))], waiver_id: PathKey) -> Response:
        return await caller.change(checking.show_waiver, checking.LOCK, waiver_id, checking.revoke_waiver)

    @router.get("/{check_id}", summary="One result of a check", response_model=CheckOut)
    async def show(caller: Annotated[Caller, Depends(may("quality:read"))], check_id: PathKey) -> Response:
        return await caller.read(checking.show_check, check_id)

    @router.get("/{check_id}/failures", summary="The rows that broke a check", response_model=FailurePage)
    async def failures(
        caller: Annotated[Caller, Depends(may("quality:read"))],
        page: Annotated[Paging, Depends(paging)],
        check_id: PathKey,
        store_id: Annotated[Key | None, Query()] = None,
    ) -> Response:
        return await caller.read(checking.list_failures, page, check_result_id=check_id, store_id=store_id)

    return router
