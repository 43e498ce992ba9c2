"""Inserting millions of rows: what the foreign keys would check is checked once, indexes are built once.

The ids were just joined from the referenced rows; locking those rows is what a foreign key's trigger does for each row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.imports.loading import Loading

# below this the triggers cost less than the locks
MANY_ROWS = 10_000


@contextmanager
def trust_references(loading: Loading, rows: int, *referenced: str) -> Iterator[None]:
    """Within it an INSERT's foreign keys into `referenced` are not checked row by row, where the role may say so.

    `referenced` are tables, or `table WHERE …` where only some of its rows are named.
    Only for INSERT: an UPDATE or DELETE would lose its change tracking. Without the right to set
    `session_replication_role` (a superuser's, or granted) the triggers do their work, and it takes about twice as long.
    """
    (may_trust,) = loading.count("SELECT has_parameter_privilege('session_replication_role', 'SET')::integer")
    if rows < MANY_ROWS or not may_trust:
        yield
        return
    for rows_of in referenced:
        loading.execute(f"SELECT count(*) FROM (SELECT FROM {rows_of} FOR KEY SHARE) AS locked")
    loading.execute("SET LOCAL session_replication_role = replica")
    yield
    loading.execute("SET LOCAL session_replication_role = origin")


@contextmanager
def indexes_built_later(loading: Loading, table: str, rows: int) -> Iterator[None]:
    """Within it a table that gets many more rows than it has is without those of its indexes that state no rule.

    Built once over all rows they take a fraction of the time, those for search above all. Nobody else can read the
    table until the import commits, so this is for the first load of a table that is empty or nearly so.
    """
    (before,) = loading.count(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {MANY_ROWS}) AS first")
    if rows < MANY_ROWS or before == MANY_ROWS:
        yield
        return
    found = loading.execute(
        """SELECT x.indexrelid::regclass::text, pg_get_indexdef(x.indexrelid) FROM pg_index AS x
        JOIN pg_class AS c ON c.oid = x.indrelid
        WHERE c.oid = %(table)s::regclass AND c.relkind = 'r' AND NOT x.indisunique AND NOT x.indisprimary
          AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.indexrelid)""",
        table=table,
    ).fetchall()
    for name, _ in found:
        loading.execute(f"DROP INDEX {name}")
    yield
    for _, definition in found:
        loading.execute(str(definition))
