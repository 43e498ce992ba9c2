"""What changed in a table of the lake since an earlier snapshot, net: a row written anew as it was is no change.

Reads DuckLake's change feed and catalog. Which tables must be rebuilt for it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from warehouse.lake import current_snapshot

if TYPE_CHECKING:
    import duckdb

CATALOG = "__ducklake_metadata_lake"
# per table: the snapshot that made it, and the last one that says it changed rows of it, wherever it keeps them: a few
# deleted rows may lie in the catalog, in no file. Being altered is having a new comment
MARKS = f"""
SELECT s.schema_name || '.' || t.table_name, t.begin_snapshot, max(c.snapshot_id)
FROM {CATALOG}.ducklake_table AS t
JOIN {CATALOG}.ducklake_schema AS s USING (schema_id)
LEFT JOIN (
    SELECT snapshot_id, split_part(change, ':', 2) AS table_id
    FROM {CATALOG}.ducklake_snapshot_changes, unnest(string_split(changes_made, ',')) AS u (change)
    WHERE NOT starts_with(change, 'altered_table')
) AS c ON c.table_id = CAST(t.table_id AS VARCHAR)
WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL
GROUP BY ALL
"""


class Changes:
    """The changes of the lake's tables as one connection sees them when this is made."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._now = current_snapshot(con)
        self._marks = {name: (made, changed) for name, made, changed in con.execute(MARKS).fetchall()}

    def can_tell(self, table: str, since: int) -> bool:
        """Whether the feed reaches back: `since` is kept, and the table was not made anew after it."""
        made, _ = self._marks[table]
        kept = self._con.execute(f"SELECT 1 FROM {CATALOG}.ducklake_snapshot WHERE snapshot_id = ?", [since])
        return bool(made <= since and kept.fetchone())

    def is_touched(self, table: str, since: int) -> bool:
        """Whether any row was written or removed after `since`, be it by the same row."""
        made, changed = self._marks[table]
        return bool(made > since or (changed or 0) > since)

    def collect(self, table: str, since: int, columns: Sequence[str], into: str) -> int:
        """Rows of `table`, in these columns, as they were and as they are where that differs, into temp table `into`.

        Rows of the result. Call it where `can_tell`.
        """
        schema, name = table.split(".")
        listed = ", ".join(['TRUE AS "_"', *columns])
        feed = f"('lake', '{schema}', '{name}', {since + 1}, {self._now})"
        self._con.execute(
            f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT * EXCLUDE (n), sum(n) AS n FROM ("
            f"SELECT {listed}, 1 AS n FROM ducklake_table_insertions{feed}"
            f" UNION ALL SELECT {listed}, -1 FROM ducklake_table_deletions{feed}"
            ") GROUP BY ALL HAVING sum(n) <> 0"
        )
        row = self._con.execute(f"SELECT count(*) FROM temp.{into}").fetchone()
        return 0 if row is None else int(row[0])
