"""For whoever runs IMS: `/health` (alive), `/ready` (can serve, or why not), `/metrics` (Prometheus)."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from api.routes.fields import Out
from api.routes.problems import Problem
from api.services.connections import DATABASE_ERRORS, Pool
from api.services.observations import Observations
from api.services.outbox_totals import read_outbox
from api.services.pipeline_totals import read_pipeline
from api.services.publication import read_publication
from api.services.readiness import Readiness, free_bytes
from api.services.replica_lag import read_lag
from ims.settings import Settings

PATIENCE_SECONDS = 1.0  # a scrape is never held longer by a database that does not answer


class ReadyOut(Out):
    """Whether IMS can serve, and what is in the way."""

    status: Literal["ready", "not ready", "stopping"]
    reasons: list[str]
    snapshot_id: int | None
    notes: list[str] | None = None


def create_router(pool: Pool, readiness: Readiness, observations: Observations, settings: Settings) -> APIRouter:
    """The open routes; /metrics is open unless a token or a name is set for it."""
    router = APIRouter(tags=["operation"])
    figures = _Figures(pool, observations, settings)

    @router.get("/health", summary="Whether the process is alive")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @router.get(
        "/ready",
        summary="Whether IMS can serve; 503 with the reasons when it cannot",
        response_model=ReadyOut,
        responses={503: {"model": ReadyOut}},
    )
    async def ready() -> JSONResponse:
        faults, notes, publication = await readiness.read()
        body = {
            "status": "stopping" if readiness.stopping else "not ready" if faults else "ready",
            "reasons": faults,
            "snapshot_id": publication["snapshot_id"] if publication else None,
            **({"notes": notes} if notes else {}),
        }
        return JSONResponse(body, 503 if faults else 200)

    @router.get(
        "/metrics",
        summary="Prometheus figures",
        response_class=PlainTextResponse,
        responses={401: {"description": "Neither the token of IMS_METRICS_TOKEN nor a name of IMS_METRICS_NAMES."}},
    )
    async def metrics(
        request: Request, authorization: Annotated[str, Header(include_in_schema=False)] = ""
    ) -> Response:
        if not may_read_figures(settings, authorization, getattr(request.state, "peer", None)):
            raise Problem(
                401,
                "metrics-token-required",
                "Send the token of IMS_METRICS_TOKEN as a bearer token, or come by a certificate of IMS_METRICS_NAMES.",
            )
        observations.note_free(free_bytes(settings.home))
        await figures.refresh()
        return Response(observations.render(), media_type=CONTENT_TYPE_LATEST)

    return router


def may_read_figures(settings: Settings, authorization: str, peer: str | None) -> bool:
    """Whether who sent this header, and proved this name by a certificate, is shown /metrics.

    >>> given = Settings(metrics_token="scraper-scraper-scraper", metrics_names="prometheus", _env_file=None)
    >>> may_read_figures(given, "", None), may_read_figures(given, "", "api"), may_read_figures(given, "", "prometheus")
    (False, False, True)
    """
    token, names = settings.metrics_token, settings.metrics_names.split()
    if token is None:
        return not names or peer in names
    wanted = f"Bearer {token.get_secret_value()}"
    return peer in names or secrets.compare_digest(authorization.encode(), wanted.encode())


class _Figures:
    """What only the database knows, read once for all who ask meanwhile."""

    def __init__(self, pool: Pool, observations: Observations, settings: Settings) -> None:
        self._pool, self._observations, self._replica = pool, observations, settings.replica_url
        self._reading: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        # no scrape waits for a standby: what it says is shown by the next one
        if self._replica is not None and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(self._replica.get_secret_value()))
        # not cancelled when late: ending a query that hangs takes longer than it may
        done, _ = await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)
        if not done:
            self._observations.database_up.set(0)

    async def _read(self) -> None:
        try:
            async with self._pool.connection() as connection:
                self._observations.note_publication(await read_publication(connection))
                self._observations.note_outbox(*await read_outbox(connection))
                self._observations.note_pipeline(await read_pipeline(connection))
            self._observations.database_up.set(1)
        except DATABASE_ERRORS:
            self._observations.database_up.set(0)

    async def _ask(self, replica: str) -> None:
        self._observations.note_replica(await read_lag(replica))
