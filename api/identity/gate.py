"""The gate: everything but a short list asks for a valid session, pages, routes and websockets alike.

Reads the session of each request from PostgreSQL, so that a revoked one ends at once. Who passed is in
`request.state.user`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from api.identity.origin import SAFE_METHODS, is_same_origin
from api.identity.sessions import COOKIE, SignedIn, find_session
from api.routes.pages import message_page
from api.routes.problems import problem
from api.services.connections import DATABASE_ERRORS, Pool

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS = frozenset({"/health", "/ready", "/metrics", "/sign-in"})


class Gate:
    """ASGI middleware in front of the whole application."""

    def __init__(self, app: ASGIApp, pool: Pool) -> None:
        self.app = app
        self.pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it here."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer = await self._answer(connection)
        if answer is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "sign in first"})
        else:
            await answer(scope, receive, send)

    async def _answer(self, connection: HTTPConnection) -> Response | None:
        token, is_cookie = _token(connection)
        writes = connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS
        if writes and is_cookie and not is_same_origin(connection):
            return problem(403, "cross-origin", "This write was started by a page of another site.")
        if connection.url.path in OPEN_PATHS:
            return None
        try:
            user = await self._find(token)
        except DATABASE_ERRORS:
            return _unavailable(connection)
        if user is None:
            return _denied(connection)
        connection.state.user = user
        return None

    async def _find(self, token: str | None) -> SignedIn | None:
        if token is None:
            return None
        async with self.pool.connection() as connection:
            return await find_session(connection, token)


def _token(connection: HTTPConnection) -> tuple[str | None, bool]:
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip(), False
    # a sign-in form without a cookie is guarded too: another site must not sign a browser in
    return connection.cookies.get(COOKIE), True


def _denied(connection: HTTPConnection) -> Response:
    path = connection.url.path
    if path.startswith("/api/"):
        return problem(401, "sign-in-required", "Sign in at /sign-in, or send a session token as a bearer token.")
    if "text/html" not in connection.headers.get("accept", ""):
        return PlainTextResponse("Sign in at /sign-in first.", status_code=401)
    query = f"?{connection.url.query}" if connection.url.query else ""
    return RedirectResponse(f"/sign-in?next={quote(path + query, safe='')}", status_code=303)


def _unavailable(connection: HTTPConnection) -> Response:
    if connection.url.path.startswith("/api/"):
        return problem(503, "database-unavailable", "PostgreSQL does not answer; try again shortly.", retry_after=5)
    return message_page(
        503,
        "The database does not answer",
        "IMS cannot reach its PostgreSQL, so it cannot check who you are. What was published is safe and will be "
        "served unchanged when the database is back. This page tries again every ten seconds; /ready says what is "
        "missing.",
        refresh_seconds=10,
    )
