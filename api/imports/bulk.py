"""Inserting millions of rows whose references are known to hold: what the foreign keys would check, checked once.

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
