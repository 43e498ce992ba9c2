"""What the extract reads of PostgreSQL: a table, its partitions one by one, or a query that a contract holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warehouse.lake import literal

if TYPE_CHECKING:
    import duckdb

    from warehouse.contracts import Contract

LEAVES = """
SELECT p.relname AS parent, array_agg(c.relname::text ORDER BY c.relname) AS leaves
FROM pg_partitioned_table AS t
JOIN pg_class AS p ON p.oid = t.partrelid AND NOT p.relispartition
JOIN pg_namespace AS n ON n.oid = p.relnamespace AND n.nspname = 'public'
CROSS JOIN LATERAL pg_partition_tree(p.oid) AS l
JOIN pg_class AS c ON c.oid = l.relid
WHERE l.isleaf GROUP BY p.relname HAVING sum(pg_relation_size(c.oid)) >= {least}
"""
LARGE = 32 * 2**20  # bytes: below, forty small reads take longer than one
PAGES = 60  # of 8 kB; of the engine's own 1,000 a month of sales has fewer, and one connection alone would read it
Leaves = dict[str, list[str]]


def read_leaves(con: duckdb.DuckDBPyConnection, least: int = LARGE) -> Leaves:
    """The partitions of each partitioned table of the attached `source` that has `least` bytes or more."""
    asked = literal(LEAVES.format(least=least))
    return dict(con.execute(f"SELECT * FROM postgres_query('source', {asked})").fetchall())


def smaller_parts(con: duckdb.DuckDBPyConnection) -> None:
    """Let a table be read by several connections at once from some megabytes on, so each month's partition is, too."""
    con.execute(f"SET pg_pages_per_task = {PAGES}")


def more_memory(con: duckdb.DuckDBPyConnection) -> None:
    """Let the server add up in memory, in this transaction, what it would spill: by itself it has 4 MB for a step."""
    con.execute("FROM postgres_query('source', 'SELECT set_config(''work_mem'', ''64MB'', true)')")


def relation(table: Contract, leaves: Leaves) -> str:
    """What to select a table's columns from, as SQL.

    A partitioned table has no pages of its own, so read by its name it would be read by one connection alone.
    """
    if table.query is not None:
        return f"postgres_query('source', {literal(table.query)})"
    if table.table not in leaves:
        return f"source.public.{table.table}"
    columns = ", ".join(dict.fromkeys(column.source for column in table.columns))
    parts = (f"SELECT {columns} FROM source.public.{leaf}" for leaf in leaves[table.table])
    return f"({' UNION ALL '.join(parts)})"
