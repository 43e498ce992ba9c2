"""`/alerts`: what is off, short, late or not to be believed, the most money at stake first; and acting on it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.alerts import State
from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import CLEAN, Day, In, Out, PathKey, Text
from api.services import alert_actions, alert_pages
from api.services.paging import Paging

Kind = Literal["SALES_OFF", "STOCK_OUT_AHEAD", "LATE_ORDER", "FORECAST_BIAS", "DATA"]
Filter = Annotated[str, Field(max_length=64, pattern=CLEAN)]


class AlertOut(Out):
    """One alert. `alert_ref` names it across publications; `at_stake_amount` is sales value, never cost.

    Without `store_code` it concerns the chain. `view` and `filters` say where it is looked into.
    """

    alert_id: int
    alert_ref: str
    kind: Kind
    severity: Literal["warn", "severe"]
    store_code: str | None = None
    subject: str
    title: str
    detail: str
    at_stake_amount: Decimal
    first_on: dt.date
    day_on: dt.date
    rank_in_store: int
    is_listed: bool
    view: str
    filters: dict[str, str]
    state: State
    until_on: dt.date | None = None
    reason: str | None = None
    acted_by: str | None = None
    acted_at: dt.datetime | None = None


class AlertPage(Out):
    """A page; `next_cursor` is left out on the last one."""

    publication_id: int
    as_of: dt.date
    currency: str
    items: list[AlertOut]
    next_cursor: str | None = None


class AlertKindOut(Out):
    """What is open of a kind, and beyond what a store is shown; of four weeks, how many were shown and settled."""

    kind: Kind
    open_count: int
    open_amount: Decimal
    beyond_count: int
    shown_count: int
    acted_count: int
    snoozed_count: int
    dismissed_count: int


class AlertSummary(Out):
    """By kind, the most money at stake first."""

    publication_id: int
    as_of: dt.date
    currency: str
    items: list[AlertKindOut]


class SnoozeIn(In):
    """Until when it is put off: open again on that day."""

    until_on: Annotated[Day, Field(description="A day after today, 90 days on at most.")]


class ActIn(In):
    """What was done, if there is anything to say."""

    note: Text | None = None


class DismissIn(In):
    """Why nothing is to be done."""

    reason: Text


def create_router() -> APIRouter:
    """The routes of alerts."""
    router = APIRouter(prefix="/alerts", tags=["alerts"])

    @router.get("", summary="What to look at, the most money at stake first", response_model=AlertPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("alert:read"))],
        page: Annotated[Paging, Depends(paging)],
        store: Annotated[list[Filter] | None, Query(description="Store codes; repeat for several.")] = None,
        kind: Kind | None = None,
        state: State | None = None,
        is_listed: bool = True,
    ) -> Response:
        return await caller.read(
            alert_pages.list_alerts, page, stores=store, kind=kind, state=state, is_listed=is_listed
        )

    @router.get("/summary", summary="What alerts come to, and how many were acted on", response_model=AlertSummary)
    async def summary(caller: Annotated[Caller, Depends(may("alert:read"))]) -> Response:
        return await caller.read(alert_pages.sum_up_alerts)

    @router.get("/{alert_id}", summary="One alert", response_model=AlertOut)
    async def show(caller: Annotated[Caller, Depends(may("alert:read"))], alert_id: PathKey) -> Response:
        return await caller.read(alert_pages.show_alert, alert_id)

    @router.post("/{alert_id}/snooze", summary="Put it off until a day", response_model=AlertOut)
    async def snooze(
        caller: Annotated[Caller, Depends(creating("alert:act"))], alert_id: PathKey, body: SnoozeIn
    ) -> Response:
        return await caller.create(alert_actions.snooze_alert, alert_id, body.until_on, status=200)

    @router.post("/{alert_id}/act", summary="Say that something was done", response_model=AlertOut)
    async def act(
        caller: Annotated[Caller, Depends(creating("alert:act"))], alert_id: PathKey, body: ActIn
    ) -> Response:
        return await caller.create(alert_actions.act_on_alert, alert_id, body.note, status=200)

    @router.post("/{alert_id}/dismiss", summary="Say why nothing is to be done", response_model=AlertOut)
    async def dismiss(
        caller: Annotated[Caller, Depends(creating("alert:act"))], alert_id: PathKey, body: DismissIn
    ) -> Response:
        return await caller.create(alert_actions.dismiss_alert, alert_id, body.reason, status=200)

    return router
