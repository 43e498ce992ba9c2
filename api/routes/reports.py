"""`/reports`: figures by mail, who wants them when, one at once, and what was sent."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import In, Key, Out, PathKey
from api.services import reports
from api.services.paging import Paging

Cadence = Literal["daily", "weekly", "monthly"]
Form = Literal["pdf", "xlsx", "both"]
State = Literal["wanted", "queued", "delivered", "failed", "withheld"]
Weekday = Annotated[int, Field(ge=1, le=7, description="1 is Monday; of a weekly pack.")]
MonthDay = Annotated[int, Field(ge=1, le=28, description="Of a monthly pack.")]
Hour = Annotated[int, Field(ge=0, le=23, description="In the chain's timezone.")]
Stores = Annotated[
    list[Key], Field(min_length=1, max_length=500, description="Only these; none given: all that may be seen then.")
]


class ScheduleIn(In):
    """When figures are sent, and which. Without `recipient_id` to oneself."""

    recipient_id: Key | None = None
    cadence: Cadence
    weekday: Weekday | None = None
    month_day: MonthDay | None = None
    at_hour: Hour = 7
    form: Form = "pdf"
    store_ids: Stores | None = None


class ScheduleChange(In):
    """What shall be otherwise; members left out stay, `store_ids` null means all stores."""

    cadence: Cadence | None = None
    weekday: Weekday | None = None
    month_day: MonthDay | None = None
    at_hour: Hour | None = None
    form: Form | None = None
    store_ids: Stores | None = None
    is_active: bool | None = None


class ScheduleOut(Out):
    """A schedule; without `store_codes` it is of all stores that its user may see. One that has ended has no next."""

    report_schedule_id: int
    user_id: int
    username: str
    address: str | None = None
    cadence: Cadence
    weekday: int | None = None
    month_day: int | None = None
    at_hour: int
    form: Form
    store_ids: list[int] | None = None
    store_codes: list[str] | None = None
    is_active: bool
    next_at: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


class SchedulePage(Out):
    """Schedules, the newest first."""

    items: list[ScheduleOut]
    next_cursor: str | None = None


class DeliveryOut(Out):
    """A pack, or the message why there is none (`says` why_not). `receipt` is what the mail server said.

    `withheld`: the recipient may not be sent figures any more, and got nothing; `error` says why.
    """

    report_delivery_id: int
    report_schedule_id: int
    user_id: int
    username: str
    occasion: Literal["scheduled", "asked"]
    due_on: dt.date
    state: State
    says: Literal["figures", "why_not"] | None = None
    begins_on: dt.date | None = None
    ends_on: dt.date | None = None
    snapshot_id: int | None = None
    store_codes: list[str] | None = None
    receipt: dict[str, Any] | None = None
    error: str | None = None
    created_at: dt.datetime
    made_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None


class DeliveryPage(Out):
    """What was sent, the newest first."""

    items: list[DeliveryOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of figures by mail."""
    router = APIRouter(prefix="/reports", tags=["reports"])

    @router.get("/schedules", summary="Who is sent figures when", response_model=SchedulePage)
    async def browse(
        caller: Annotated[Caller, Depends(may("subscription:read"))],
        page: Annotated[Paging, Depends(paging)],
        user_id: Annotated[Key | None, Query()] = None,
    ) -> Response:
        return await caller.read(reports.list_schedules, page, user_id=user_id)

    @router.post("/schedules", summary="Have figures sent", status_code=201, response_model=ScheduleOut)
    async def subscribe(
        caller: Annotated[Caller, Depends(creating("subscription:write"))], body: ScheduleIn
    ) -> Response:
        return await caller.create(reports.subscribe, body.model_dump())

    @router.get("/schedules/{schedule_id}", summary="One schedule", response_model=ScheduleOut)
    async def show(caller: Annotated[Caller, Depends(may("subscription:read"))], schedule_id: PathKey) -> Response:
        return await caller.read(reports.show_schedule, schedule_id)

    @router.patch("/schedules/{schedule_id}", summary="Change it, or end it", response_model=ScheduleOut)
    async def change(
        caller: Annotated[Caller, Depends(may("subscription:write"))], schedule_id: PathKey, body: ScheduleChange
    ) -> Response:
        changes = body.changes(clears="store_ids")
        return await caller.change(reports.show_schedule, reports.LOCK, schedule_id, reports.change_schedule, changes)

    @router.post(
        "/schedules/{schedule_id}/send", summary="Send one at once", status_code=201, response_model=DeliveryOut
    )
    async def send(
        caller: Annotated[Caller, Depends(creating("subscription:write"))], schedule_id: PathKey
    ) -> Response:
        return await caller.create(reports.ask_for_pack, schedule_id)

    @router.get("/deliveries", summary="What was sent", response_model=DeliveryPage)
    async def deliveries(
        caller: Annotated[Caller, Depends(may("subscription:read"))],
        page: Annotated[Paging, Depends(paging)],
        report_schedule_id: Annotated[Key | None, Query()] = None,
        state: State | None = None,
    ) -> Response:
        return await caller.read(reports.list_deliveries, page, report_schedule_id=report_schedule_id, state=state)

    return router
