"""Read-only: everything can be read, whoever writes is told so, and nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.identity.passwords import hash_password
from api.services.background import working
from api.services.connections import create_pool
from ims.settings import Settings

Make = Callable[..., TestClient]
STORE = {"store_code": "S1", "name": "Pune"}
KEY = {"idempotency-key": "a-key-of-a-write"}


def stores(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM stores").fetchone()[0]


def refused(answer) -> bool:
    said = (answer.status_code, answer.json()["type"], answer.headers["retry-after"])
    return said == (503, "urn:ims:problem:read-only", "60")


def test_in_read_only_mode_reading_goes_on_and_writes_are_refused(make: Make, url: str, make_user) -> None:
    client = make(IMS_READ_ONLY="true")
    before = stores(url)
    assert client.get("/api/v1/stores").status_code == 200
    assert refused(client.post("/api/v1/stores", json=STORE, headers=KEY))
    assert stores(url) == before
    # who asks for too much is still told so, and it is written down
    client.headers["authorization"] = f"Bearer {make_user(url, 'sam', ('staff',))}"
    assert client.post("/api/v1/stores", json=STORE, headers=KEY).status_code == 403
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM audit_log WHERE kind = 'access.denied'").fetchone() == (1,)


def test_people_sign_in_in_read_only_mode(make: Make, url: str, make_user) -> None:
    make_user(url, "ada", ("admin",))
    client = make(IMS_READ_ONLY="true")
    word = hash_password("right-word-9")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET password_hash = %s WHERE username = 'ada'", [word])
    asked = client.post("/api/v1/tokens", json={"username": "ada", "password": "right-word-9"})
    assert asked.status_code in {200, 201}, asked.text
    assert asked.json()["access_token"]


@pytest.fixture
def standby(url: str):
    """The database as a standby answers: it reads."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    yield url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


def test_a_database_that_only_reads_is_said_alike(make: Make, standby: str) -> None:
    client = make()
    before = stores(standby)
    assert client.get("/api/v1/stores").status_code == 200
    assert refused(client.post("/api/v1/stores", json=STORE, headers=KEY))
    assert stores(standby) == before


def test_what_works_by_itself_waits_for_a_database_that_writes(standby: str, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        pool = create_pool(standby)
        async with pool, working(pool, Settings(smtp_url="smtp://127.0.0.1:9"), standby):
            await asyncio.sleep(1)

    asyncio.run(work())
    assert {"upkeep waits for PostgreSQL", "the outbox waits for the database"} <= {r.message for r in caplog.records}
