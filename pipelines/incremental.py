"""Which rows of a table must be rebuilt, from what changed in the tables it reads; and the SQL that builds these alone.

The rules are those of the table's contract (`[partition]`, see docs/pipeline.md). Writes temp tables only.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from warehouse.contracts import contract
from warehouse.partitions import Between, Looked, Named, Partition
from warehouse.transformations import columns_asked

if TYPE_CHECKING:
    import duckdb

    from warehouse.changes import Changes
    from warehouse.transformations import Transformation

CHANGED = "changed_rows"
NAMED, TOUCHED = "temp.named_keys", "temp.touched_keys"
# where more than one row in so many would be written anew, the whole table is rebuilt as fast
MOST = 4


def touched_keys(
    con: duckdb.DuckDBPyConnection, transformation: Transformation, since: int, changes: Changes
) -> int | None:
    """Put into TOUCHED the keys of rows that changes after `since` may have changed; how many, None for all rows."""
    name = transformation.full_name
    partition = contract(name).partition
    if partition is not None:
        con.execute(f"CREATE OR REPLACE TEMP TABLE named_keys AS SELECT {partition.key} FROM lake.{name} LIMIT 0")
    for upstream in transformation.upstream:
        if not changes.is_touched(upstream, since):
            continue
        if not changes.can_tell(upstream, since):
            return None
        there = contract(upstream).column_names
        columns = transformation.columns_read(upstream, there)
        if not changes.collect(upstream, since, columns, columns_asked(upstream, there), CHANGED):
            continue
        if partition is None or not _name(con, partition, upstream, f"temp.{CHANGED}"):
            return None
    if partition is None:
        return 0
    known = f"SELECT DISTINCT * FROM {NAMED} WHERE COLUMNS(*) IS NOT NULL"
    con.execute(f"CREATE OR REPLACE TEMP TABLE touched_keys AS {known}")
    return count(con, TOUCHED)


def is_mostly(touched: int, rows: int) -> bool:
    """Whether so many of a table's rows are touched that the whole table is rebuilt as fast."""
    return MOST * touched > rows


def has_touched_key(partition: Partition) -> str:
    """What holds for the rows to be rebuilt: a join by hash, whose bounds the engine pushes down to the files."""
    return f"({partition.key}) IN (FROM {TOUCHED})"


def select_touched(con: duckdb.DuckDBPyConnection, transformation: Transformation, partition: Partition) -> str:
    """The SELECT over those rows alone of the tables in `of` that have a touched key: it gives no other row's worth."""
    parts = {}
    for number, (upstream, key) in enumerate(partition.of.items()):
        columns = ", ".join(transformation.columns_read(upstream, contract(upstream).column_names)) or "*"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE touched_{number} AS"
            f" SELECT {columns} FROM lake.{upstream} WHERE ({key}) IN (FROM {TOUCHED})"
        )
        parts[upstream] = f"temp.touched_{number}"
    return transformation.reading(parts)


def _name(
    con: duckdb.DuckDBPyConnection, partition: Partition, upstream: str, rows: str, way: tuple[str, ...] = ()
) -> bool:
    """Add to NAMED the keys that these rows of `upstream` name; whether that can be told.

    `way` holds the tables that were looked in to come here; none is looked in again, but for its own rows.
    """
    for rule in partition.rules.get(upstream, (None,)):
        match rule:
            case None:
                return False
            case Named(key):
                con.execute(f"INSERT INTO {NAMED} SELECT DISTINCT {key} FROM {rows}")
            case Between():
                if not _name_between(con, partition, rule, rows):
                    return False
            case Looked():
                for table in rule.tables:
                    held = f"(SELECT * FROM lake.{table} AS held WHERE {rule.holding(rows)})"
                    if table not in way[:-1] and not _name(con, partition, table, held, (*way, upstream)):
                        return False
    return True


def _name_between(con: duckdb.DuckDBPyConnection, partition: Partition, rule: Between, rows: str) -> bool:
    others = f"(SELECT DISTINCT * EXCLUDE ({rule.column}, n) FROM {rows}) HAVING count(*) > 1"
    if con.execute(f"SELECT 1 FROM {others}").fetchone() is not None:
        return False
    first, last = con.execute(f"SELECT min({rule.column}), max({rule.column}) FROM {rows}").fetchall()[0]
    if not isinstance(first, dt.date):
        return False
    spanned = f"{rule.on} BETWEEN DATE '{first}' AND DATE '{last}'"
    return _name(con, partition, rule.table, f"(SELECT * FROM lake.{rule.table} WHERE {spanned})")


def count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a table or a subquery."""
    row = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return 0 if row is None else int(row[0])
