"""`/sessions`: where I am signed in, and ending it from afar."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.identity.door import Door
from api.identity.ending import end_own_session, sign_in_again
from api.identity.origin import origin_of
from api.identity.sessions import list_sessions
from api.routes.fields import Out, PathKey
from api.routes.tokens import NOT_STORED


class SessionOut(Out):
    """A session that is open now. `last_seen_at` is true to a minute."""

    session_id: int
    kind: Literal["browser", "api"]
    is_current: bool
    created_at: dt.datetime
    last_seen_at: dt.datetime | None = None
    expires_at: dt.datetime
    address: str | None = None
    user_agent: str | None = None


class SessionList(Out):
    """My open sessions, the newest first."""

    items: list[SessionOut]


def create_router(door: Door) -> APIRouter:
    """The routes under `/api/v1/sessions`."""
    router = APIRouter(prefix="/api/v1/sessions", tags=["identity"])

    @router.get("", summary="My open sessions", response_model=SessionList)
    async def browse(request: Request) -> Response:
        user = request.state.user
        async with door.pool.connection() as connection:
            rows = await list_sessions(connection, user.user_id)
        items = [SessionOut(**row, is_current=row["session_id"] == user.session_id) for row in rows]
        shown = SessionList(items=items).model_dump(mode="json", exclude_none=True)
        return JSONResponse(shown, headers=NOT_STORED)

    @router.delete(
        "/{session_id}",
        summary="End one of my sessions",
        description="The one that asks, or, within ten minutes of signing in, another.",
        status_code=204,
    )
    async def end(request: Request, session_id: PathKey) -> Response:
        origin, user = origin_of(request), request.state.user
        if session_id != user.session_id:
            await sign_in_again(door, origin, user, None)
        await end_own_session(door, origin, user, session_id)
        return Response(status_code=204)

    return router
