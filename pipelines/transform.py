"""Building the tables of `lake.staging` and `lake.marts` from their SQL, one transaction each.

A table is skipped while its SQL, what it reads and the day of the run are those it was built from; else what really
changed is looked up, and only the rows it touches are rebuilt. The lake holds its stamp.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelines.incremental import has_touched_key, is_mostly, select_touched, touched_keys
from pipelines.rebuild import Rebuild
from warehouse.changes import Changes
from warehouse.contracts import contract
from warehouse.lake import current_snapshot
from warehouse.stamps import stamp, table_stamps
from warehouse.transactions import plain_errors, transaction
from warehouse.transformations import Transformation, table, tables

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int, int | None], None]
Way = Literal["stood", "unchanged", "parts", "whole", "backfill"]
# a larger table is made anew when rebuilt whole: to compare its old and new rows takes longer than to build from them
COMPARABLE_ROWS = 1_000_000


class NotBuilt(LookupError):
    """A table cannot be built because one it reads is not in the lake yet."""


@dataclass(frozen=True)
class Built:
    """How a table came to stand: it `stood`, is `unchanged` after a look, was built in `parts` (of so many keys) or
    `whole`, or parts of it by a `backfill`.
    """

    way: Way
    rows: int
    keys: int = 0


@dataclass(frozen=True)
class Stamp:
    """What a table's stamp says: its content's name, what it was built from, by which code, at which snapshot."""

    content: str
    inputs: str = ""
    code: str = ""
    snapshot: int = -1

    @staticmethod
    def read(text: str) -> Stamp:
        content, *rest = text.split()
        return Stamp(content, rest[0], rest[1], int(rest[2])) if len(rest) == 3 else Stamp(content)

    def __str__(self) -> str:
        return f"{self.content} {self.inputs} {self.code} {self.snapshot}"


def build_table(con: duckdb.DuckDBPyConnection, name: str, as_of: dt.date, rebuild: Rebuild | None = None) -> Built:
    """Bring `schema.table` to the opening of `as_of`, and build anew what `rebuild` says. Raises NotBuilt."""
    with plain_errors():
        way, keys = _build(con, table(name), as_of, _stamps(con), rebuild)
    row = con.execute(f"SELECT count(*) FROM lake.{name}").fetchone()
    return Built(way, 0 if row is None else int(row[0]), keys)


def build_all(
    con: duckdb.DuckDBPyConnection, as_of: dt.date, progress: Progress | None = None, rebuild: Rebuild | None = None
) -> list[str]:
    """Build every table in order; the names of those of which rows were written. Raises NotBuilt."""
    with plain_errors():
        stamps = _stamps(con)
        built = []
        for done, each in enumerate(tables()):
            if progress is not None:
                progress(f"build {each.full_name}", done, len(tables()))
            if _build(con, each, as_of, stamps, rebuild)[0] in ("parts", "whole", "backfill"):
                built.append(each.full_name)
    return built


def is_current(con: duckdb.DuckDBPyConnection, name: str, as_of: dt.date) -> bool:
    """Whether building the table now would not even look for changes. Raises NotBuilt."""
    stamps = _stamps(con)
    return name in stamps and stamps[name].inputs == _inputs(table(name), as_of, stamps)


def _build(
    con: duckdb.DuckDBPyConnection,
    transformation: Transformation,
    as_of: dt.date,
    stamps: dict[str, Stamp],
    rebuild: Rebuild | None = None,
) -> tuple[Way, int]:
    """Build where needed and note the new stamp in `stamps`; how, and of how many keys."""
    name = transformation.full_name
    inputs, code, stood = _inputs(transformation, as_of, stamps), _code(transformation, as_of), stamps.get(name)
    if stood is not None and stood.inputs == inputs and rebuild is None:
        return "stood", 0
    con.execute("USE lake")  # the SQL names tables without their database, and a cursor does not inherit USE
    con.execute(f"SET VARIABLE as_of = DATE '{as_of:%Y-%m-%d}'")
    is_known = stood is not None and stood.code == code and not (rebuild and rebuild.is_full)
    with transaction(con):
        snapshot = current_snapshot(con)
        way, keys = _write(con, transformation, stood if is_known else None)
        if rebuild is not None and way != "whole":
            _replace_rows(con, name, transformation.sql, rebuild.condition(contract(name)))
            way = "backfill"
        content = stood.content if stood is not None and way == "unchanged" else inputs
        # what a backfill mends is not seen in what the table was built from
        content = _digest(inputs, str(snapshot)) if way == "backfill" else content
        stamps[name] = Stamp(content, inputs, code, snapshot)
        stamp(con, name, str(stamps[name]))
    return way, keys


def _write(con: duckdb.DuckDBPyConnection, transformation: Transformation, stood: Stamp | None) -> tuple[Way, int]:
    """Bring the rows up to date; `stood` is None where what stands says nothing of what is to change."""
    name, partition = transformation.full_name, contract(transformation.full_name).partition
    keys = None if stood is None else touched_keys(con, transformation, stood.snapshot, Changes(con))
    if keys == 0:
        return "unchanged", 0
    if keys is not None and partition is not None and not is_mostly(con, name, partition):
        _replace_rows(con, name, select_touched(con, transformation, partition), has_touched_key(partition))
        return "parts", keys
    if _is_comparable(con, transformation):
        _replace_rows(con, name, transformation.sql, "TRUE")
    else:
        con.execute(f"CREATE OR REPLACE TABLE lake.{name} AS {transformation.sql}")
    return "whole", 0


def _replace_rows(con: duckdb.DuckDBPyConnection, name: str, select: str, where: str) -> None:
    """In place: the table stays the same one for its change feed."""
    con.execute(f"DELETE FROM lake.{name} WHERE {where}")
    con.execute(f"INSERT INTO lake.{name} SELECT * FROM (\n{select}\n) WHERE {where}")


def _is_comparable(con: duckdb.DuckDBPyConnection, transformation: Transformation) -> bool:
    """Whether the table stands with the columns of the SELECT, and is small enough for its changes to be read."""
    import duckdb

    name = transformation.full_name
    try:
        stands = _columns(con, f"lake.{name}")
    except duckdb.CatalogException:
        return False
    if stands != _columns(con, transformation.sql):
        return False
    row = con.execute(f"SELECT count(*) FROM lake.{name}").fetchone()
    return row is not None and row[0] <= COMPARABLE_ROWS


def _columns(con: duckdb.DuckDBPyConnection, of: str) -> list[tuple[str, str]]:
    return [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE {of}").fetchall()]


def _stamps(con: duckdb.DuckDBPyConnection) -> dict[str, Stamp]:
    return {name: Stamp.read(text) for name, text in table_stamps(con).items()}


def _inputs(transformation: Transformation, as_of: dt.date, stamps: dict[str, Stamp]) -> str:
    """A name for everything the table's content depends on."""
    missing = [up for up in transformation.upstream if up not in stamps]
    if missing:
        raise NotBuilt(f"{transformation.full_name} reads {', '.join(missing)}, which the lake does not hold yet")
    return _digest(_code(transformation, as_of), *(stamps[up].content for up in transformation.upstream))


def _code(transformation: Transformation, as_of: dt.date) -> str:
    """A name for what is not rows: the SQL, how it is cut, and the day where the SQL itself looks at it."""
    partition = repr(contract(transformation.full_name).partition)
    return _digest(transformation.sql, partition, as_of.isoformat() if transformation.reads_as_of else "")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
