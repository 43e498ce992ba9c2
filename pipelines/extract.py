"""The extract: operational tables of PostgreSQL into `lake.raw`, read in one moment, landed as one lake snapshot.

Reads rows by the transaction that wrote them and tombstones of deleted ones; keeps its place in `raw.extract_state`.
Which tables and columns come over, and which as pseudonyms, is said by the contracts of schema raw.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from api.identity.keys import load_pseudonym_key
from api.services.privacy_pseudonyms import name_key
from ims.settings import get_settings
from pipelines.pseudonyms import expression, key_at_hand
from pipelines.replica import source_address
from pipelines.source import Leaves, more_memory, read_leaves, relation, smaller_parts
from warehouse.contracts import Column, Contract, contracts, create_built_tables, create_table
from warehouse.lake import attach_source, current_snapshot, literal
from warehouse.stamps import stamp, table_stamps
from warehouse.transactions import plain_errors, transaction

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases

STATE = "raw.extract_state"
Progress = Callable[[str, int, int | None], None]

# in one statement with the data's snapshot; the timeline changes when a backup is restored to an earlier point
POSITION = """
SELECT c.system_identifier::text || '/' || d.oid || '/' || k.timeline_id AS source,
       pg_current_snapshot()::text AS snapshot,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS low_xid,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS high_xid,
       (SELECT as_of FROM public.chain) AS data_as_of
