"""What changed in a table of the lake since an earlier snapshot, net: a row written anew as it was is no change.

Reads DuckLake's change feed and catalog. Which tables must be rebuilt for it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

CATALOG = "__ducklake_metadata_lake"
# per table: the snapshot that made it, and those that say they changed rows of it, wherever it keeps them: a few
# deleted rows may lie in the catalog, in no file. Being altered is having a new comment
MARKS = f"""
SELECT s.schema_name || '.' || t.table_name, t.begin_snapshot, list(c.snapshot_id ORDER BY c.snapshot_id)
FROM {CATALOG}.ducklake_table AS t
JOIN {CATALOG}.ducklake_schema AS s USING (schema_id)
LEFT JOIN (
    SELECT DISTINCT snapshot_id, split_part(change, ':', 2) AS table_id
    FROM {CATALOG}.ducklake_snapshot_changes, unnest(string_split(changes_made, ',')) AS u (change)
    WHERE NOT starts_with(change, 'altered_table')
) AS c ON c.table_id = CAST(t.table_id AS VARCHAR)
WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL
GROUP BY ALL
"""


# of the feed so many rows, and one reading more, are kept in memory
KEPT_ROWS = 1_000_000


class Changes:
    """The changes of the lake's tables as one connection sees them; what was read of the feed is kept for the next."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._kept: dict[tuple[str, int, int, tuple[str, ...]], str] = {}
        self._rows = 0
        self._known: set[int] = set()
        self.look_again()

    def look_again(self) -> None:
        """See what was committed since this was made."""
        self._marks = {
            name: (made, [each for each in changed if each is not None])
            for name, made, changed in self._con.execute(MARKS).fetchall()
        }

    def can_tell(self, table: str, since: int) -> bool:
        """Whether the feed reaches back: `since` is kept, and the table was not made anew after it."""
        made, _ = self._marks[table]
        return bool(made <= since and self._is_kept(since))

    def is_touched(self, table: str, since: int) -> bool:
        """Whether any row was written or removed after `since`, be it by the same row."""
        made, changed = self._marks[table]
        return bool(made > since or (changed and changed[-1] > since))

    def collect(self, table: str, since: int, columns: Sequence[str], among: Sequence[str], into: str) -> int:
        """Rows of `table`, in these columns, as they were and as they are where that differs, into temp table `into`.

        Rows of the result. Call it where `can_tell`. The feed is read once, in all columns `among`.
        """
        net = self._net(table, since, tuple(among))
        listed = ", ".join(['TRUE AS "_"', *columns])
        self._con.execute(
            f"CREATE OR REPLACE TEMP TABLE {into} AS"
            f" SELECT {listed}, sum(n) AS n FROM temp.{net} GROUP BY ALL HAVING sum(n) <> 0"
        )
        return self._count(into)

    def forget(self) -> None:
        """Give the memory of what was read back."""
        for net in self._kept.values():
            self._con.execute(f"DROP TABLE IF EXISTS temp.{net}")
        self._kept.clear()
        self._rows = 0

    def _net(self, table: str, since: int, columns: tuple[str, ...]) -> str:
        """The temp table of the changes in all of these columns."""
        later = [each for each in self._marks[table][1] if each > since]
        key = (table, later[0], later[-1], columns)
        if key not in self._kept:
            if self._rows > KEPT_ROWS:
                self.forget()
            self._kept[key] = net = f"net_{len(self._kept)}"
            schema, name = table.split(".")
            feed = f"('lake', '{schema}', '{name}', {later[0]}, {later[-1]})"
            listed = ", ".join(['TRUE AS "_"', *columns])
            self._con.execute(
                f"CREATE OR REPLACE TEMP TABLE {net} AS SELECT * EXCLUDE (n), sum(n) AS n FROM ("
                f"SELECT {listed}, 1 AS n FROM ducklake_table_insertions{feed}"
                f" UNION ALL SELECT {listed}, -1 FROM ducklake_table_deletions{feed}"
                ") GROUP BY ALL HAVING sum(n) <> 0"
            )
            self._rows += self._count(net)
        return self._kept[key]

    def _count(self, temporary: str) -> int:
        row = self._con.execute(f"SELECT count(*) FROM temp.{temporary}").fetchone()
        return 0 if row is None else int(row[0])

    def _is_kept(self, snapshot: int) -> bool:
        if snapshot not in self._known:
            query = f"SELECT 1 FROM {CATALOG}.ducklake_snapshot WHERE snapshot_id = ?"
            if self._con.execute(query, [snapshot]).fetchone() is None:
                return False
            self._known.add(snapshot)
        return True
