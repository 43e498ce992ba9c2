"""Building the tables of `lake.staging` and `lake.marts` from their SQL: one, or all of them in their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipelines.builder import WRITES, Builder, inputs_of, read_stamps
from pipelines.rebuild import Rebuild
from pipelines.rewriting import Built
from warehouse.transformations import table, tables

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int, int | None], None]


def build_table(con: duckdb.DuckDBPyConnection, name: str, as_of: dt.date, rebuild: Rebuild | None = None) -> Built:
    """Bring `schema.table` to the opening of `as_of`, and build anew what `rebuild` says. Raises NotBuilt."""
    with Builder(con, as_of, rebuild) as builder:
        return build_with(builder, name)


def build_with(builder: Builder, name: str) -> Built:
    """The same by who builds others, too; its rows are committed then. Raises NotBuilt."""
    built = builder.build(table(name))
    builder.pause()
    return built


def build_all(
    con: duckdb.DuckDBPyConnection, as_of: dt.date, progress: Progress | None = None, rebuild: Rebuild | None = None
) -> list[str]:
    """Build every table in order; the names of those of which rows were written. Raises NotBuilt."""
    built = []
    with Builder(con, as_of, rebuild) as builder:
        for done, each in enumerate(tables()):
            if progress is not None:
                progress(f"build {each.full_name}", done, len(tables()))
            if builder.build(each).way in WRITES:
                built.append(each.full_name)
    return built


def is_current(con: duckdb.DuckDBPyConnection, name: str, as_of: dt.date) -> bool:
    """Whether building the table now would not even look for changes. Raises NotBuilt."""
    stamps = read_stamps(con)
    return name in stamps and stamps[name].inputs == inputs_of(table(name), as_of, stamps)
