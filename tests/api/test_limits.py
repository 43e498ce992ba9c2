"""How often one may try: five times a minute per account and per address, for all processes; then a lock."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from pydantic import SecretStr

from api.app import create_app
from api.identity.accounts import LOCK_AFTER
from api.identity.limit_storage import PostgresStorage
from api.identity.limits import ATTEMPTS, AttemptLimit, create_storage
from api.identity.users import ensure_admin
from api.services.connections import create_pool
from ims.failure import WrongInput
from ims.settings import get_settings


@pytest.fixture
def url(installation) -> str:
    return installation.databases.operational


@pytest.fixture
def password(url: str) -> str:
    made = ensure_admin(url)
    assert made is not None
    return made


@pytest.fixture
def visit(installation) -> Iterator[Any]:
    """`visit(address)`: a client that comes from that address, each one served by an application of its own."""
    opened: list[TestClient] = []

    def start(address: str) -> TestClient:
        app = create_app(installation.databases)
        client = TestClient(app, base_url="http://ims.test", follow_redirects=False, client=(address, 50_000))
        opened.append(client.__enter__())
        return client

    yield start
    for each in opened:
        each.__exit__(None, None, None)


def attempt(client: TestClient, name: str, word: str) -> Any:
    return client.post("/api/v1/tokens", json={"username": name, "password": word})


def forget_attempts(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM rate_limits")


def kinds(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT kind FROM audit_log ORDER BY at").fetchall()]


def test_the_sixth_try_waits_by_account_and_by_address_in_every_process(visit, password: str, url: str) -> None:
    one, two, third = visit("192.0.2.1"), visit("192.0.2.2"), visit("192.0.2.3")
    assert [attempt(each, "admin", "wrong").status_code for each in (one, one, two, two, two)] == [401] * ATTEMPTS
    refused = attempt(third, "admin", password)
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:ims:problem:too-many-attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    page = third.post("/sign-in", data={"username": "admin", "password": password})
    assert (page.status_code, "Too many attempts" in page.text) == (429, True)
    assert int(page.headers["retry-after"]) >= 1
    # what a header claims is no address
    claimed = third.post(
        "/api/v1/tokens",
        json={"username": "admin", "password": password},
        headers={"x-forwarded-for": "198.51.100.7", "forwarded": "for=198.51.100.7", "x-real-ip": "198.51.100.7"},
    )
    assert claimed.status_code == 429
    forget_attempts(url)
    names = [attempt(one, f"nobody{number}", "x").status_code for number in range(ATTEMPTS + 1)]
    assert names == [401] * ATTEMPTS + [429], "an address is limited whatever it tries"
    assert attempt(two, "admin", password).status_code == 201
    assert "session.throttled" in kinds(url)


def test_ten_failures_in_a_row_lock_the_account_and_time_opens_it(visit, password: str, url: str) -> None:
    client = visit("192.0.2.1")
    answers = set()
    for _ in range(LOCK_AFTER):
        forget_attempts(url)
        answer = attempt(client, "admin", "wrong")
        answers.add((answer.status_code, answer.json()["detail"]))
    forget_attempts(url)
    locked = attempt(client, "admin", password)
    assert {(locked.status_code, locked.json()["detail"])} == answers, "a lock is not told apart"
    assert kinds(url).count("session.locked") == 1
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET locked_until = now() - interval '1 second'")
    forget_attempts(url)
    assert attempt(client, "admin", password).status_code == 201
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT failed_attempts, locked_until FROM users").fetchone() == (0, None)
    # one success within ten starts the count anew
    for word in ["wrong"] * (LOCK_AFTER - 1) + [password] + ["wrong"] * (LOCK_AFTER - 1):
        forget_attempts(url)
        attempt(client, "admin", word)
    forget_attempts(url)
    assert attempt(client, "admin", password).status_code == 201


@pytest.mark.usefixtures("real_passwords")
def test_an_unknown_account_takes_as_long_as_a_known_one(visit, password: str, url: str) -> None:
    client = visit("192.0.2.1")
    times: dict[str, list[float]] = {"admin": [], "nobody": []}
    for _ in range(4):
        for name, taken in times.items():
            forget_attempts(url)
            began = time.perf_counter()
            attempt(client, name, "wrong")
            taken.append(time.perf_counter() - began)
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert 0.4 < known / unknown < 2.5


def test_a_postgresql_that_is_away_lets_nobody_in(installation, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    app = create_app(installation.databases)
    with TestClient(app, base_url="http://ims.test") as client:
        door = next(each.kwargs["door"] for each in app.user_middleware if "door" in each.kwargs)
        monkeypatch.setattr(
            door, "sign_in_limit", AttemptLimit(create_storage("redis://127.0.0.1:9/0", door.pool), "x")
        )
        assert attempt(client, "admin", password).status_code == 503
        page = client.post("/sign-in", data={"username": "admin", "password": password})
        assert (page.status_code, "set-cookie" in page.headers) == (503, False)


def test_the_storage_counts_exactly_under_many_hands(url: str) -> None:
    async def work() -> None:
        async with create_pool(url) as one, create_pool(url) as two:
            limiters = [MovingWindowRateLimiter(PostgresStorage(pool)) for pool in (one, two)]
            item = RateLimitItemPerMinute(7)
            tries = [limiters[number % 2].hit(item, "key") for number in range(40)]
            assert sum(await asyncio.gather(*tries)) == 7
            stats = await limiters[0].get_window_stats(item, "key")
            assert stats.remaining == 0
            assert 50 < stats.reset_time - time.time() <= 60
            assert not await limiters[0].test(item, "key")
            assert not await limiters[0].hit(item, "other", cost=8)
            assert await limiters[0].hit(item, "other", cost=7)
            await limiters[0].clear(item, "key")
            assert await limiters[1].test(item, "key")

            short = RateLimitItemPerSecond(2)
            assert [await limiters[0].hit(short, "moves") for _ in range(3)] == [True, True, False]
            await asyncio.sleep(1.1)
            assert await limiters[0].hit(short, "moves")
            with psycopg.connect(url) as connection:
                kept = connection.execute("SELECT max(cardinality(hits)) FROM rate_limits").fetchone()
            assert kept <= (7,), "a row holds no more than its limit"

            fixed, storage = FixedWindowRateLimiter(PostgresStorage(one)), PostgresStorage(one)
            assert [await fixed.hit(RateLimitItemPerSecond(2), "fixed") for _ in range(3)] == [True, True, False]
            assert await storage.incr("counter", 60, 3) == 3
            assert await storage.get("counter") == 3
            assert 50 < await storage.get_expiry("counter") - time.time() <= 60
            assert await storage.check()
            assert (await storage.reset() or 0) >= 3
            assert await storage.get("counter") == 0

    asyncio.run(work())


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """A real Redis on a socket; install one (apt-get install redis-server) where it is missing."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.fail("No redis-server was found: install it (apt-get install redis-server).")
    socket = tmp_path / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(200):
        if socket.exists():
            break
        time.sleep(0.02)
    yield f"redis+unix://{socket}"
    server.terminate()
    server.wait(timeout=10)


@pytest.mark.e2e
def test_redis_counts_the_same_where_it_is_the_setting(redis: str, url: str) -> None:
    async def work() -> None:
        async with create_pool(url) as pool:
            limits = [AttemptLimit(create_storage(redis, pool), "sign-in") for _ in range(2)]
            waits = [await limits[number % 2].wait_seconds("asha", f"192.0.2.{number}") for number in range(6)]
            assert waits[:5] == [0] * 5
            assert 50 <= waits[5] <= 61
            await limits[0].forgive("asha")
            assert await limits[1].wait_seconds("asha", "192.0.2.9") == 0
            waits = [await limits[0].wait_seconds(f"n{number}", f"2001:db8::{number}") for number in range(6)]
            assert waits[5] > 0, "a household of IPv6 addresses is one"

    asyncio.run(work())


def test_a_setting_that_names_no_storage_is_one_sentence_without_its_password(
    installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = get_settings().model_copy(update={"limits_storage": SecretStr("ftp://me:hunter2@x")})
    monkeypatch.setattr("api.identity.door.get_settings", lambda: settings)
    with pytest.raises(WrongInput, match="IMS_LIMITS_STORAGE") as caught:
        create_app(installation.databases)
    assert "hunter2" not in str(caught.value)
