"""What Dagster's UI shows of a table's columns: their types and meaning, and which columns upstream they come from.

Reads contracts and SQL; asks no database.
"""

from __future__ import annotations

from functools import cache, lru_cache

from dagster import AssetKey, TableColumn, TableColumnDep, TableColumnLineage, TableSchema
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from warehouse.contracts import UnknownTable, contract, contracts
from warehouse.transformations import select_of, table, tables


def column_schema(name: str) -> TableSchema:
    """Columns, types and meanings of a table as its contract states them; empty for a table without one."""
    try:
        agreed = contract(name)
    except UnknownTable:
        return TableSchema(columns=[])
    return TableSchema(columns=[TableColumn(each.name, each.type, each.meaning) for each in agreed.columns])


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
