"""The HTTP application: routes, problems, the gate in front of them, one pool and one registry of figures.

`ims.web` mounts the dashboards on it; nothing of Streamlit is known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.database import head_revision
from api.description import describe, name_operation
from api.identity.door import Door
from api.identity.gate import Gate
from api.routes import (
    adjustments,
    alerts,
    audit,
    checks,
    counts,
    customers,
    discounts,
    expenses,
    eye_tests,
    health,
    identity,
    lists,
    orders,
    patients,
    payments,
    prescriptions,
    prices,
    privacy,
    products,
    publication,
    purchase_orders,
    receipts,
    reports,
    returns,
    saved_views,
    settings,
    sign_in,
    stock,
    stores,
    suggestions,
    transfers,
    users,
    vendor_invoices,
    vendors,
)
from api.routes.bodies import Bodies
from api.routes.fallback import METHODS, Compression, Heads, answer_the_rest
from api.routes.limits import Limits
from api.routes.observation import Observation
from api.routes.problems import answer_problems
from api.routes.table import RouteTable
from api.services.background import working
from api.services.connections import create_pool
from api.services.observations import Observations
from api.services.readiness import Readiness
from api.services.stopping import Stopping
from api.services.tracing import start_tracing, stop_tracing
from ims.postgres import Databases
from ims.settings import Settings, get_settings

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
RESOURCES = (
    audit,
    checks,
    stores,
    orders,
    payments,
    discounts,
    returns,
    products,
    prices,
    customers,
    patients,
    eye_tests,
    prescriptions,
    privacy,
    stock,
    counts,
    adjustments,
    transfers,
    suggestions,
    alerts,
    lists,
    reports,
    saved_views,
    vendors,
    purchase_orders,
    receipts,
    vendor_invoices,
    expenses,
    settings,
    users,
)
DESCRIPTION = """What IMS publishes, for programs. Get an access token at `/api/v1/tokens` and send it as
`Authorization: Bearer …`; a browser signs in at `/sign-in` (a session cookie). Errors are `application/problem+json`
(RFC 9457)."""


def create_app(databases: Databases, *, serves_api: bool = True, lifespan: Lifespan | None = None) -> FastAPI:
    """The application on these databases; `lifespan` is of what will be mounted on it."""
    settings = get_settings()
    pool = create_pool(databases.operational, settings)
    door = Door(pool, databases.operational)
    observations = Observations(pool)
    stopping = Stopping(settings.drain_seconds)

    def has_database() -> bool:
        return door.directory.is_listening

    readiness = Readiness(pool, databases, head_revision(), settings, stopping, has_database)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stopping.listen()
            if start_tracing(settings):
                stack.push_async_callback(asyncio.to_thread, stop_tracing)
            # not waited for: without its database the process still answers, and says what is wrong
            await pool.open(wait=False)
            stack.push_async_callback(pool.close)
            await stack.enter_async_context(observations.sampling())
            await stack.enter_async_context(door.directory.listening())
            if serves_api:
                await stack.enter_async_context(working(pool, settings, databases.operational))
            if lifespan is not None:
                await stack.enter_async_context(lifespan(app))
            yield

    app = FastAPI(
        title="IMS",
        version=version("ims"),
        description=DESCRIPTION,
        lifespan=run,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the interactive pages load scripts from outside
        redoc_url=None,
        generate_unique_id_function=name_operation,
    )
    app.state.pool = pool
    answer_problems(app, has_database)
    app.include_router(health.create_router(pool, readiness, observations, settings))
    app.include_router(sign_in.create_router(door))
    if serves_api:
        app.include_router(identity.create_router(door))
        table = RouteTable()
        app.router.routes.insert(0, table)
        for router in _resources():
            app.include_router(router, prefix="/api/v1")
            table.add(router, "/api/v1")
        app.include_router(publication.create_router(pool))
    answer_the_rest(app)
    describe(app)
    # the last is the outermost: every answer leaves by it
    app.add_middleware(Heads)
    app.add_middleware(Compression)
    app.add_middleware(Bodies, max_bytes=settings.max_body_bytes)
    app.add_middleware(Gate, door=door)
    app.add_middleware(Limits, settings=settings)
    _allow_origins(app, settings)
    app.add_middleware(Observation, observations=observations, stopping=stopping, hsts=settings.hsts)
    return app


@cache
def _resources() -> tuple[APIRouter, ...]:
    """The same in every application of a process: the signatures of 200 operations are read once."""
    return tuple(routes.create_router() for routes in RESOURCES)


def _allow_origins(app: FastAPI, settings: Settings) -> None:
    """Pages of other origins may call with a token of their own; never with this site's cookie."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_credentials=False,
            allow_methods=METHODS,
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "X-Request-Id",
            ],
            expose_headers=["ETag", "Idempotent-Replayed", "Retry-After", "X-Request-Id"],
        )
