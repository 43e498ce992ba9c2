"""Around everything: a request id, the security headers, one log line, one sample, one span; and the last net."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

from api.routes.problems import problem
from api.routes.security import guard
from api.services.logs import REQUEST_ID
from api.services.observations import METHODS, Observations
from api.services.stopping import Stopping
from api.services.tracing import describe_request, request_span

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("ims.web")
WELL_FORMED = re.compile(rb"[A-Za-z0-9-]{1,64}")
GONE = 499  # as nginx writes it: the client left before the answer began


class Observation:
    """The outermost ASGI middleware: what is answered below it, by whomever, leaves with its headers."""

    def __init__(self, app: ASGIApp, observations: Observations, stopping: Stopping, hsts: str) -> None:
        self.app = app
        self.observations, self.stopping, self.hsts = observations, stopping, hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it went."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        token = REQUEST_ID.set(request_id)
        is_page = scope["type"] == "websocket"
        open_ones = self.observations.websockets if is_page else self.observations.in_flight
        open_ones.inc()
        try:
            if is_page:
                await self.app(scope, receive, send)
            else:
                await self._answer(scope, receive, send, request_id)
        finally:
            open_ones.dec()
            REQUEST_ID.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began, status, method = time.perf_counter(), GONE, scope["method"]

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = guard(message.get("headers", []), scope, self.hsts)
                headers.append((b"x-request-id", request_id.encode()))
                if self.stopping:
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            await send(message)

        with request_span(scope) as span:
            try:
                await self.app(scope, receive, note)
            except Exception as error:
                logger.error("request failed", exc_info=error)
                if status != GONE:
                    raise  # half an answer is out: the server must cut the connection
                answer = problem(500, "internal", "This request failed inside IMS; the log says why.")
                await answer(scope, receive, note)
            finally:
                seconds, route = time.perf_counter() - began, _route(scope)
                label = method if method in METHODS else "other"
                self.observations.requests.labels(label, route, status).inc()
                self.observations.seconds.labels(label, route).observe(seconds)
                user = scope["state"].get("user")
                user_id = user.user_id if user else None
                facts = {"method": label, "route": route, "status": status, "milliseconds": round(seconds * 1000, 1)}
                logger.info("request", extra=facts | {"user_id": user_id} if user_id else facts)
                if span is not None:
                    describe_request(span, label, route, status, user_id)


def _request_id(scope: Scope) -> str:
    """The caller's own id where it is a plain word, so that its log and ours can be joined; else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and WELL_FORMED.fullmatch(value):
            return str(value.decode())
    return secrets.token_hex(8)


def _route(scope: Scope) -> str:
    """The route's pattern, never the path itself: labels must stay few, and a path may name a person."""
    # an included router's routes lack its prefix; FastAPI keeps the whole beside them
    whole = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    pattern = getattr(whole, "path", None)
    if pattern:
        return str(pattern)
    return "dashboards" if scope.get("endpoint") else "refused"