FROM pg_control_system() c, pg_control_checkpoint() k, pg_database d WHERE d.datname = current_database()
"""


class NothingImported(Exception):
    """The operational database describes no chain yet."""


@dataclass(frozen=True)
class Position:
    """Up to where a source was read: transactions below `low_xid`, and those `snapshot` saw above it."""

    source: str
    snapshot: str
    low_xid: int
    high_xid: int
    data_as_of: dt.date

    def is_continued_by(self, now: Position) -> bool:
        """Whether `now` is a later moment of the same database; else everything is read anew."""
        return self.source == now.source and self.low_xid <= now.low_xid and self.high_xid <= now.high_xid


@dataclass(frozen=True)
class ExtractResult:
    """What one extract did; `changes` names only tables that changed, as (rows upserted, rows deleted)."""

    changes: dict[str, tuple[int, int]]
    rows_read: int
    snapshot_id: int
    data_as_of: dt.date
    high_xid: int
    is_full: bool


def extract(
    con: duckdb.DuckDBPyConnection,
    databases: Databases,
    progress: Progress | None = None,
    key: bytes | None = None,
    is_full: bool = False,
) -> ExtractResult:
    """Bring `lake.raw` to the state of PostgreSQL at one moment; without a change no snapshot is written.

    `key` is that of the pseudonyms, by default the installation's; with another one, or where `is_full`, everything is
    read anew.
    Raises LakeUnavailable when PostgreSQL cannot be read, NothingImported when it holds no chain.
    """
    import duckdb

    key = key or load_pseudonym_key(get_settings())
    attach_source(con, source_address(databases, get_settings()))
    try:
        with key_at_hand(con, key), transaction(con):
            result = _extract(con, progress, name_key(key), is_full)
        with plain_errors():
            return replace(result, snapshot_id=current_snapshot(con))
    finally:
        # left attached it would be replaced by the next extract: a lost server must not hide the error it caused
        with contextlib.suppress(duckdb.Error):
            con.execute("USE lake; DETACH source")


def _extract(con: duckdb.DuckDBPyConnection, progress: Progress | None, key_name: str, is_full: bool) -> ExtractResult:
    more_memory(con)
    smaller_parts(con)
    now = _position(con, key_name)
    before = _last_position(con)
    is_full = is_full or before is None or not before.is_continued_by(now)
    changes: dict[str, tuple[int, int]] = {}
    rows_read = 0
    tables = [table for table in contracts("raw") if table.name != STATE]
    landed, leaves = _columns_in_lake(con), read_leaves(con)
    stamps = table_stamps(con)
    written = None if before is None or is_full else _written(con, tables, before)
    for done, table in enumerate(tables):
        if progress is not None:
            progress(f"extract {table.table}", done, len(tables))
        # one without a stamp is of a lake that an earlier version made
        is_anew = is_full or landed.get(table.table) != _shape(table) or table.name not in stamps
        if before is None or written is None or is_anew:
            upserted, deleted, read = _replace(con, table, leaves)
        elif table.is_tracked and table.table not in written:
            continue
        elif table.is_tracked:
            upserted, deleted, read = _merge(con, table, before)
        else:
            upserted, deleted, read = _replace_if_changed(con, table)
        rows_read += read
        if upserted or deleted:
            changes[table.table] = (upserted, deleted)
        if upserted or deleted or is_anew:
            _stamp(con, table, now)
    if is_full or changes:  # a commit without a write makes no snapshot
        _save_position(con, now)
    return ExtractResult(changes, rows_read, 0, now.data_as_of, now.low_xid, is_full)


def _position(con: duckdb.DuckDBPyConnection, key_name: str) -> Position:
    """Where the source is now; under another key it is another source, for its people have other names."""
    row = con.execute(f"SELECT * FROM postgres_query('source', {literal(POSITION)})").fetchone()
    if row is None or row[4] is None:
        raise NothingImported(
            "The operational database holds no chain yet. Load one with `ims import DIR`, or try `ims demo`."
        )
    source, *rest = row
    return Position(f"{source}/{key_name}", *rest)


def _last_position(con: duckdb.DuckDBPyConnection) -> Position | None:
    create_table(con, STATE)
    create_built_tables(con)
    row = con.execute("SELECT source, snapshot, low_xid, high_xid, data_as_of FROM lake.raw.extract_state").fetchone()
    return None if row is None else Position(*row)


def _save_position(con: duckdb.DuckDBPyConnection, now: Position) -> None:
    con.execute("DELETE FROM lake.raw.extract_state")
    con.execute(
        "INSERT INTO lake.raw.extract_state VALUES (?, ?, ?, ?, ?)",
        [now.source, now.snapshot, now.low_xid, now.high_xid, now.data_as_of],
    )


def _replace(con: duckdb.DuckDBPyConnection, table: Contract, leaves: Leaves) -> tuple[int, int, int]:
    """Read the whole table, in parallel by page ranges."""
    where = f" WHERE {table.where}" if table.where else ""
    made = con.execute(
        f"CREATE OR REPLACE TABLE lake.{table.name} AS SELECT {_casts(table)} FROM {relation(table, leaves)}{where}"
    ).fetchone()
    rows = 0 if made is None else int(made[0])
    return rows, 0, rows


def _replace_if_changed(con: duckdb.DuckDBPyConnection, table: Contract) -> tuple[int, int, int]:
    con.execute(f"CREATE OR REPLACE TEMP TABLE delta AS SELECT {_casts(table)} FROM {relation(table, {})}")
    read = _count(con, "temp.delta")
    changed = _count(con, f"(FROM temp.delta EXCEPT FROM lake.{table.name})")
    gone = _count(con, f"lake.{table.name}") - (read - changed)  # rows have keys: those that are no change are in both
    if changed or gone:
        con.execute(f"DELETE FROM lake.{table.name}")
        con.execute(f"INSERT INTO lake.{table.name} FROM temp.delta")
    return changed, max(gone - changed, 0), read


def _unseen(before: Position) -> str:
    """The condition on rows of PostgreSQL that were written since."""
    return (
        f"changed_xid >= {before.low_xid}"
        f" AND NOT pg_visible_in_snapshot(changed_xid::text::xid8, {literal(before.snapshot)}::pg_snapshot)"
    )


def _written(con: duckdb.DuckDBPyConnection, tables: Sequence[Contract], before: Position) -> set[str]:
    """The tracked tables of which a row was written or deleted since `before`: one question for all of them.

    Counted, so that the server reads by its block-range index; for the first row alone it would begin with the oldest.
    """
    unseen = _unseen(before)
    parts = [
        f"SELECT {literal(each.table)} AS name WHERE 0 < (SELECT count(*) FROM public.{each.table} WHERE {unseen})"
        for each in tables
        if each.is_tracked
    ]
    gone = f"SELECT DISTINCT table_name::text FROM public.deleted_rows WHERE {unseen}"
    query = " UNION ALL ".join([*parts, gone])
    return {str(name) for (name,) in con.execute(f"FROM postgres_query('source', {literal(query)})").fetchall()}


def queries_of_changes(table: Contract, before: Position) -> tuple[str, str]:
    """What PostgreSQL is asked of a table: rows written since `before`, each with `is_kept`; and keys deleted since."""
    unseen = _unseen(before)
    kept = f"coalesce({table.where}, false)" if table.where else "true"
    sources = ", ".join(dict.fromkeys(column.source for column in table.columns))
    rows = f"SELECT {sources}, {kept} AS is_kept FROM public.{table.table} WHERE {unseen}"
    gone = f"SELECT row_id FROM public.deleted_rows WHERE table_name = {literal(table.table)} AND {unseen}"
    return rows, gone


def _merge(con: duckdb.DuckDBPyConnection, table: Contract, before: Position) -> tuple[int, int, int]:
    """Apply what transactions wrote that `before` did not see: those at work then count as unseen."""
    (key,) = table.keys
    columns = ", ".join(table.column_names)
    rows, gone = queries_of_changes(table, before)
    # through the server's own planner, so that its block-range index on changed_xid is used
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE delta AS SELECT {_casts(table)}, is_kept"
        f" FROM postgres_query('source', {literal(rows)})"
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE gone AS FROM postgres_query('source', {literal(gone)})")
    read = _count(con, "temp.delta") + _count(con, "temp.gone")
    if read == 0:
        return 0, 0, 0
    stale = f"{key} IN (SELECT row_id FROM temp.gone UNION ALL SELECT {key} FROM temp.delta WHERE NOT is_kept)"
    deleted = _count(con, f"lake.{table.name} WHERE {stale}")
    upserted = _count(con, "temp.delta WHERE is_kept")
    if deleted or upserted:
        con.execute(f"DELETE FROM lake.{table.name} WHERE {stale} OR {key} IN (SELECT {key} FROM temp.delta)")
        con.execute(f"INSERT INTO lake.{table.name} SELECT {columns} FROM temp.delta WHERE is_kept")
    return upserted, deleted, read


def _stamp(con: duckdb.DuckDBPyConnection, table: Contract, now: Position) -> None:
    """Name the table's new content; what is built from it is built anew when the name differs."""
    version = hashlib.sha256(f"{table.name} {now.source} {now.snapshot}".encode()).hexdigest()[:16]
    stamp(con, table.name, version)


def _columns_in_lake(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    found = con.execute(
        "SELECT table_name, list((column_name, data_type) ORDER BY column_index) FROM duckdb_columns()"
        " WHERE database_name = 'lake' AND schema_name = 'raw' GROUP BY table_name"
    ).fetchall()
    return dict(found)


def _shape(table: Contract) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in table.columns]


def _casts(table: Contract) -> str:
    return ", ".join(
        f"{expression(column.name)} AS {column.name}"
        if column.pseudonym
        else f"CAST({_value(column)} AS {column.type}) AS {column.name}"
        for column in table.columns
    )


def _value(column: Column) -> str:
    return column.name if column.year_of is None else f"year({column.year_of})"


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return 0 if row is None else int(row[0])
