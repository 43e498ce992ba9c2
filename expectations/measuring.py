"""How many rows of a table break each of its checks: measured where the rows lie, as Great Expectations' own metrics.

One scan for all that a row alone can break; one statement more for the rules, which look further.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from expectations.check import Check

if TYPE_CHECKING:
    import duckdb

# in one statement they would keep what they join in memory at the same time
TOGETHER_ROWS = 1_000_000


@dataclass(frozen=True)
class Measured:
    """Rows of a table, and by a check's name how many break it, how many leave its column empty, or what went wrong."""

    rows: int
    broken: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def measure(con: duckdb.DuckDBPyConnection, table: str, checks: Sequence[Check]) -> Measured:
    """Measure the checks of `schema.table` in the lake; of a table without a row nothing but that.

    Raises LakeUnavailable when PostgreSQL is gone; whatever else goes wrong is the check's own.
    """
    try:
        found = _scan(con, table, [check for check in checks if check.breaks is not None])
    except _errors():  # one of them cannot be evaluated: each for itself says which
        found = Measured(_one(con, f"SELECT count(*) FROM lake.{table}"))
    left = [check for check in checks if check.name not in found.broken]
    if found.rows and left:
        _measure_rules(con, left, found)
    return found


def _scan(con: duckdb.DuckDBPyConnection, table: str, checks: Sequence[Check]) -> Measured:
    counted = ["count(*)"]
    for check in checks:
        missing = "false" if check.column is None else f"{check.column} IS NULL"
        counted += [f"count(*) FILTER (WHERE {each})" for each in (check.breaks, missing)]
    rows, *counts = _row(con, f"SELECT {', '.join(counted)} FROM lake.{table}")
    names = [check.name for check in checks]
    return Measured(rows, dict(zip(names, counts[::2], strict=True)), dict(zip(names, counts[1::2], strict=True)))


def _measure_rules(con: duckdb.DuckDBPyConnection, checks: Sequence[Check], found: Measured) -> None:
    if found.rows <= TOGETHER_ROWS:
        with contextlib.suppress(*_errors()):
            counts = _row(con, f"SELECT {', '.join(f'({_count(check)})' for check in checks)}")
            found.broken.update(zip((check.name for check in checks), counts, strict=True))
            return
    for check in checks:
        _measure_alone(con, check, found)


def _measure_alone(con: duckdb.DuckDBPyConnection, check: Check, found: Measured) -> None:
    try:
        found.broken[check.name] = _one(con, _count(check))
    except _errors() as error:
        found.errors[check.name] = str(error)


def _count(check: Check) -> str:
    return f"SELECT count(*) FROM ({check.failing_of(f'lake.{check.table}')})"


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return _row(con, query)[0]


def _row(con: duckdb.DuckDBPyConnection, query: str) -> list[int]:
    from warehouse.transactions import plain_errors

    with plain_errors():
        row = con.cursor().execute(query).fetchone()
    assert row is not None, "counts have a row"
    return [int(each) for each in row]


def _errors() -> tuple[type[Exception], ...]:
    """What a check itself may raise; not that memory or the server is gone, which is the run's affair."""
    import duckdb

    return (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, duckdb.InternalError)
