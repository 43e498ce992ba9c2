"""The transformations: each `sql/<schema>/<table>.sql` is one SELECT, its path the table's name.

Upstream tables, build order and column lineage are read out of the SQL; nothing is executed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

FOLDER = Path(__file__).parent / "sql"
NAME = re.compile(r"\b\w+\.\w+\b")
LAYERS = {"staging": {"raw", "checks"}, "marts": {"checks", "staging", "marts"}}


class InvalidTransformation(ValueError):
    """A SQL file breaks a rule of this folder; the message names the file and the rule."""


@dataclass(frozen=True)
class Transformation:
    """One table: its SELECT, the tables it reads (sorted `schema.table`), its grain as the first line says it.

    `mentions` holds every name in the SELECT, lower case; `stars` the tables of which it takes every column.
    """

    schema: str
    name: str
    sql: str
    upstream: tuple[str, ...]
    grain: str
    mentions: frozenset[str] = frozenset()
    stars: frozenset[str] = frozenset()

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    def columns_read(self, upstream: str, columns: tuple[str, ...]) -> list[str]:
        """Of an upstream table's columns those that may matter: the others are not mentioned, whatever they hold."""
        return [each for each in columns if upstream in self.stars or each.lower() in self.mentions]

    def reading(self, others: Mapping[str, str]) -> str:
        """The SELECT with other tables, of the same columns, in place of some of those it reads."""
        return NAME.sub(lambda found: others.get(found[0], found[0]), self.sql)

    @property
    def reads_as_of(self) -> bool:
        """Whether the SELECT itself looks at the day of the run; others see it through staging.chain."""
        return "getvariable('as_of')" in self.sql


@lru_cache(maxsize=1)
def tables() -> tuple[Transformation, ...]:
    """Every transformation in an order in which each comes after what it reads. Raises InvalidTransformation."""
    found = {each.full_name: each for each in map(_read, sorted(FOLDER.glob("*/*.sql")))}
    graph = {name: [up for up in each.upstream if up in found] for name, each in found.items()}
    return tuple(found[name] for name in TopologicalSorter(graph).static_order())


def table(name: str) -> Transformation:
    """The transformation of `schema.table`. Raises LookupError."""
    for each in tables():
        if each.full_name == name:
            return each
    raise LookupError(f"no transformation {name!r}; known: {', '.join(each.full_name for each in tables())}")


@lru_cache
def columns_asked(upstream: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Of an upstream table's columns those that may matter to any of the tables that read it."""
    read = {column for each in tables() if upstream in each.upstream for column in each.columns_read(upstream, columns)}
    return tuple(each for each in columns if each in read)


def select_of(name: str) -> exp.Query:
    """The parsed SELECT of a table."""
    return _parse(table(name).sql, name)


def _read(path: Path) -> Transformation:
    schema, name = path.parent.name, path.stem
    sql = path.read_text(encoding="utf-8")
    first = sql.splitlines()[0] if sql else ""
    if not first.startswith("-- One row"):
        raise InvalidTransformation(f"{path}: the first line states the grain: `-- One row per …`")
    found = read_select(schema, name, sql, first.removeprefix("-- ").rstrip("."))
    strangers = [up for up in found.upstream if up.split(".")[0] not in LAYERS.get(schema, set())]
    if strangers:
        raise InvalidTransformation(f"{path}: schema {schema} may not read {', '.join(strangers)}")
    return found


def read_select(schema: str, name: str, sql: str, grain: str = "") -> Transformation:
    """What a SELECT reads, wherever it is written. Raises InvalidTransformation."""
    query = _parse(sql, f"{schema}.{name}")
    return Transformation(schema, name, sql, _upstream(query), grain, _mentions(query), _stars(query))


def _upstream(query: exp.Query) -> tuple[str, ...]:
    from sqlglot import exp

    return tuple(sorted({f"{each.db}.{each.name}" for each in query.find_all(exp.Table) if each.db}))


def _mentions(query: exp.Query) -> frozenset[str]:
    from sqlglot import exp

    return frozenset(each.name.lower() for each in query.find_all(exp.Identifier))


def _stars(query: exp.Query) -> frozenset[str]:
    """The tables that a star, COLUMNS(…) or a row taken as a value may stand for: those of the same FROM."""
    from sqlglot import exp

    found = set()
    for select in query.find_all(exp.Select):
        sources = [each for each in select.find_all(exp.Table) if each.db and each.find_ancestor(exp.Select) is select]
        names = {each.alias_or_name for each in sources}
        takes_rows = any(not each.table and each.name in names for each in select.find_all(exp.Column))
        for star in select.find_all(exp.Star, exp.Columns):
            if isinstance(star.parent, exp.Count) or star.find_ancestor(exp.Select) is not select:
                continue
            of = star.parent.table if isinstance(star.parent, exp.Column) else ""  # `l.*` is of l alone
            found |= {f"{each.db}.{each.name}" for each in sources if of in ("", each.alias_or_name)}
        if takes_rows:
            found |= {f"{each.db}.{each.name}" for each in sources}
    return frozenset(found)


def _parse(sql: str, name: str) -> exp.Query:
    import sqlglot
    from sqlglot import exp

    statements = [each for each in sqlglot.parse(sql, dialect="duckdb") if each is not None]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise InvalidTransformation(f"{name}: a transformation is exactly one SELECT")
    return statements[0]
