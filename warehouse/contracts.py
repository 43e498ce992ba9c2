"""The truth of each table of the lake: grain, columns, types, keys, meaning; from `contracts/<schema>/<table>.toml`.

Shape checks, the data dictionary, the extract and the tables of `outputs` derive from it. Business rules belong to
`expectations/`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.partitions import Partition, read_partition

if TYPE_CHECKING:
    import duckdb

FOLDER = Path(__file__).parent / "contracts"


class UnknownTable(LookupError):
    """No contract of that name; the message names the known ones."""


@dataclass(frozen=True)
class Column:
    """One column: DuckDB type, unit where it is a quantity, whether it may be null, what it means.

    A `pseudonym` column of schema raw names a person: the extract brings a keyed pseudonym over in place of the value.
    A column that is the `year_of` a date brings over that year alone.
    """

    name: str
    type: str
    meaning: str
    unit: str | None = None
    nullable: bool = False
    pseudonym: bool = False
    year_of: str | None = None

    def __post_init__(self) -> None:
        if self.pseudonym and self.type != "VARCHAR":
            raise ValueError(f"column {self.name}: a pseudonym is text, so its type is VARCHAR")

    @property
    def source(self) -> str:
        """The operational column it is read from."""
        return self.year_of or self.name


@dataclass(frozen=True)
class Contract:
    """One table. `keys` are the columns that together name a row; `where` limits what the extract brings over.

    `query` is what the extract asks PostgreSQL where there is no table of that name. `partition` says how a built table
    is rebuilt in parts; without one it is rebuilt whole.
    """

    name: str
    grain: str
    description: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    where: str | None = None
    query: str | None = None
    partition: Partition | None = None

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]

    @property
    def table(self) -> str:
        return self.name.split(".")[1]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def is_tracked(self) -> bool:
        """Whether rows carry the transaction that wrote them, so that the extract can read only what changed."""
        return "changed_xid" in self.column_names


def contract(name: str) -> Contract:
    """The contract of `schema.table`. Raises UnknownTable."""
    known = _all()
    if name not in known:
        raise UnknownTable(f"no contract for table {name!r}; known: {', '.join(sorted(known))}")
    return known[name]


def contracts(schema: str | None = None) -> tuple[Contract, ...]:
    """Every contract, or those of one schema, by name."""
    return tuple(each for name, each in sorted(_all().items()) if schema in (None, name.split(".")[0]))


def create_table(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create the table in the lake from its contract, where it is not there yet."""
    agreed = contract(name)
    columns = ", ".join(f"{c.name} {c.type}{'' if c.nullable else ' NOT NULL'}" for c in agreed.columns)
    con.execute(f"CREATE TABLE IF NOT EXISTS lake.{name} ({columns})")


def create_built_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create what is built from SQL and is not there yet, empty, in the caller's transaction.

    After each commit that changes the schema DuckLake reads its whole catalog anew: all of them in one. Without NOT
    NULL: that a value is missing is for the checks to say.
    """
    for each in (*contracts("staging"), *contracts("marts")):
        columns = ", ".join(f"{column.name} {column.type}" for column in each.columns)
        con.execute(f"CREATE TABLE IF NOT EXISTS lake.{each.name} ({columns})")


@lru_cache(maxsize=1)
def _all() -> dict[str, Contract]:
    found = {f"{path.parent.name}.{path.stem}": path for path in sorted(FOLDER.glob("*/*.toml"))}
    return {name: _read(name, path) for name, path in found.items()}


def _read(name: str, path: Path) -> Contract:
    given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    columns = tuple(Column(**column) for column in given["columns"])
    names = tuple(column.name for column in columns)
    return Contract(
        name=name,
        grain=given["grain"],
        description=given["description"],
        columns=columns,
        keys=tuple(given["key"]),
        where=given.get("where"),
        query=given.get("query"),
        partition=read_partition(name, given["partition"], names) if "partition" in given else None,
    )
