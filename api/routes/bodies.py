"""Bodies, read once and whole behind the gate: small enough, in time, of the right type, not nested without end.

FastAPI would read them as well, but only once it has parsed what should never have been parsed.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.routes.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEEPEST = 32  # levels of JSON; the deepest body of the API has four
SLOWEST_SECONDS = 20.0
STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)', re.DOTALL)  # matches from any quote on, so it is linear
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
NOT_NUMBERS = (b"NaN", b"Infinity")  # Python's parser takes them, JSON has no such numbers


class Refused(Exception):
    """The body cannot be taken; `answer` says why."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class Bodies:
    """ASGI middleware between the gate and the routes."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body and hand it on in one piece."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        if b"transfer-encoding" not in headers and headers.get(b"content-length", b"0") == b"0":
            await self.app(scope, receive, send)
            return
        try:
            body = await self._read(headers, receive)
            if scope["path"].startswith("/api/") and body:
                _check_type(headers.get(b"content-type", b""))
                _check_text(body)
                check_json(body)
                check_members(body)
        except Refused as refused:
            await refused.answer(scope, receive, send)
            return
        except ClientDisconnect:
            return
        is_given = False

        async def give() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()
            is_given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, give, send)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self.max_bytes:
            raise Refused(self._too_large())
        chunks, size = [], 0
        try:
            async with asyncio.timeout(SLOWEST_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > self.max_bytes:
                        raise Refused(self._too_large())
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError:
            raise Refused(
                problem(408, "body-too-slow", f"The body did not arrive within {SLOWEST_SECONDS:.0f} seconds.")
            ) from None

    def _too_large(self) -> Response:
        return problem(413, "body-too-large", f"A body of at most {self.max_bytes} bytes is taken; send several.")


def check_json(body: bytes) -> None:
    """Raises Refused for nesting beyond 32 levels and for numbers that JSON has not. Linear, before any parser."""
    if not (body.count(b"[") + body.count(b"{") > DEEPEST or any(word in body for word in NOT_NUMBERS)):
        return
    bare = STRINGS.sub(b"", body)
    if any(word in bare for word in NOT_NUMBERS):
        raise Refused(problem(400, "malformed-json", "NaN and Infinity are no numbers of JSON."))
    depth = 0
    for bracket in bare.translate(None, NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST:
            raise Refused(problem(400, "nested-too-deep", f"The body is nested deeper than {DEEPEST} levels."))


def _check_text(body: bytes) -> None:
    """JSON between programs is UTF-8. Python's parser would guess UTF-16 from the NUL bytes, past what is checked."""
    try:
        if b"\x00" not in body:
            body.decode()
            return
    except UnicodeDecodeError:
        pass
    raise Refused(problem(400, "malformed-json", "JSON is sent as UTF-8, without NUL bytes."))


def check_members(body: bytes) -> None:
    """Raises Refused for a member given twice: whoever read the first one would have approved something else.

    A body that is no JSON is left to its parser, which says where it breaks. After `check_json`.
    """

    def once(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(names) != len(set(names)):
            twice = next(name for name in names if names.count(name) > 1)
            raise Refused(problem(400, "member-twice", f"The body has the member {twice[:64]!r} twice in one object."))

    try:
        json.loads(body, object_pairs_hook=once)
    except ValueError:
        return


def _check_type(content_type: bytes) -> None:
    kind = content_type.partition(b";")[0].strip().lower()
    if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        answer = problem(415, "wrong-content-type", "Send the body as application/json.")
        answer.headers["Accept"] = "application/json"
        raise Refused(answer)
