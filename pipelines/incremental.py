"""Which partitions of a table must be rebuilt, from what changed in the tables it reads; and the SQL that picks them.

The rules are those of the table's contract (`[partition]`, see docs/pipeline.md). Writes temp tables only.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from warehouse.contracts import contract
from warehouse.partitions import Between, Looked, Named, Partition

if TYPE_CHECKING:
    import duckdb

    from warehouse.changes import Changes
    from warehouse.transformations import Transformation

CHANGED = "changed_rows"
Value = dt.date | str | int | bool | None


def touched_partitions(
    con: duckdb.DuckDBPyConnection, transformation: Transformation, since: int, changes: Changes
) -> set[Value] | None:
    """The partitions that changes after `since` may have changed: none of them, some, or None for the whole table."""
    partition = contract(transformation.full_name).partition
    found: set[Value] = set()
    for upstream in transformation.upstream:
        if not changes.is_touched(upstream, since):
            continue
        if not changes.can_tell(upstream, since):
            return None
        columns = transformation.columns_read(upstream, contract(upstream).column_names)
        if not changes.collect(upstream, since, columns, CHANGED):
            continue
        named = None if partition is None else _named_by(con, partition, upstream, f"temp.{CHANGED}")
        if named is None:
            return None
        found |= named
    return found


def is_mostly(con: duckdb.DuckDBPyConnection, table: str, partition: Partition, values: set[Value]) -> bool:
    """Whether so many partitions are to be rebuilt that the whole table is rebuilt as fast."""
    row = con.execute(f"SELECT count(DISTINCT {partition.of(partition.column)}) FROM lake.{table}").fetchone()
    return row is None or 2 * len(values) > row[0]


def condition(partition: Partition, values: set[Value]) -> str:
    """What holds for the rows of these partitions: constants, which the engine pushes down to the files it reads."""
    column = partition.column
    parts = [f"{column} IS NULL"] if None in values else []
    known = values - {None}
    if partition.by == "value" and known:
        parts.append(f"{column} IN ({', '.join(sorted(map(_literal, known)))})")
    elif partition.by != "value":
        days = sorted(value for value in known if isinstance(value, dt.date))
        parts += [
            f"{column} >= {_literal(first)} AND {column} < {partition.ends(_literal(last))}"
            for first, last in _runs(partition.by, days)
        ]
    return " OR ".join(parts) or "FALSE"


def _named_by(
    con: duckdb.DuckDBPyConnection, partition: Partition, upstream: str, rows: str, way: tuple[str, ...] = ()
) -> set[Value] | None:
    """The partitions that these rows of `upstream` name; None where that cannot be told.

    `way` holds the tables that were looked in to come here; none is looked in again, but for its own rows.
    """
    found: set[Value] = set()
    for rule in partition.rules.get(upstream, (None,)):
        named: set[Value] | None
        match rule:
            case None:
                return None
            case Named(expression):
                values = con.execute(f"SELECT DISTINCT {partition.of(expression)} FROM {rows}").fetchall()
                named = {value for (value,) in values}
            case Between():
                named = _between(con, partition, rule, rows)
            case Looked():
                named = _looked_up(con, partition, rule, rows, (*way, upstream))
        if named is None:
            return None
        found |= named
    return found


def _looked_up(
    con: duckdb.DuckDBPyConnection, partition: Partition, rule: Looked, rows: str, way: tuple[str, ...]
) -> set[Value] | None:
    found: set[Value] = set()
    for table in rule.tables:
        if table in way[:-1]:
            continue
        held = f"(SELECT * FROM lake.{table} AS held WHERE {rule.holding(rows)})"
        named = _named_by(con, partition, table, held, way)
        if named is None:
            return None
        found |= named
    return found


def _between(con: duckdb.DuckDBPyConnection, partition: Partition, rule: Between, rows: str) -> set[Value] | None:
    if _any(con, f"FROM (SELECT DISTINCT * EXCLUDE ({rule.column}, n) FROM {rows}) HAVING count(*) > 1"):
        return None
    first, last = con.execute(f"SELECT min({rule.column}), max({rule.column}) FROM {rows}").fetchall()[0]
    if first is None:
        return None
    if rule.table is not None:
        spanned = f"{rule.on} BETWEEN {_literal(first)} AND {_literal(last)}"
        return _named_by(con, partition, rule.table, f"(SELECT * FROM lake.{rule.table} WHERE {spanned})")
    step = f"range({partition.of(_literal(first))}, {_literal(last)} + 1, INTERVAL 1 {partition.by})"
    return {value for (value,) in con.execute(f"SELECT CAST(unnest({step}) AS DATE)").fetchall()}


def _runs(by: str, days: list[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Partitions that follow one another as (first, last): fewer and wider conditions."""
    runs: list[tuple[dt.date, dt.date]] = []
    for day in days:
        if runs and _next(by, runs[-1][1]) == day:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _next(by: str, day: dt.date) -> dt.date:
    if by == "day":
        return day + dt.timedelta(days=1)
    months = 12 if by == "year" else 1
    return dt.date(day.year + (day.month + months - 1) // 12, (day.month + months - 1) % 12 + 1, 1)


def _any(con: duckdb.DuckDBPyConnection, query: str) -> bool:
    return con.execute(f"SELECT 1 {query} LIMIT 1").fetchone() is not None


def _literal(value: object) -> str:
    if isinstance(value, dt.date):
        return f"DATE '{value:%Y-%m-%d}'"
    return str(value) if isinstance(value, bool | int) else "'" + str(value).replace("'", "''") + "'"
