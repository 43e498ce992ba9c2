"""An application with chosen settings and with routes that misbehave, its log, its figures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

import psycopg
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import Response

from api.app import create_app
from api.services.logs import JsonFormatter
from ims.settings import get_settings
from ims.smoke import read_samples

Make = Callable[..., TestClient]


@pytest.fixture
def url(installation) -> str:
    return installation.databases.operational


@pytest.fixture
def make(installation, url: str, make_user, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """`make(IMS_X="…")`: a signed-in client of an application with these settings, and with routes that misbehave."""
    opened: list[TestClient] = []
    token = make_user(url, "admin", ("admin",))

    def build(base_url: str = "http://ims.test", **variables: str) -> TestClient:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        app = create_app(installation.databases)
        misbehave(app)
        client = TestClient(app, base_url=base_url, follow_redirects=False)
        opened.append(client.__enter__())
        client.headers["authorization"] = f"Bearer {token}"
        return client

    yield build
    for client in opened:
        client.__exit__(None, None, None)


def misbehave(app: FastAPI) -> None:
    """Routes in front of the others that do what a defect, or a slow database, would."""

    async def sleep(seconds: float) -> dict[str, str]:
        await asyncio.sleep(seconds)
        return {"slept": "well"}

    async def hold(request: Request, seconds: float) -> dict[str, str]:
        async with request.app.state.pool.connection() as connection:
            await connection.execute("SELECT pg_sleep(%s)", (seconds,))
        return {"held": "a connection"}

    async def fail(what: str) -> None:
        raise ValueError(f"no customer {what}")

    async def clash(request: Request, what: str) -> None:
        logging.getLogger("ims.web").warning("a thing: %s", ValueError(what))
        async with request.app.state.pool.connection() as connection, connection.transaction():
            await connection.execute("CREATE TEMP TABLE people (mobile text PRIMARY KEY) ON COMMIT DROP")
            try:
                await connection.execute("INSERT INTO people VALUES (%s), (%s)", (what, what))
            except psycopg.Error as error:
                raise RuntimeError("this failed") from error

    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    async def long() -> dict[str, str]:
        return {"text": "a long answer " * 200}

    async def own() -> Response:
        return Response("{}", headers={"Cache-Control": "private, no-cache", "Content-Security-Policy": "sandbox"})

    rest = list(app.router.routes)
    app.router.routes.clear()
    app.add_api_route("/api/sleep", sleep)
    app.add_api_route("/api/hold", hold)
    app.add_api_route("/api/fail/{what}", fail)
    app.add_api_route("/api/clash/{what}", clash)
    app.add_api_route("/api/echo", echo, methods=["POST"])
    app.add_api_route("/api/long", long)
    app.add_api_route("/api/own", own)
    app.router.routes.extend(rest)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the process logs, as it would write it."""
    written: list[str] = []

    class Memory(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name != "httpx":  # the test's own client
                written.append(self.format(record))

    handler = Memory()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def figures() -> Callable[[TestClient], dict[str, float]]:
    """`figures(client)`: every sample of /metrics, as `name{label=value}`."""
    return _figures


def _figures(client: TestClient) -> dict[str, float]:
    return read_samples(client.get("/metrics").text)
