"""Whether the lake is whole: each file that its catalog names is there, and what is published can be read to its end.

After a restore, catalog and files come from two places. Reads both, changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.lake import connect
from warehouse.transactions import plain_errors

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases
    from ims.settings import Settings

# One row per file of every snapshot that is kept.
FILES = """
WITH tables AS (SELECT DISTINCT ON (table_id) * FROM ducklake_table ORDER BY table_id, begin_snapshot DESC),
     schemas AS (SELECT DISTINCT ON (schema_id) * FROM ducklake_schema ORDER BY schema_id, begin_snapshot DESC),
     files AS (SELECT table_id, path, path_is_relative, file_size_bytes FROM ducklake_data_file
               UNION ALL SELECT table_id, path, path_is_relative, file_size_bytes FROM ducklake_delete_file)
SELECT CASE WHEN NOT f.path_is_relative THEN '' WHEN NOT t.path_is_relative THEN t.path
            WHEN NOT s.path_is_relative THEN s.path || t.path ELSE %s || s.path || t.path END || f.path,
       f.file_size_bytes
  FROM files AS f JOIN tables AS t USING (table_id) JOIN schemas AS s USING (schema_id)
 ORDER BY 1
"""
TABLES = """
SELECT schema_name || '.' || table_name FROM duckdb_tables()
 WHERE database_name = 'lake' AND schema_name <> 'main' ORDER BY 1
"""


@dataclass(frozen=True)
class Whole:
    """What was looked at: files the catalog names, rows read of the published snapshot; `faults`, a sentence each."""

    files: int
    rows: int
    faults: list[str]


def verify_lake(databases: Databases, settings: Settings, snapshot: int | None, *, is_read: bool = True) -> Whole:
    """Look at every file; where `is_read`, read every row of `snapshot`, the published one. Raises LakeUnavailable."""
    named = _files(databases.lake, settings.lake_data_path.rstrip("/") + "/")
    faults = list(_missing(named))
    rows = 0
    if snapshot is not None and is_read and not faults:
        con = connect(databases, settings, snapshot=snapshot)
        try:
            rows, unreadable = _read(con)
            faults += unreadable
        finally:
            con.close()
    return Whole(len(named), rows, faults)


def missing_files(url: str, path: str) -> list[str]:
    """What is not there of the files that the catalog at `url` names, were the lake at `path`; a sentence each."""
    return list(_missing(_files(url, path.rstrip("/") + "/")))


def _files(url: str, base: str) -> list[tuple[str, int]]:
    import psycopg

    with psycopg.connect(url) as catalog:
        return [(str(path), int(size)) for path, size in catalog.execute(FILES, [base]).fetchall()]


def _missing(named: list[tuple[str, int]]) -> Iterator[str]:
    """Files on this machine that are not there or not as long as the catalog says; those elsewhere are only read."""
    for path, size in named:
        if "://" in path:
            continue
        try:
            found = os.stat(path).st_size
        except OSError:
            yield f"{path} is missing"
            continue
        if found != size:
            yield f"{path} has {found:,} bytes, the catalog says {size:,}"


def _read(con: duckdb.DuckDBPyConnection) -> tuple[int, list[str]]:
    """Every column of every row is read, so that a file damaged inside is found."""
    import duckdb

    rows, faults = 0, []
    for (table,) in con.execute(TABLES).fetchall():
        try:
            with plain_errors():
                found = con.execute(f"SELECT count(*), bit_xor(hash(t)) FROM lake.{table} AS t").fetchone()
            rows += int(found[0]) if found else 0
        except duckdb.Error as error:
            faults.append(f"{table} cannot be read: {' '.join(str(error).split())[:200]}")
    return rows, faults
