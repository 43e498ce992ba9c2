"""One embedded PostgreSQL per test process; each test that asks for `installation` gets fresh databases and a home.

`installation` sets the `IMS_*` variables, so commands started as processes see the same installation. Folders run in a
process for each core, a file's tests in the same one; named files and tests run in this one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from playwright.sync_api import Error as PlaywrightError
from psycopg import sql

from api.database import migrate
from api.identity import passwords
from api.identity.passwords import hash_password
from api.identity.sessions import hash_token
from ims.postgres import NAMES, Databases, connect_databases, stop_server
from ims.settings import Settings, get_settings

ROOM = 4 << 30
PREFIX = "ims-tests-"
# what takes long comes first, so that no process ends minutes after the others
LONG = ("tests/e2e/", "tests/pipelines/", "tests/sql/oracle/", "tests/checks/")

# two cores shared by a server, a browser and another process's tests: what fails by its facts is not tried again, and
# what passed at the second try is told with an R
WAITED_TOO_LONG = [r"TimeoutError", r"Locator expected"]

# a property is tried on the same cases each time and by no clock, so a failure is of the change at hand; new ones by
# `make test ARGS="--hypothesis-profile=search"`
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", derandomize=False, deadline=None)
hypothesis.settings.load_profile("same")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """None: as many as there are cores. A second process does not pay for a file, and a given server is for one."""
    names_files = any(".py" in argument for argument in config.args)
    return 0 if names_files or "IMS_TEST_DATABASE_URL" in os.environ else None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file go to one process, those of a folder that builds one chain for all of its files as well."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "tests/sql/oracle" if file.startswith("tests/sql/oracle/") else file

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files that take long to the front; a browser that waited too long for a page is given one more try."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=WAITED_TOO_LONG))
    items.sort(key=lambda item: next((n for n, folder in enumerate(LONG) if item.nodeid.startswith(folder)), len(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, Any]:
    """What stood on a browser's pages when its test failed."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and browser is not None:
        for page in (page for context in browser.contexts for page in context.pages):
            with suppress(PlaywrightError):
                report.sections.append((f"page {page.url}", page.locator("body").inner_text(timeout=5_000)))
    return report


REAL_HASHER = passwords._hasher


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """In this process a password is hashed with little work, a fiftieth of the product's: hundreds are."""

    @cache
    def quick() -> Any:
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", quick)
        yield


@pytest.fixture
def real_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a test of what the work is for: passwords are hashed as the product does."""
    monkeypatch.setattr(passwords, "_hasher", REAL_HASHER)
    passwords._hash_of_nobody.cache_clear()
    yield
    passwords._hash_of_nobody.cache_clear()


@dataclass(frozen=True)
class Installation:
    """What a test needs to know of its own installation."""

    settings: Settings
    databases: Databases

    @property
    def home(self) -> Path:
        return self.settings.home


@dataclass(frozen=True)
class Original:
    """What an installation is a copy of: its three databases, its home, and what was said of it when it was filled."""

    databases: tuple[str, ...] = (NAMES[0], "template1", "template1")
    home: Path | None = None
    value: Any = None


Originals = Callable[[str, Callable[[Installation], object]], Original]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The session's own PostgreSQL server, or that of IMS_TEST_DATABASE_URL; with a migrated `ims` to clone."""
    given = os.environ.get("IMS_TEST_DATABASE_URL")
    if given is not None:
        yield from _given_server(given)
        return
    with _quick_folder(tmp_path_factory) as home:
        yield from _own_server(Settings(home=home, _env_file=None))


def _own_server(settings: Settings) -> Iterator[Databases]:
    databases = connect_databases(settings)
    with psycopg.connect(databases.operational, autocommit=True) as connection:
        # hundreds of databases are made and dropped, and none outlives the session: nothing waits for the disk
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    migrate(databases.operational)
    yield databases
    stop_server(settings)


@contextmanager
def _quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the server's files lie: in memory where there is room, for a database is copied for nearly every test."""
    memory = Path("/dev/shm")  # noqa: S108  (mkdtemp makes a folder of its own in it)
    if not memory.is_dir() or not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM:
        yield tmp_path_factory.mktemp("server")
        return
    for left in memory.glob(f"{PREFIX}*"):  # by sessions that were killed
        if time.time() - left.stat().st_mtime > 24 * 3600:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=memory))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _given_server(url: str) -> Iterator[Databases]:
    """A server for tests alone: what they make on it is dropped, and a database `ims` that is there is not touched."""
    databases = Databases(*(_named(url, name) for name in NAMES))
    with psycopg.connect(_named(url, "postgres"), autocommit=True) as admin:
        try:
            _create(admin, NAMES[0], "template1")
        except psycopg.errors.DuplicateDatabase:
            pytest.exit("The server of IMS_TEST_DATABASE_URL has a database ims already: name one for tests alone.")
        migrate(databases.operational)
        yield databases
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(NAMES[0])))


