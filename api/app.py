"""The HTTP application: routes, problems, the gate in front of them, one pool and one registry of figures.

`ims.web` mounts the dashboards on it; nothing of Streamlit is known here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from api.database import head_revision
from api.identity.door import Door
from api.identity.gate import Gate
from api.routes import health, publication, sign_in, stores, suggestions, tokens
from api.routes.observation import Observation
from api.routes.problems import Problem, answer_problems
from api.services.connections import create_pool
from api.services.observations import Observations
from ims.postgres import Databases

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
RESOURCES = (stores,)
DESCRIPTION = """What IMS publishes, for programs. Get an access token at `/api/v1/tokens` and send it as
`Authorization: Bearer …`; a browser signs in at `/sign-in` (a session cookie). Errors are `application/problem+json`
(RFC 9457)."""


def create_app(databases: Databases, *, serves_api: bool = True, lifespan: Lifespan | None = None) -> FastAPI:
    """The application on these databases; `lifespan` is of what will be mounted on it."""
    pool = create_pool(databases.operational)
    door = Door(pool, databases.operational)
    observations = Observations()

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            # not waited for: without its database the process still answers, and says what is wrong
            await pool.open(wait=False)
            stack.push_async_callback(pool.close)
            await stack.enter_async_context(door.directory.listening())
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
    )
    app.state.pool = pool
    answer_problems(app)
    app.include_router(health.create_router(pool, databases, head_revision(), observations))
    app.include_router(sign_in.create_router(door))
    if serves_api:
        app.include_router(tokens.create_router(door))
        for routes in RESOURCES:
            app.include_router(routes.create_router(), prefix="/api/v1")
        app.include_router(publication.create_router(pool))
        app.include_router(suggestions.create_router(pool, databases.operational))
    app.add_api_route(
        "/api/{path:path}", _unknown_route, methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
    )
    app.add_middleware(Gate, door=door)
    app.add_middleware(Observation, observations=observations)
    return app


async def _unknown_route(path: str) -> None:
    raise Problem(404, "unknown-route", f"There is no /api/{path}; /api/v1/openapi.json lists what there is.")
