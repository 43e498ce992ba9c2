"""A database that the tests of one module share, empty at the start of each: cheaper than a new one every time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from ims.postgres import Databases


@pytest.fixture(scope="module")
def shared_url(server: Databases) -> Iterator[str]:
    """A migrated operational database of this module."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(_named(server.operational, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE ims")
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
