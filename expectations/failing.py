"""The rows that break a check, read where they lie: how many, whose, and the first of them as JSON can carry them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from expectations.check import Check, Row, Waiver

if TYPE_CHECKING:
    import duckdb

KEPT = 10_000


def count_failing(con: duckdb.DuckDBPyConnection, check: Check) -> dict[str | None, int]:
    """How many rows break it, by the store that they belong to; None for those of no store."""
    failing = check.failing_of(f"lake.{check.table}")
    cursor = con.cursor()
    if check.store in _columns(cursor, failing):
        found = cursor.execute(f"SELECT CAST({check.store} AS VARCHAR), count(*) FROM ({failing}) GROUP BY 1")
        return dict(found.fetchall())
    row = cursor.execute(f"SELECT count(*) FROM ({failing})").fetchone()
    return {None: 0 if row is None else int(row[0])}


def read_failing(con: duckdb.DuckDBPyConnection, check: Check, limit: int = KEPT) -> tuple[Row, ...]:
    """The first rows that break it."""
    found = con.cursor().execute(f"SELECT * FROM ({check.failing_of(f'lake.{check.table}')}) LIMIT {limit}")
    names = [column[0] for column in found.description]
    return tuple({name: plain(value) for name, value in zip(names, row, strict=True)} for row in found.fetchall())


def waived(check: Check, counts: dict[str | None, int], waivers: Sequence[Waiver]) -> tuple[int, tuple[Waiver, ...]]:
    """How many of the counted rows are waived, and by which waivers."""
    by = {store: [each for each in waivers if each.covers(check, store)] for store in counts}
    used = {id(each): each for found in by.values() for each in found}
    return sum(count for store, count in counts.items() if by[store]), tuple(used.values())


def plain(value: Any) -> Any:
    """What JSON can carry: dates and decimals as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _columns(cursor: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [column[0] for column in cursor.execute(f"SELECT * FROM ({query}) LIMIT 0").description]
