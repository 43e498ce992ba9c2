"""Building the tables of `lake.staging` and `lake.marts` from their SQL, one transaction each.

A table is skipped while its SQL, what it reads and the day of the run are those it was built from: its comment in the
lake holds that fingerprint.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from warehouse.lake import table_stamps
from warehouse.transactions import plain_errors, transaction
from warehouse.transformations import Transformation, table, tables

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int, int | None], None]


class NotBuilt(LookupError):
    """A table cannot be built because one it reads is not in the lake yet."""


def build_table(con: duckdb.DuckDBPyConnection, name: str, as_of: dt.date) -> int:
    """Build `schema.table` for the opening of `as_of`, unless it stands already; rows it holds. Raises NotBuilt."""
    with plain_errors():
        _build(con, table(name), as_of, table_stamps(con))
    row = con.execute(f"SELECT count(*) FROM lake.{name}").fetchone()
    return 0 if row is None else int(row[0])


def build_all(con: duckdb.DuckDBPyConnection, as_of: dt.date, progress: Progress | None = None) -> list[str]:
    """Build every table in order; the names of those that were built anew. Raises NotBuilt."""
    with plain_errors():
        stamps = table_stamps(con)
    built = []
    for done, each in enumerate(tables()):
        if progress is not None:
            progress(f"build {each.full_name}", done, len(tables()))
        if _build(con, each, as_of, stamps):
            built.append(each.full_name)
    return built


def is_current(con: duckdb.DuckDBPyConnection, name: str, as_of: dt.date) -> bool:
    """Whether building the table now would give what stands. Raises NotBuilt."""
    stamps = table_stamps(con)
    return stamps.get(name) == _fingerprint(table(name), as_of, stamps)


def _build(
    con: duckdb.DuckDBPyConnection, transformation: Transformation, as_of: dt.date, stamps: dict[str, str]
) -> bool:
    """Build where needed and note the new fingerprint in `stamps`; whether it was built."""
    name = transformation.full_name
    wanted = _fingerprint(transformation, as_of, stamps)
    if stamps.get(name) == wanted:
        return False
    con.execute("USE lake")  # the SQL names tables without their database, and a cursor does not inherit USE
    con.execute(f"SET VARIABLE as_of = DATE '{as_of:%Y-%m-%d}'")
    with transaction(con):
        con.execute(f"CREATE OR REPLACE TABLE lake.{name} AS {transformation.sql}")
        con.execute(f"COMMENT ON TABLE lake.{name} IS '{wanted}'")
    stamps[name] = wanted
    return True


def _fingerprint(transformation: Transformation, as_of: dt.date, stamps: dict[str, str]) -> str:
    """A name for everything the table's content depends on."""
    missing = [up for up in transformation.upstream if up not in stamps]
    if missing:
        raise NotBuilt(f"{transformation.full_name} reads {', '.join(missing)}, which the lake does not hold yet")
    parts = [transformation.sql, *(stamps[up] for up in transformation.upstream)]
    if transformation.reads_as_of:
        parts.append(as_of.isoformat())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
