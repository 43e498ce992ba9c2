"""For whoever runs IMS: `/health` (alive), `/ready` (can serve, or why not), `/metrics` (Prometheus)."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from api.services.connections import DATABASE_ERRORS, Pool
from api.services.observations import Observations
from api.services.publication import read_publication
from api.services.readiness import read_faults
from ims.postgres import Databases


def create_router(pool: Pool, databases: Databases, head: str, observations: Observations) -> APIRouter:
    """The open routes."""
    router = APIRouter(tags=["operation"])

    @router.get("/health", summary="Whether the process is alive")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/ready", summary="Whether IMS can serve; 503 with the reasons when it cannot")
    async def ready() -> JSONResponse:
        faults, publication = await read_faults(pool, databases, head)
        body = {
            "status": "not ready" if faults else "ready",
            "reasons": faults,
            "snapshot_id": publication["snapshot_id"] if publication else None,
        }
        return JSONResponse(body, 503 if faults else 200)

    @router.get("/metrics", summary="Prometheus figures")
    async def metrics() -> Response:
        try:
            async with pool.connection() as connection:
                observations.note_publication(await read_publication(connection))
            observations.database_up.set(1)
        except DATABASE_ERRORS:
            observations.database_up.set(0)
        return Response(observations.render(), media_type=CONTENT_TYPE_LATEST)

    return router
