"""One embedded PostgreSQL per test session; each test that asks for `installation` gets fresh databases and a home.

`installation` sets the `IMS_*` variables, so commands started as processes see the same installation.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from api.database import migrate
from ims.postgres import Databases, connect_databases, stop_server
from ims.settings import Settings, get_settings


@dataclass(frozen=True)
class Installation:
    """What a test needs to know of its own installation."""

    settings: Settings
    databases: Databases

    @property
    def home(self) -> Path:
        return self.settings.home


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The session's PostgreSQL server, with a migrated `ims` database to clone."""
    settings = Settings(home=tmp_path_factory.mktemp("server"), _env_file=None)
    databases = connect_databases(settings)
    migrate(databases.operational)
    yield databases
    stop_server(settings)


@pytest.fixture
def installation(server: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An empty, migrated installation of its own: three databases and a home."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    admin = _named(server.operational, "postgres")
    databases = Databases(*(_named(server.operational, name + suffix) for suffix in ("", "_lake", "_dagster")))
    with psycopg.connect(admin, autocommit=True) as connection:
        _create(connection, name, "ims")
        for suffix in ("_lake", "_dagster"):
            _create(connection, name + suffix, "template1")
    home = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    for key, value in {
        "IMS_HOME": str(home),
        "IMS_DATABASE_URL": databases.operational,
        "IMS_LAKE_DATABASE_URL": databases.lake,
        "IMS_DAGSTER_DATABASE_URL": databases.dagster,
    }.items():
        monkeypatch.setenv(key, value)
    get_settings.cache_clear()
    yield Installation(get_settings(), replace(databases))
    get_settings.cache_clear()
    with psycopg.connect(admin, autocommit=True) as connection:
        for suffix in ("", "_lake", "_dagster"):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name + suffix)))


def _create(connection: psycopg.Connection[tuple[object, ...]], name: str, template: str) -> None:
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
