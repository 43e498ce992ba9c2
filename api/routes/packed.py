"""Assets that never change, packed once: what a page loads first is a fifth as long, and costs no processor time again.

The dashboards serve their scripts unpacked, as packing them for each request would cost more than it saves.
"""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER, KINDS = "/static/", (".js", ".css", ".svg", ".json")
WORTH_BYTES, LEVEL = 1024, 9
MOST_BYTES = 64 << 20  # of packed assets kept in memory
Headers = list[tuple[bytes, bytes]]


class PackedAssets:
    """Around an application: its scripts and styles under FOLDER go out in gzip to whoever takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: dict[str, tuple[Headers, bytes]] = {}
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_wanted_packed(scope):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._kept:
            status, headers, body = await self._fetch(scope)
            named = dict(headers)
            is_whole = named.get(b"content-length") == str(len(body)).encode()
            is_packed = b"content-encoding" in named
            if status != 200 or not is_whole or is_packed or len(body) < WORTH_BYTES or self._size > MOST_BYTES:
                await _answer(send, status, headers, body)
                return
            packed = await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
            self._kept[path] = (_describe(headers, len(packed)), packed)
            self._size += len(packed)
        headers, packed = self._kept[path]
        tag = dict(headers).get(b"etag")
        if tag is not None and tag in [name.strip() for name in _header(scope, b"if-none-match").split(b",")]:
            kept = [pair for pair in headers if pair[0] not in {b"content-length", b"content-encoding"}]
            await _answer(send, 304, kept, b"")
        else:
            await _answer(send, 200, headers, b"" if scope["method"] == "HEAD" else packed)

    async def _fetch(self, scope: Scope) -> tuple[int, Headers, bytes]:
        """The whole answer, whatever part or version of it was asked for.

        It is for all who ask later as well, so it is not told when the first of them leaves: an application that is
        ends its answer there, and half a script would be kept for everybody.
        """
        whole = {**scope, "method": "GET", "headers": [h for h in scope["headers"] if not h[0].startswith(b"if-")]}
        found: list[Message] = []

        async def take(message: Message) -> None:
            found.append(message)

        await self.app(whole, _stay, take)
        start = next(message for message in found if message["type"] == "http.response.start")
        body = b"".join(message.get("body", b"") for message in found)
        return start["status"], list(start["headers"]), body


async def _stay() -> Message:
    """Of a client that never leaves."""
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def _is_wanted_packed(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] in {"GET", "HEAD"}
        and FOLDER in scope["path"]
        and scope["path"].endswith(KINDS)
        and b"gzip" in _header(scope, b"accept-encoding")
        and not _header(scope, b"range")
    )


def _describe(headers: Headers, length: int) -> Headers:
    """The headers of the packed answer: another length, and another tag, for it is another text."""
    changed = {b"content-length", b"content-encoding", b"vary", b"etag", b"accept-ranges"}
    tags = [(name, value[:-1] + b'-gzip"') for name, value in headers if name == b"etag" and value.endswith(b'"')]
    own = [
        (b"content-encoding", b"gzip"),
        (b"vary", b"Accept-Encoding"),
        (b"content-length", str(length).encode()),
    ]
    return [pair for pair in headers if pair[0] not in changed] + tags + own


def _header(scope: Scope, wanted: bytes) -> bytes:
    return b",".join(value for name, value in scope["headers"] if name == wanted)


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
