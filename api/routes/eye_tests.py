"""`/eye-test-queue` and `/eye-tests`: who waits, and what was found."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import LARGEST_KEY, Day, In, Key, Out, PathKey
from api.services import eye_test_queue, eye_tests
from api.services.paging import Paging

QueueState = Literal["waiting", "in_progress", "completed", "cancelled", "no_show"]
Reason = Literal["routine", "new_glasses", "contact_lens", "complaint", "other"]
Outcome = Literal["new_rx", "no_change", "referred"]
StoreKey = Annotated[int, Query(ge=1, le=LARGEST_KEY)]
OptionalKey = Annotated[int | None, Query(ge=1, le=LARGEST_KEY)]


class QueueOut(Out):
    """One who waits, or waited."""

    eye_test_queue_id: int
    store_id: int
    queued_on: dt.date
    token: int
    customer_id: int | None = None
    patient_id: int | None = None
    reason: Reason
    state: QueueState
    queued_at: dt.datetime
    started_at: dt.datetime | None = None
    completed_at: dt.datetime | None = None
    waited_minutes: int | None = None
    updated_at: dt.datetime


class QueuePage(Out):
    """A store's queue, the latest token first."""

    items: list[QueueOut]
    next_cursor: str | None = None


class QueueSummary(Out):
    """A store's day in figures."""

    store_id: int
    queued_on: dt.date
    waiting: int
    in_progress: int
    completed: int
    cancelled: int
    no_show: int
    median_wait_minutes: Decimal | None = None
    longest_waiting_minutes: int | None = None


class QueueIn(In):
    """Who waits: a patient, a customer, or somebody not recorded yet."""

    store_id: Key
    customer_id: Key | None = None
    patient_id: Key | None = None
    reason: Reason = "routine"


class TestOut(Out):
    """An eye test."""

    eye_test_id: int
    eye_test_queue_id: int | None = None
    patient_id: int
    store_id: int
    optometrist_id: int
    tested_on: dt.date
    started_at: dt.datetime
    completed_at: dt.datetime | None = None
    state: Literal["in_progress", "completed", "cancelled"]
    outcome: Outcome | None = None
    updated_at: dt.datetime


class TestPage(Out):
    """Eye tests, the newest first."""

    items: list[TestOut]
    next_cursor: str | None = None


class TestIn(In):
    """Whose test begins: the holder of a token, or a patient in a store."""

    eye_test_queue_id: Key | None = None
    patient_id: Key | None = None
    store_id: Key | None = None


class CompletionIn(In):
    """What came of the test."""

    outcome: Outcome


def create_router() -> APIRouter:
    """The routes of queue and tests."""
    router = APIRouter(tags=["clinical"])
    _add_queue(router)
    _add_tests(router)
    return router


def _add_queue(router: APIRouter) -> None:
    @router.get("/eye-test-queue", summary="A store's queue of a day", response_model=QueuePage)
    async def browse_queue(
        caller: Annotated[Caller, Depends(may("eye_test:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: StoreKey,
        on: Day | None = None,
        state: QueueState | None = None,
    ) -> Response:
        return await caller.read(eye_test_queue.list_queue, page, store_id, on, state)

    @router.get("/eye-test-queue/summary", summary="How long people waited", response_model=QueueSummary)
    async def summarise(
        caller: Annotated[Caller, Depends(may("eye_test:read"))], store_id: StoreKey, on: Day | None = None
    ) -> Response:
        return await caller.read(eye_test_queue.summarise_queue, store_id, on)

    @router.post("/eye-test-queue", summary="Give a token", status_code=201, response_model=QueueOut)
    async def join(caller: Annotated[Caller, Depends(creating("eye_test:queue"))], body: QueueIn) -> Response:
        return await caller.create(eye_test_queue.join_queue, body.model_dump())

    @router.get("/eye-test-queue/{entry_id}", summary="One who waits", response_model=QueueOut)
    async def show_entry(caller: Annotated[Caller, Depends(may("eye_test:read"))], entry_id: PathKey) -> Response:
        return await caller.read(eye_test_queue.show_entry, entry_id)

    @router.post("/eye-test-queue/{entry_id}/cancel", summary="Leave the queue", response_model=QueueOut)
    async def leave_queue(caller: Annotated[Caller, Depends(may("eye_test:queue"))], entry_id: PathKey) -> Response:
        return await caller.write(eye_test_queue.leave_queue, entry_id, "cancelled")

    @router.post("/eye-test-queue/{entry_id}/no-show", summary="Called in vain", response_model=QueueOut)
    async def miss(caller: Annotated[Caller, Depends(may("eye_test:queue"))], entry_id: PathKey) -> Response:
        return await caller.write(eye_test_queue.leave_queue, entry_id, "no_show")


def _add_tests(router: APIRouter) -> None:
    @router.get("/eye-tests", summary="Eye tests in reach", response_model=TestPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("eye_test:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: OptionalKey = None,
        patient_id: OptionalKey = None,
    ) -> Response:
        return await caller.read(eye_tests.list_tests, page, store_id, patient_id)

    @router.post("/eye-tests", summary="Begin an eye test", status_code=201, response_model=TestOut)
    async def start(caller: Annotated[Caller, Depends(creating("eye_test:write"))], body: TestIn) -> Response:
        return await caller.create(eye_tests.start_test, body.model_dump())

    @router.get("/eye-tests/{eye_test_id}", summary="One eye test", response_model=TestOut)
    async def show(caller: Annotated[Caller, Depends(may("eye_test:read"))], eye_test_id: PathKey) -> Response:
        return await caller.read(eye_tests.show_test, eye_test_id)

    @router.post("/eye-tests/{eye_test_id}/complete", summary="Complete an eye test", response_model=TestOut)
    async def complete(
        caller: Annotated[Caller, Depends(may("eye_test:write"))], eye_test_id: PathKey, body: CompletionIn
    ) -> Response:
        return await caller.write(eye_tests.complete_test, eye_test_id, body.outcome)

    @router.post("/eye-tests/{eye_test_id}/cancel", summary="Give up an eye test", response_model=TestOut)
    async def cancel(caller: Annotated[Caller, Depends(may("eye_test:write"))], eye_test_id: PathKey) -> Response:
        return await caller.write(eye_tests.cancel_test, eye_test_id)
