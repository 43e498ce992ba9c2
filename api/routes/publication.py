"""`GET /api/v1/publication`: the passport that every served figure carries."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.routes.problems import Problem
from api.services.connections import Pool
from api.services.publication import read_publication


class Passport(BaseModel):
    """Which figures are served, from which data, and what the checks said."""

    publication_id: int
    snapshot_id: int
    run_id: str
    as_of: dt.date
    data_as_of: dt.date
    checks: dict[str, Any]
    metric_version: str
    notes: list[str]
    published_at: dt.datetime
    chain: str | None = None
    currency: str | None = None
    timezone: str | None = None


def nothing_published() -> Problem:
    """The problem of an installation that has not published yet."""
    return Problem(404, "nothing-published", "Nothing is published yet: `ims run` computes and publishes.")


def create_router(pool: Pool) -> APIRouter:
    """The publication's route."""
    router = APIRouter(prefix="/api/v1", tags=["publication"])

    @router.get("/publication", summary="The passport of what is served", response_model_exclude_none=True)
    async def show() -> Passport:
        async with pool.connection() as connection:
            row = await read_publication(connection)
        if row is None:
            raise nothing_published()
        return Passport(**row)

    return router
