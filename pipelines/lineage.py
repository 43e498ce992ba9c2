"""What Dagster's UI shows of a table's columns: their types and meaning, and which columns upstream they come from.

Reads contracts and SQL; asks no database.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from dagster import AssetKey, TableColumn, TableColumnDep, TableColumnLineage, TableSchema
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from pipelines.extract import STATE
from warehouse.contracts import Contract, UnknownTable, contract, contracts
from warehouse.transformations import select_of, table, tables


def column_schema(name: str) -> TableSchema:
    """Columns, types and meanings of a table as its contract states them; empty for a table without one."""
    try:
        agreed = contract(name)
    except UnknownTable:
        return TableSchema(columns=[])
    return TableSchema(columns=[TableColumn(each.name, each.type, each.meaning) for each in agreed.columns])


def source_lineage(brought: Contract) -> TableColumnLineage:
    """For each column that the extract brings over, the column of PostgreSQL, `operational.TABLE`, that it is.

    What a query of ours adds up there is computed of rows: it comes from the keys of the tables that the query reads.
    """
    read = source_tables(brought)
    if read == (brought.table,):
        return _as_lineage({each.name: [(operational(brought.table), each.source)] for each in brought.columns})
    rows = [(operational(table), key) for table in read for key in contract(f"raw.{table}").keys]
    return _as_lineage(dict.fromkeys(brought.column_names, rows))


@cache
def source_tables(brought: Contract) -> tuple[str, ...]:
    """The tables of PostgreSQL that the extract reads for one of its own; where it stands, it tells by the chain's."""
    if brought.name == STATE:
        return ("chain",)
    if brought.query is None:
        return (brought.table,)
    asked = {each.name for each in parse_one(brought.query, dialect="postgres").find_all(exp.Table)}
    return tuple(each.table for each in contracts("raw") if each.table in asked)


def operational(table: str) -> str:
    """What a table of PostgreSQL is called where assets are named."""
    return f"operational.{table}"


def output_lineage(name: str, upstream: Iterable[str]) -> TableColumnLineage:
    """For each column of what models make of `upstream`, the columns of the same name there.

    A column of a new name is computed of rows: it comes from the keys of all that was read.
    """
    read = [contract(up) for up in upstream]
    rows = [(each.name, key) for each in read for key in each.keys]
    same = {
        column: [(each.name, column) for each in read if column in each.column_names]
        for column in contract(name).column_names
    }
    return _as_lineage({column: origins or rows for column, origins in same.items()})


@cache
def column_lineage(name: str) -> TableColumnLineage:
    """For each column of a SQL table, the upstream columns it is computed from.

    A count or a mark is computed of rows, not of a column: it comes from the keys of what the table reads. So does a
    column that sqlglot cannot follow.
    """
    query = _qualified()[name]
    scope = build_scope(query)
    rows = [(up, key) for up in table(name).upstream for key in contract(up).keys]
    found = {column: _origins(column, query, scope) or rows for column in query.named_selects}
    return _as_lineage(found)


def _as_lineage(found: dict[str, list[tuple[str, str]]]) -> TableColumnLineage:
    return TableColumnLineage(
        {column: [TableColumnDep(AssetKey(t.split(".")), c) for t, c in origins] for column, origins in found.items()}
    )


def _origins(column: str, query: exp.Query, scope: Scope | None) -> list[tuple[str, str]]:
    try:
        root = lineage(column, query, schema={}, dialect="duckdb", scope=scope, trim_selects=False, copy=False)
    except (SqlglotError, ValueError):
        return []  # lineage is an aid for the eye: a construct sqlglot cannot follow is shown without it
    return sorted({leaf for node in root.walk() if not node.downstream for leaf in _leaf(node)})


def _leaf(node: Node) -> list[tuple[str, str]]:
    source = node.expression
    if not isinstance(source, exp.Table) or not source.db:
        return []
    return [(f"{source.db}.{source.name}", node.name.split(".")[-1].strip('"'))]


@lru_cache(maxsize=1)
def _qualified() -> dict[str, exp.Query]:
    """Every SELECT with its stars spelled out and its columns bound to tables, in build order."""
    schema: dict[str, dict[str, dict[str, str]]] = {
        given: {each.table: {column.name: column.type for column in each.columns} for each in contracts(given)}
        for given in ("raw", "checks")
    }
    found = {}
    for each in tables():
        query = qualify(
            select_of(each.full_name),
            dialect="duckdb",
            schema=dict[str, object](schema),
            validate_qualify_columns=False,
            identify=False,
        )
        assert isinstance(query, exp.Query), "a transformation is a SELECT"
        found[each.full_name] = query
        schema.setdefault(each.schema, {})[each.name] = dict.fromkeys(query.named_selects, "unknown")
    return found
