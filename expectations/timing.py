"""How long the suite of one table takes: for `ims bench warehouse`, over a fact of ten million rows.

Great Expectations' judgement costs a millisecond a check; the rest is DuckDB, which reads only the columns the checks
name.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.suites import suite

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class SuiteTiming:
    """The suite of `table`, run once: rows looked at, checks made, how many failed, seconds without GX's import."""

    table: str
    rows: int
    checks: int
    failed: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Rows of the table a second, all checks together."""
        return self.rows / self.seconds if self.seconds else 0.0


def time_suite(con: duckdb.DuckDBPyConnection, table: str) -> SuiteTiming:
    """Run the suite of `schema.table` in the lake as a run does, and say how long it took."""
    import great_expectations  # noqa: F401  (its import takes seconds, and a run pays it once)

    from expectations.runner import run_suite

    (rows,) = con.execute(f"SELECT count(*) FROM lake.{table}").fetchall()[0]
    started = time.perf_counter()
    found = run_suite(con, table)
    seconds = time.perf_counter() - started
    return SuiteTiming(table, int(rows), len(suite(table).checks) + 1, sum(each.counts for each in found), seconds)
