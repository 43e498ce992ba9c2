"""Scripts and styles in gzip: packed once, never for who cannot take it, a part or an old copy of one."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

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
