"""The lake: a DuckDB connection with DuckLake attached as `lake`, its catalog in PostgreSQL, its data in Parquet.

Creates the schemas on first use. Holds no table and no query; figures are read through a pinned snapshot.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ims.postgres import Databases, redact_url
from warehouse.stamps import create_stamps

if TYPE_CHECKING:
    import duckdb

    from ims.settings import Settings

SCHEMAS = ("raw", "checks", "staging", "marts", "outputs")
# numbers packed by their differences are read in a third to a half of the time of compressed ones, from smaller files
FILES = {"parquet_version": "2", "parquet_compression": "lz4_raw"}
# a limited question looks up what the files of a table hold, among those of every table of a month's runs
INDEX = "ims_file_column_stats"


class LakeUnavailable(Exception):
    """The lake cannot be used; the message is one paragraph for a person: what, where, what to do."""


def connect(
    databases: Databases, settings: Settings, *, snapshot: int | None = None, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection of its own engine, `USE lake` done; cursors of it must name tables in full (`lake.marts.x`).

    `snapshot` pins what is read, for ever, and makes the connection read-only. Raises LakeUnavailable.
    """
    import duckdb

    try:
        con = open_engine(settings)
        _put_secret(con, "lake_catalog", databases.lake)
        try:
            _attach_as_asked(con, databases.lake, settings, snapshot, read_only)
        except duckdb.Error as error:
            if not _has_followed_its_home(databases.lake, settings, error):
                raise
            _attach_as_asked(con, databases.lake, settings, snapshot, read_only)
        con.execute("USE lake")
    except duckdb.Error as error:
        raise _unavailable(databases.lake, settings, snapshot, error) from None
    except OSError as error:
        raise LakeUnavailable(
            f"The warehouse cannot write under {settings.home}: {error.strerror or error}. "
            "Set IMS_HOME to a folder this user may write to."
        ) from error
    return con


def current_snapshot(con: duckdb.DuckDBPyConnection) -> int:
    """Id of the snapshot this connection reads: the newest, or the one it is pinned to."""
    row = con.execute("SELECT id FROM ducklake_current_snapshot('lake')").fetchone()
    if row is None:
        raise LakeUnavailable("The lake has no snapshot: its catalog is empty.")
    return int(row[0])


def attach_source(con: duckdb.DuckDBPyConnection, url: str) -> None:
    """Attach the operational PostgreSQL, read-only, as `source`. Raises LakeUnavailable."""
    import duckdb

    try:
        _put_secret(con, "source", url)
        con.execute(f"ATTACH OR REPLACE {literal(_conninfo(url))} AS source (TYPE postgres, READ_ONLY, SECRET source)")
    except duckdb.Error as error:
        raise LakeUnavailable(
            f"The operational database {redact_url(url)} cannot be read: {_one_line(error, url)}. "
            "Check that PostgreSQL runs and IMS_DATABASE_URL names it."
        ) from None


