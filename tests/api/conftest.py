"""A database that the tests of one module share, emptied for each: cheaper than a new one; an outbox to send from."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from api.services.connections import create_pool
from api.services.delivery import deliver_due
from api.services.outbox import enqueue
from ims.postgres import Databases
from ims.settings import Settings


class Outbox:
    """The outbox of an installation; `settings` are those its worker runs with."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url, self.settings = url, settings

    def know(self, **settings: object) -> None:
        """Tell the worker of servers."""
        self.settings = self.settings.model_copy(update=settings)

    def write(self, topic: str, recipient: str, payload: dict[str, Any], *, commit: bool = True) -> None:
        """Write a message, as a service does."""

        async def work() -> None:
            async with await psycopg.AsyncConnection.connect(self.url) as connection:
                await enqueue(connection, topic, recipient, payload)
                await (connection.commit() if commit else connection.rollback())

        asyncio.run(work())

    def deliver(self, workers: int = 1) -> int:
        """Let so many workers deliver what is due; how many messages they did deliver."""

        async def work() -> list[int]:
            async with create_pool(self.url) as pool:
                return await asyncio.gather(*(deliver_due(pool, self.settings) for _ in range(workers)))

        return sum(asyncio.run(work()))

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def make_due(self) -> None:
        """What waiting does."""
        self.query("UPDATE outbox_messages SET available_at = now() WHERE state = 'pending'")

    def states(self) -> list[tuple[Any, ...]]:
        """State and attempts of every message."""
        return self.query("SELECT state, attempts FROM outbox_messages ORDER BY created_at")


@pytest.fixture
def outbox(installation: Any) -> Outbox:
    """The outbox of this test's installation."""
    settings = installation.settings.model_copy(update={"mail_from": "IMS <ims@chain.example>"})
    return Outbox(installation.databases.operational, settings)


@pytest.fixture(scope="module")
def shared_url(server: Databases) -> Iterator[str]:
    """A migrated operational database of this module."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(_named(server.operational, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE ims STRATEGY FILE_COPY")
        yield _named(server.operational, name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def empty() -> Callable[[str], None]:
    """The function that empties a database, for tests that do it more than once."""
    return _empty


@pytest.fixture
def empty_url(shared_url: str) -> str:
    """The module's database, emptied."""
    _empty(shared_url)
    return shared_url


def _empty(url: str) -> None:
    """Delete every row but the locations the migrations made; triggers and references asleep meanwhile."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        for (table,) in tables:
            where = " WHERE store_id IS NOT NULL" if table == "stock_locations" else ""
            connection.execute(f"DELETE FROM {table}{where}")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
