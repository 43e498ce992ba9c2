"""What is refused before anybody asks who is calling: strange hosts, endless addresses, and more than can be served.

Overload is said at once, with Retry-After: a request that would wait in vain costs the others their answer too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from api.routes.problems import problem
from ims.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_TARGET = 8 * 1024  # bytes of path and query
LONGEST_HEAD = 32 * 1024
MOST_HEADERS = 100
# said twice, one program believes the first and the next one the last
ONCE = (b"authorization", b"host", b"content-length", b"content-type", b"idempotency-key", b"if-match")
PROBES = frozenset({"/health", "/ready", "/metrics"})  # asked by address, and most needed under load
POLICY_VIOLATION, TRY_AGAIN = 1008, 1013


class Limits:
    """ASGI middleware in front of the gate."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        hosts = settings.allowed_hosts.lower().split()
        self.hosts = frozenset(host for host in hosts if not host.startswith("*."))
        self.domains = tuple(host[1:] for host in hosts if host.startswith("*."))
        # counted here and not by the pool: a burst is let in as a whole before its first request waits there
        self._at_work = 0
        self._needs_tls = settings.web_address.startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass and give it its time, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        refusal = self._refuse(scope)
        if refusal is None and scope["type"] == "websocket":
            await self.app(scope, receive, send)
        elif refusal is None:
            self._at_work += 1
            try:
                await self._in_time(scope, receive, send)
            finally:
                self._at_work -= 1
        elif scope["type"] == "websocket":
            await receive()
            code = TRY_AGAIN if refusal.status_code == 503 else POLICY_VIOLATION
            await send({"type": "websocket.close", "code": code, "reason": "refused"})
        else:
            await refusal(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if target > LONGEST_TARGET:
            return problem(
                414, "address-too-long", f"Path and query have {target} bytes; {LONGEST_TARGET} is the most."
            )
        headers = scope["headers"]
        if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > LONGEST_HEAD:
            return problem(
                431, "headers-too-large", f"At most {MOST_HEADERS} headers of {LONGEST_HEAD} bytes are read."
            )
        given = [name for name, _ in headers if name in ONCE]
        if len(given) != len(set(given)):
            return problem(400, "header-twice", f"Send each of these once: {', '.join(map(bytes.decode, ONCE))}.")
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            return problem(400, "nul-byte", "The address holds a NUL byte; nothing in IMS is named so.")
        if scope["path"] in PROBES:
            return None
        if (self.hosts or self.domains) and not self._is_ours(headers):
            return problem(421, "unknown-host", "IMS does not answer to this host name (IMS_ALLOWED_HOSTS).")
        if self._needs_tls and scope["path"].startswith("/api/") and _came_in_the_open(scope):
            # sent on to https, its token would travel in the open each time, unnoticed
            return problem(
                403, "needs-https", "The door was asked by http: use https, and another token than this one."
            )
        if self._at_work >= self.settings.pool_size + self.settings.pool_waiting:
            return problem(503, "overloaded", "More is asked than can be answered now; try again.", retry_after=1)
        return None

    def _is_ours(self, headers: list[tuple[bytes, bytes]]) -> bool:
        given = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
        if len(given) != 1:
            return False
        name = given[0].rpartition(":")[0] if given[0].rpartition(":")[2].isdigit() else given[0]
        return name in self.hosts or name.endswith(self.domains)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self.settings.request_timeout_seconds) as deadline:

                async def began(message: Message) -> None:
                    # once an answer is on its way it may take as long as its reader
                    if message["type"] == "http.response.start":
                        deadline.reschedule(None)
                    await send(message)

                await self.app(scope, receive, began)
        except TimeoutError:
            if not deadline.expired():
                raise
            answer = problem(
                503, "too-slow", "This took too long and was ended; ask for less, or try again.", retry_after=5
            )
            await answer(scope, receive, send)


def _came_in_the_open(scope: Scope) -> bool:
    """Whether a proxy says that it was asked by http; what asks the process itself, as a probe does, says nothing."""
    said = [value.strip().lower() for name, value in scope["headers"] if name == b"x-forwarded-proto"]
    return scope.get("scheme") in {"http", "ws"} and said == [b"http"]
