"""A copy of what readers ask of one snapshot, as a native file of the engine, attached as `lake` like the lake itself.

The answers are the lake's; a narrow question costs a half to a fifth (docs/performance.md), for no catalog is asked in
PostgreSQL and no file of Parquet opened. The file loses its name as soon as it is open: it ends with whoever reads it,
however that ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.lake import connect, literal, open_engine

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases
    from ims.settings import Settings

SCHEMAS = ("marts", "outputs", "checks")
# what readers ask besides: the chain, its settings, and rows of files that an import set aside
ALSO = ("staging.chain", "staging.chain_settings", "raw.stores", "raw.import_quarantine")
LEFT_SECONDS = 3600  # a file that nobody wrote to for so long is of a process that was killed over it
ENCRYPTED = """
SELECT count(*) FROM __ducklake_metadata_lake.ducklake_metadata WHERE key = 'encrypted' AND value = 'true'
"""
TABLES = """
SELECT schema_name, table_name FROM duckdb_tables()
WHERE database_name = 'lake' AND (schema_name IN ? OR schema_name || '.' || table_name IN ?)
"""


def open_copy(
    databases: Databases, settings: Settings, snapshot: int, ended: threading.Event | None = None
) -> duckdb.DuckDBPyConnection | None:
    """Copy the snapshot's tables, by one thread and as long as that takes, and open the copy for reading.

    None for an encrypted lake, of which nothing may lie legible on a disk, and where it `ended` before the last table.
    Raises LakeUnavailable, duckdb.Error and OSError; then nothing is left behind.
    """
    folder = settings.home / "duckdb"
    path = folder / f"copy-{os.getpid()}-{snapshot}.duckdb"
    _remove_left(folder)
    try:
        path.unlink(missing_ok=True)
        if not _write(databases, settings, snapshot, path, ended):
            return None
        con = open_engine(settings)
        con.execute(f"ATTACH {literal(str(path))} AS lake (READ_ONLY)")
        con.execute("USE lake")
        return con
    finally:
        for each in folder.glob(f"{path.name}*"):
            each.unlink(missing_ok=True)


def write_tables(
    con: duckdb.DuckDBPyConnection, tables: Sequence[tuple[str, str]], path: Path, ended: threading.Event | None = None
) -> bool:
    """Write these tables of `lake` (schema, name) to a new native file; False where it `ended` before the last."""
    con.execute(f"ATTACH {literal(str(path))} AS copy")
    con.execute("BEGIN")
    for schema in sorted({schema for schema, _ in tables}):
        con.execute(f"CREATE SCHEMA copy.{schema}")
    for schema, table in tables:
        if ended is not None and ended.is_set():
            return False
        con.execute(f"CREATE TABLE copy.{schema}.{table} AS FROM lake.{schema}.{table}")
    con.execute("COMMIT")
    con.execute("DETACH copy")
    return True


def _write(databases: Databases, settings: Settings, snapshot: int, path: Path, ended: threading.Event | None) -> bool:
    con = connect(databases, settings, snapshot=snapshot)
    try:
        if con.execute(ENCRYPTED).fetchone() != (0,):
            return False
        con.execute("SET threads = 1")  # pages are read meanwhile
        return write_tables(con, con.execute(TABLES, [list(SCHEMAS), list(ALSO)]).fetchall(), path, ended)
    finally:
        con.close()


def _remove_left(folder: Path) -> None:
    for path in folder.glob("copy-*"):
        if path.exists() and path.stat().st_mtime < time.time() - LEFT_SECONDS:
            path.unlink(missing_ok=True)
