"""Scripts and styles in gzip: packed once, never for who cannot take it, a part or an old copy of one."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from api.routes.packed import PackedAssets

SCRIPT = b"let answer = 42;\n" * 500
ZIPPED = {"accept-encoding": "gzip, br"}


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def client(asked: list[str]):
    async def serve(request) -> Response:
        asked.append(request.url.path)
        if request.url.path.endswith("missing.js"):
            return Response(b"no " * 1000, 404)
        body = b"tiny" if request.url.path.endswith("tiny.js") else SCRIPT
        if request.headers.get("if-none-match") == '"v1"':
            return Response(status_code=304, headers={"etag": '"v1"'})
        return Response(body, headers={"etag": '"v1"', "cache-control": "public, immutable"})

    app = PackedAssets(Starlette(routes=[Route("/{path:path}", serve)]))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")


def raw(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer and the bytes as they went over the wire."""

    async def ask() -> tuple[httpx.Response, bytes]:
        async with client.stream("GET", path, headers=headers) as answer:
            return answer, b"".join([part async for part in answer.aiter_raw()])

    return asyncio.run(ask())


def test_a_script_is_packed_once_and_says_so(client, asked) -> None:
    first, body = raw(client, "/static/js/a.js", **ZIPPED)
    second, again = raw(client, "/static/js/a.js", **ZIPPED)
    assert gzip.decompress(body) == SCRIPT
    assert body == again
    assert asked == ["/static/js/a.js"]
    for answer in (first, second):
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["cache-control"] == "public, immutable"
        assert int(answer.headers["content-length"]) == len(body) < len(SCRIPT) / 5
        assert answer.headers["etag"] == '"v1-gzip"'
    held, nothing = raw(client, "/static/js/a.js", **ZIPPED, **{"if-none-match": '"v1-gzip"'})
    assert (held.status_code, nothing) == (304, b"")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/a.js", {"accept-encoding": "identity"}),
        ("/static/js/a.js", {**ZIPPED, "range": "bytes=0-9"}),
        ("/static/media/a.woff2", ZIPPED),
        ("/media/a.js", ZIPPED),
        ("/static/js/tiny.js", ZIPPED),
        ("/static/js/missing.js", ZIPPED),
    ],
)
def test_everything_else_goes_out_as_it_is(client, path, headers) -> None:
    answer, body = raw(client, path, **headers)
    assert "content-encoding" not in answer.headers
    assert len(body) == int(answer.headers["content-length"])


def test_who_asks_for_an_old_copy_first_does_not_leave_the_next_without_one(client) -> None:
    raw(client, "/static/js/a.js", **ZIPPED, **{"if-none-match": '"v1"'})
    answer, body = raw(client, "/static/js/a.js", **ZIPPED)
    assert (answer.status_code, gzip.decompress(body)) == (200, SCRIPT)


def test_who_leaves_before_it_is_packed_does_not_leave_half_of_it_to_everybody() -> None:
    async def serve(_: Scope, receive: Receive, send: Send) -> None:
        """As starlette sends a file: it ends where the client leaves."""
        length = (b"content-length", str(len(SCRIPT)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": SCRIPT[:4000], "more_body": True})
        leaving = asyncio.ensure_future(receive())
        left, _ = await asyncio.wait({leaving}, timeout=0.05)
        leaving.cancel()
        if not left:
            await send({"type": "http.response.body", "body": SCRIPT[4000:]})

    async def leave() -> Message:
        return {"type": "http.disconnect"}

    async def ask(receive: Receive) -> bytes:
        said: list[Message] = []

        async def send(message: Message) -> None:
            said.append(message)

        scope = {"type": "http", "method": "GET", "path": "/static/a.js", "headers": [(b"accept-encoding", b"gzip")]}
        await app(scope, receive, send)
        return b"".join(message.get("body", b"") for message in said)

    async def stay() -> Message:
        return await asyncio.get_running_loop().create_future()

    async def both() -> bytes:
        await ask(leave)
        return await ask(stay)

    app = PackedAssets(serve)
    assert gzip.decompress(asyncio.run(both())) == SCRIPT


def test_half_a_script_is_kept_for_nobody() -> None:
    async def serve(_: Scope, __: Receive, send: Send) -> None:
        length = (b"content-length", str(len(SCRIPT)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": SCRIPT[: 4000 if next(tries) == 0 else None]})

    tries = iter(range(9))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(PackedAssets(serve)), base_url="http://x")
    assert "content-encoding" not in raw(client, "/static/a.js", **ZIPPED)[0].headers
    assert gzip.decompress(raw(client, "/static/a.js", **ZIPPED)[1]) == SCRIPT
