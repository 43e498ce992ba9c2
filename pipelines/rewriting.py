"""Writing the rows of a built table: the touched ones alone or all of them, in place or into a table made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pipelines.incremental import count, has_touched_key, is_mostly, select_touched, touched_keys
from warehouse.contracts import contract

if TYPE_CHECKING:
    import duckdb

    from warehouse.changes import Changes
    from warehouse.transformations import Transformation

Way = Literal["stood", "unchanged", "parts", "whole", "backfill"]
# a larger table is made anew when rebuilt whole: to compare its old and new rows takes longer than to build from them
COMPARABLE_ROWS = 1_000_000


def rewrite(
    con: duckdb.DuckDBPyConnection, transformation: Transformation, since: int | None, changes: Changes | None
) -> tuple[Way, int]:
    """Bring the rows up to date in the caller's transaction: how, and of how many keys.

    They stand as of the snapshot `since`; None where what stands says nothing of what is to change.
    """
    name, partition = transformation.full_name, contract(transformation.full_name).partition
    keys = None if since is None or changes is None else touched_keys(con, transformation, since, changes)
    if keys == 0:
        return "unchanged", 0
    if keys is not None and partition is not None:
        rows = count(con, f"lake.{name}")
        # counted by removing them: one more look at all rows would take as long
        if not is_mostly(delete_rows(con, name, has_touched_key(partition)), rows):
            insert_rows(con, name, select_touched(con, transformation, partition), has_touched_key(partition))
            return "parts", keys
    stands = _rows_as_selected(con, transformation)
    if stands is None or stands > COMPARABLE_ROWS:
        con.execute(f"CREATE OR REPLACE TABLE lake.{name} AS {transformation.sql}")
    else:
        if stands:
            delete_rows(con, name, "TRUE")
        insert_rows(con, name, transformation.sql, "TRUE")
    return "whole", 0


def delete_rows(con: duckdb.DuckDBPyConnection, name: str, where: str) -> int:
    """Remove rows in place, so that the table stays the same one for its change feed; how many."""
    row = con.execute(f"DELETE FROM lake.{name} WHERE {where}").fetchone()
    return 0 if row is None else int(row[0])


def insert_rows(con: duckdb.DuckDBPyConnection, name: str, select: str, where: str) -> None:
    """Add the rows of a SELECT for which the condition holds."""
    con.execute(f"INSERT INTO lake.{name} SELECT * FROM (\n{select}\n) WHERE {where}")


def _rows_as_selected(con: duckdb.DuckDBPyConnection, transformation: Transformation) -> int | None:
    """How many rows the table has, where it stands with the columns of the SELECT."""
    import duckdb

    name = transformation.full_name
    try:
        stands = _columns(con, f"lake.{name}")
    except duckdb.CatalogException:
        return None
    return count(con, f"lake.{name}") if stands == _columns(con, transformation.sql) else None


def _columns(con: duckdb.DuckDBPyConnection, of: str) -> list[tuple[str, str]]:
    return [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE {of}").fetchall()]
