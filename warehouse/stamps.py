"""What each table of the lake was last given, by name: a stamp, written in the transaction that wrote the data.

A small table of its own whose rows lie in the catalog. A table's comment would be a change of the schema, after which
DuckLake reads its whole catalog anew: ten times what the write of a small table costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

TABLE = "lake.main.table_stamps"
# one run stamps every table once
ROWS_IN_CATALOG = 10_000


def create_stamps(con: duckdb.DuckDBPyConnection) -> None:
    """Create the table of the stamps, where it is not there yet. Needs a lake attached for writing."""
    con.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (table_name VARCHAR, stamp VARCHAR)")
    # of the schema, in which no other table lies: one made in this transaction cannot be given an option yet
    con.execute(f"CALL lake.set_option('data_inlining_row_limit', {ROWS_IN_CATALOG}, schema => 'main')")


def table_stamps(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The newest stamp of each table of the lake that has one."""
    return dict(con.execute(f"SELECT table_name, arg_max(stamp, rowid) FROM {TABLE} GROUP BY ALL").fetchall())


def stamp(con: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
    """Say what `schema.table` was given, in the caller's transaction."""
    stamp_all(con, {name: text})


def stamp_all(con: duckdb.DuckDBPyConnection, stamps: Mapping[str, str]) -> None:
    """Say what each of these tables was given, in the caller's transaction."""
    rows = ", ".join(["(?, ?)"] * len(stamps))
    con.execute(f"INSERT INTO {TABLE} VALUES {rows}", [word for pair in stamps.items() for word in pair])


def forget_old_stamps(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the stamps that a newer one of the same table stands for."""
    newest = f"SELECT max(rowid) FROM {TABLE} GROUP BY table_name"
    con.execute(f"DELETE FROM {TABLE} WHERE rowid NOT IN ({newest})")