@pytest.fixture
def original() -> Original:
    """What `installation` is a copy of; a folder or file of tests may name another."""
    return Original()


@pytest.fixture(scope="session")
def originals(server: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Originals]:
    """`originals(name, fill)`: the installation that `fill` has filled; filled once in this process."""
    with ExitStack() as stack:

        @cache
        def make(name: str, fill: Callable[[Installation], object]) -> Original:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            folder = tmp_path_factory.mktemp(name)
            made = stack.enter_context(_copied(Original(), server, folder, patch))
            value = fill(made)
            patch.undo()
            get_settings.cache_clear()
            names = (made.databases.operational, made.databases.lake, made.databases.dagster)
            return Original(tuple(urlsplit(url).path[1:] for url in names), made.home, value)

        yield make


@pytest.fixture
def installation(
    original: Original, server: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """A migrated installation of its own, empty where nothing else is said: three databases and a home."""
    with _copied(original, server, tmp_path, monkeypatch) as made:
        yield made


@contextmanager
def _copied(original: Original, server: Databases, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Installation]:
    name = f"t_{uuid.uuid4().hex[:12]}"
    admin = _named(server.operational, "postgres")
    names = [name + suffix for suffix in ("", "_lake", "_dagster")]
    databases = Databases(*(_named(server.operational, each) for each in names))
    with psycopg.connect(admin, autocommit=True) as connection:
        for each, template in zip(names, original.databases, strict=True):
            _create(connection, each, template)
    home = folder / "home"
    if original.home is not None:
        # a file of the lake is never written to again: a second name for it does
        lake = original.home / "lake"
        shutil.copytree(original.home, home, ignore=lambda at, _: {"lake"} if Path(at) == original.home else set())
        shutil.copytree(lake, home / "lake", copy_function=os.link)
        with psycopg.connect(databases.lake) as connection:
            connection.execute(
                "UPDATE ducklake_metadata SET value = %s WHERE key = 'data_path'", (f"{home / 'lake'}/",)
            )
    patch.chdir(folder)
    for key, value in {
        "IMS_HOME": str(home),
        "IMS_DATABASE_URL": databases.operational,
        "IMS_LAKE_DATABASE_URL": databases.lake,
        "IMS_DAGSTER_DATABASE_URL": databases.dagster,
    }.items():
        patch.setenv(key, value)
    get_settings.cache_clear()
    yield Installation(get_settings(), databases)
    get_settings.cache_clear()
    with psycopg.connect(admin, autocommit=True) as connection:
        for each in names:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(each)))


class MakeUser(Protocol):
    """Makes a signed-in user; the token, as bearer or as cookie, that opens their session."""

    def __call__(
        self,
        url: str,
        username: str,
        roles: Iterable[str] = ("admin",),
        stores: Iterable[str] = (),
        grants: Iterable[str] = (),
        password: str | None = None,
    ) -> str: ...


@pytest.fixture(scope="session")
def make_user() -> MakeUser:
    """`make_user(url, "asha", roles=("manager",), stores=("S01",))` -> token. Stores (by code) must exist.

    A user of that name gets these roles, stores and grants instead of the earlier ones. Without `password` nobody can
    sign in as the user, but the token works.
    """

    def make(
        url: str,
        username: str,
        roles: Iterable[str] = ("admin",),
        stores: Iterable[str] = (),
        grants: Iterable[str] = (),
        password: str | None = None,
    ) -> str:
        token = secrets.token_urlsafe(32)
        with psycopg.connect(url) as connection:
            (user_id,) = connection.execute(
                "INSERT INTO users (username, password_hash) VALUES (%s, %s) ON CONFLICT (username) "
                "DO UPDATE SET password_hash = excluded.password_hash RETURNING user_id",
                (username, hash_password(password) if password else "not-a-hash"),
            ).fetchone()
            for table in ("user_roles", "user_stores", "user_grants"):
                connection.execute(f"DELETE FROM {table} WHERE user_id = %s", (user_id,))
            for role in roles:
                connection.execute("INSERT INTO user_roles (user_id, role) VALUES (%s, %s)", (user_id, role))
            for number, code in enumerate(stores):
                added = connection.execute(
                    "INSERT INTO user_stores (user_id, store_id, is_primary) "
                    "SELECT %s, store_id, %s FROM stores WHERE store_code = %s",
                    (user_id, number == 0, code),
                )
                assert added.rowcount == 1, f"there is no store {code}"
            for grant in grants:
                connection.execute("INSERT INTO user_grants (user_id, permission) VALUES (%s, %s)", (user_id, grant))
            connection.execute(
                "INSERT INTO user_sessions (token_hash, user_id, expires_at) "
                "VALUES (%s, %s, now() + interval '1 hour')",
                (hash_token(token), user_id),
            )
        return token

    return make


def _create(connection: psycopg.Connection[tuple[object, ...]], name: str, template: str) -> None:
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
