"""The gate: everything but a short list asks for a valid session, pages, routes and websockets alike.

Accepts a browser's cookie, its token as a bearer, or an access token (JWT). Who passed is in `request.state.user`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from api.identity.door import Door
from api.identity.journal import note
from api.identity.origin import SAFE_METHODS, is_same_origin, origin_of
from api.identity.principal import SignedIn
from api.identity.sessions import UNATTENDED, cookie_name, hash_token
from api.identity.tokens import RefusedToken
from api.routes.pages import message_page
from api.routes.problems import problem, without_database
from api.services.connections import DATABASE_ERRORS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS = frozenset(
    {
        "/health",
        "/ready",
        "/metrics",
        "/sign-in",
        "/api/v1/tokens",
        "/api/v1/tokens/refresh",
        "/api/v1/password-resets",
        "/api/v1/password-resets/confirm",
        "/forgot-password",
        "/reset-password",
    }
)


class Gate:
    """ASGI middleware in front of the whole application."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

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
        bearer = _bearer(connection)
        cookie = connection.cookies.get(cookie_name(connection.url.scheme in {"https", "wss"}))
        is_open = connection.url.path in OPEN_PATHS
        writes = connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS
        # a sign-in form without a cookie is guarded too: another site must not sign a browser in
        if writes and bearer is None and not is_same_origin(connection, proven=cookie is not None and not is_open):
            return problem(
                403,
                "cross-origin",
                "A write with a cookie must prove that a page of this site started it (Origin or Sec-Fetch-Site); "
                "programs send a bearer token instead.",
            )
        if is_open:
            return None
        try:
            user = await self._find(connection, bearer, cookie)
        except DATABASE_ERRORS as error:
            return _unavailable(connection, error, self.door.directory.is_listening)
        if user is None:
            return _denied(connection)
        connection.state.user = user
        return None

    async def _find(self, connection: HTTPConnection, bearer: str | None, cookie: str | None) -> SignedIn | None:
        if bearer is not None and bearer.count(".") == 2:
            return await self._find_by_access_token(connection, bearer)
        token = bearer or cookie
        return await self.door.directory.find(hash_token(token), is_use=_is_use(connection)) if token else None

    async def _find_by_access_token(self, connection: HTTPConnection, token: str) -> SignedIn | None:
        try:
            claims = self.door.tokens.verify(token)
        except RefusedToken as refused:
            await self._note_refused(connection, str(refused))
            return None
        user = await self.door.directory.find(claims.session_id)
        return user if user is not None and user.user_id == claims.user_id else None

    async def _note_refused(self, connection: HTTPConnection, reason: str) -> None:
        origin = origin_of(connection)
        if self.door.throttle.allows(origin.address):
            async with self.door.pool.connection() as opened, opened.transaction():
                await note(opened, "token.refused", origin, after={"reason": reason})


def _is_use(connection: HTTPConnection) -> bool:
    """Whether somebody did something: a page's connection, its files, what it asks by itself keep no session open."""
    if connection.scope["type"] != "http" or UNATTENDED in connection.headers:
        return False
    return connection.url.path.startswith("/api/") or "text/html" in connection.headers.get("accept", "")


def _bearer(connection: HTTPConnection) -> str | None:
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def _denied(connection: HTTPConnection) -> Response:
    path = connection.url.path
    if path.startswith("/api/"):
        return problem(401, "sign-in-required", "Sign in at /sign-in, or send a token of /api/v1/tokens as a bearer.")
    if "text/html" not in connection.headers.get("accept", ""):
        return PlainTextResponse("Sign in at /sign-in first.", status_code=401)
    query = f"?{connection.url.query}" if connection.url.query else ""
    return RedirectResponse(f"/sign-in?next={quote(path + query, safe='')}", status_code=303)


def _unavailable(connection: HTTPConnection, error: Exception, has_database: bool) -> Response:
    if connection.url.path.startswith("/api/"):
        return without_database(error, has_database)
    return message_page(
        503,
        "The database does not answer",
        "IMS cannot reach its PostgreSQL, so it cannot check who you are. What was published is safe and will be "
        "served unchanged when the database is back. This page tries again every ten seconds; /ready says what is "
        "missing.",
        refresh_seconds=10,
    )