def open_engine(settings: Settings) -> duckdb.DuckDBPyConnection:
    """An engine with nothing attached, set up alike for every reader and writer."""
    import duckdb

    work = settings.home / "duckdb"
    work.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "extension_directory": str(work / "extensions"),
        "secret_directory": str(work / "secrets"),
        # a folder per process: two engines that spill into one would overwrite each other's files
        "temp_directory": str(work / f"spill-{os.getpid()}"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    if settings.threads is not None:
        config["threads"] = settings.threads
    con = duckdb.connect(config=config)
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")  # it would draw on the standard output of `ims sql`
    con.execute("SET GLOBAL parquet_metadata_cache = true")  # a file of the lake never changes
    names = ["postgres_scanner", "ducklake"]
    if "://" in settings.lake_data_path or settings.lake_encrypted:
        names.append("httpfs")  # brings what encrypts, too: the engine by itself only decrypts
    for name in names:
        con.execute(f"LOAD {literal(str(_extension(name)))}")
    return con


def _extension(name: str) -> Path:
    """The extension's file inside its wheel: loaded from there, so nothing is downloaded or copied."""
    import duckdb

    package = importlib.import_module(f"duckdb_extension_{name}")
    return Path(package.__path__[0]) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def _attach_as_asked(
    con: duckdb.DuckDBPyConnection, url: str, settings: Settings, snapshot: int | None, read_only: bool
) -> None:
    if snapshot is not None or read_only:
        _attach(con, url, settings, snapshot, read_only=True)
    else:
        _attach_and_create(con, url, settings)


def _has_followed_its_home(url: str, settings: Settings, error: duckdb.Error) -> bool:
    """Where the catalog names another folder since the whole home was moved: name the one it is in now."""
    from warehouse.moved import LakeElsewhere, is_of_the_home, name_anew

    if "DATA_PATH" not in str(error) or not is_of_the_home(settings):
        return False
    try:
        name_anew(url, settings)
    except LakeElsewhere as elsewhere:
        raise LakeUnavailable(str(elsewhere)) from None
    return True


def _attach_and_create(con: duckdb.DuckDBPyConnection, url: str, settings: Settings) -> None:
    """Attach for writing; whoever comes first creates catalog and schemas while the others wait at a lock."""
    import psycopg

    try:
        with psycopg.connect(url) as catalog:
            if _is_created(catalog):
                _attach(con, url, settings, None, read_only=False)
                return
            catalog.execute("SELECT pg_advisory_xact_lock(hashtext('ims lake'))")
            _attach(con, url, settings, None, read_only=False, is_encrypted=settings.lake_encrypted)
            con.execute("BEGIN")  # each commit that changes the schema costs as much as all of them in one
            for schema in SCHEMAS:
                con.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{schema}")
            for option, value in FILES.items():
                con.execute(f"CALL lake.set_option('{option}', '{value}')")
            create_stamps(con)
            con.execute("COMMIT")
            catalog.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON ducklake_file_column_stats (table_id, column_id)")
    except psycopg.Error as error:
        raise _unavailable(url, settings, None, error) from None


def _is_created(catalog: psycopg.Connection[tuple[object, ...]]) -> bool:
    found = catalog.execute("SELECT to_regclass('ducklake_schema')").fetchone()
    if found is None or found[0] is None:
        return False
    known = catalog.execute("SELECT schema_name FROM ducklake_schema WHERE end_snapshot IS NULL").fetchall()
    options = catalog.execute("SELECT key, ltrim(value, 'V') FROM ducklake_metadata WHERE scope IS NULL").fetchall()
    others = catalog.execute(
        "SELECT (SELECT count(*) FROM ducklake_table WHERE table_name = 'table_stamps' AND end_snapshot IS NULL),"
        f" to_regclass('{INDEX}') IS NOT NULL"
    ).fetchone()
    return set(SCHEMAS) <= {row[0] for row in known} and others == (1, True) and set(FILES.items()) <= set(options)


def _attach(
    con: duckdb.DuckDBPyConnection,
    url: str,
    settings: Settings,
    snapshot: int | None,
    read_only: bool,
    is_encrypted: bool = False,
) -> None:
    options = [f"DATA_PATH {literal(settings.lake_data_path)}", "META_SECRET lake_catalog"]
    if read_only:
        options += ["READ_ONLY", "CREATE_IF_NOT_EXISTS false"]
    else:
        # rows kept in the catalog cost PostgreSQL a table for every table ever built: 41 with each run
        options.append("DATA_INLINING_ROW_LIMIT 0")
    if is_encrypted:
        options.append("ENCRYPTED")
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {int(snapshot)}")
    target = literal("ducklake:postgres:" + _conninfo(url))
    con.execute(f"ATTACH {target} AS lake ({', '.join(options)})")


def _put_secret(con: duckdb.DuckDBPyConnection, name: str, url: str) -> None:
    """The password travels as a secret: DuckDB prints the attached address in errors and in duckdb_databases()."""
    from psycopg.conninfo import conninfo_to_dict

    password = str(conninfo_to_dict(url).get("password") or "")
    con.execute(f"CREATE OR REPLACE SECRET {name} (TYPE postgres, PASSWORD {literal(password)})")


def _conninfo(url: str) -> str:
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    parts = {key: value for key, value in conninfo_to_dict(url).items() if key != "password"}
    return make_conninfo("", **parts)


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _one_line(error: Exception, url: str) -> str:
    text = " ".join(str(error).split())
    password = urlsplit(url).password
    return text.replace(password, "…") if password else text


def _unavailable(url: str, settings: Settings, snapshot: int | None, error: Exception) -> LakeUnavailable:
    pinned = "" if snapshot is None else f", snapshot {snapshot}"
    return LakeUnavailable(
        f"The warehouse (catalog {redact_url(url)}, data {settings.lake_data_path}{pinned}) cannot be opened: "
        f"{_one_line(error, url)}. Check that PostgreSQL runs and that IMS_HOME, IMS_LAKE_PATH and "
        "IMS_LAKE_DATABASE_URL are those the lake was made with; a folder that was moved on purpose is named by "
        "`ims lake moved`."
    )


if TYPE_CHECKING:
    import psycopg
