"""Writing the rows of a built table: the touched ones alone or all of them, in place or into a table made anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelines.incremental import has_touched_key, is_mostly, select_touched, touched_keys
from warehouse.contracts import contract

if TYPE_CHECKING:
    import duckdb

    from warehouse.changes import Changes
    from warehouse.transformations import Transformation

Way = Literal["stood", "unchanged", "parts", "whole", "backfill"]
# a larger table is made anew when rebuilt whole: to compare its old and new rows takes longer than to build from them
COMPARABLE_ROWS = 1_000_000


@dataclass(frozen=True)
class Built:
    """How a table came to stand: it `stood`, is `unchanged` after a look, was built in `parts` (of so many keys) or
    `whole`, or parts of it by a `backfill`; and how many rows it has.
    """

    way: Way
    rows: int
    keys: int = 0


def rewrite(
    con: duckdb.DuckDBPyConnection,
    transformation: Transformation,
    since: int | None,
    changes: Changes | None,
    rows: int,
) -> Built:
    """Bring the rows up to date in the caller's transaction.

    There are `rows` of them as of the snapshot `since`; None where what stands says nothing of what is to change.
    """
    name, partition = transformation.full_name, contract(transformation.full_name).partition
    keys = None if since is None or changes is None else touched_keys(con, transformation, since, changes)
    if keys == 0:
        return Built("unchanged", rows)
    if keys is not None and partition is not None:
        touched = has_touched_key(partition)
        # counted by removing them: one more look at all rows would take as long
        removed = delete_rows(con, name, touched)
        if not is_mostly(removed, rows):
            added = insert_rows(con, name, select_touched(con, transformation, partition), touched)
            return Built("parts", rows - removed + added, keys)
    if rows > COMPARABLE_ROWS or not _is_as_selected(con, transformation):
        return Built("whole", _count(con, f"CREATE OR REPLACE TABLE lake.{name} AS {transformation.sql}"))
    if rows:
        delete_rows(con, name, "TRUE")
    return Built("whole", insert_rows(con, name, transformation.sql, "TRUE"))


def delete_rows(con: duckdb.DuckDBPyConnection, name: str, where: str) -> int:
    """Remove rows in place, so that the table stays the same one for its change feed; how many."""
    return _count(con, f"DELETE FROM lake.{name} WHERE {where}")


def insert_rows(con: duckdb.DuckDBPyConnection, name: str, select: str, where: str) -> int:
    """Add the rows of a SELECT for which the condition holds; how many."""
    return _count(con, f"INSERT INTO lake.{name} SELECT * FROM (\n{select}\n) WHERE {where}")


def _is_as_selected(con: duckdb.DuckDBPyConnection, transformation: Transformation) -> bool:
    """Whether the table stands with the columns of the SELECT."""
    import duckdb

    try:
        stands = _columns(con, f"lake.{transformation.full_name}")
    except duckdb.CatalogException:
        return False
    return stands == _columns(con, transformation.sql)


def _count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    """How many rows a statement wrote."""
    row = con.execute(statement).fetchone()
    return 0 if row is None else int(row[0])


def _columns(con: duckdb.DuckDBPyConnection, of: str) -> list[tuple[str, str]]:
    return [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE {of}").fetchall()]
