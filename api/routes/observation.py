"""Counts, times and logs each request: one line and one sample per answer."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING

from api.services.observations import Observations

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("ims.web")
# what the dashboards need and no more: no script, font, image or request from anywhere else
POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'; "
    b"base-uri 'self'; form-action 'self'; object-src 'none'"
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
)


class Observation:
    """ASGI middleware around everything; also gives each answer a request id and the plain security headers."""

    def __init__(self, app: ASGIApp, observations: Observations) -> None:
        self.app = app
        self.observations = observations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, request_id, status = time.perf_counter(), secrets.token_hex(8), 500
        scope.setdefault("state", {})["request_id"] = request_id

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*_guarded(message.get("headers", [])), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            seconds, route = time.perf_counter() - began, _route(scope)
            self.observations.requests.labels(scope["method"], route, status).inc()
            self.observations.seconds.labels(scope["method"], route).observe(seconds)
            user = scope.get("state", {}).get("user")
            logger.info(
                "request",
                extra={
                    "request_id": request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "milliseconds": round(seconds * 1000, 1),
                    "user": user.username if user else None,
                },
            )


def _guarded(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    has_policy = any(name == b"content-security-policy" for name, _ in headers)
    return [*headers, *HEADERS, *([] if has_policy else [(b"content-security-policy", POLICY)])]


def _route(scope: Scope) -> str:
    """The route's pattern, never the path itself: labels must stay few."""
    pattern = getattr(scope.get("route"), "path", None)
    if pattern:
        return str(pattern)
    return "dashboards" if scope.get("endpoint") else "refused"
