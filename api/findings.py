"""What the checks of runs found: written by a run while it checks, read by the command line; and the waivers in force.

Reads and writes `check_results`, `check_failures`, `check_waivers`. Knows nothing of what a check is.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
RUNS_KEPT = 10  # whose failed rows are kept; what was found, in counts, is kept with the run
INSERT = """
INSERT INTO check_results (run_id, table_name, check_name, severity, owner, state, observed, what_to_do, holds_back,
    failed_count, waived_count)
VALUES (%(run_id)s, %(table_name)s, %(check_name)s, %(severity)s, %(owner)s, %(state)s, %(observed)s, %(what_to_do)s,
    %(holds_back)s, %(failed_count)s, %(waived_count)s)
ON CONFLICT (run_id, table_name, check_name) DO UPDATE SET state = excluded.state, observed = excluded.observed,
    failed_count = excluded.failed_count, waived_count = excluded.waived_count, checked_at = now()
RETURNING check_result_id
"""
FORGET = """
DELETE FROM check_failures WHERE check_result_id IN (
    SELECT check_result_id FROM check_results WHERE failed_count > 0 AND run_id IN (
        SELECT run_id FROM runs ORDER BY started_at DESC OFFSET %(kept)s))
"""
NEWEST = """
SELECT run_id, as_of, state, started_at, finished_at FROM runs AS r
WHERE EXISTS (SELECT FROM check_results AS c WHERE c.run_id = r.run_id) ORDER BY started_at DESC, run_id LIMIT 1
"""
FAILED_ROWS = """
SELECT f.row, s.store_code FROM check_failures AS f LEFT JOIN stores AS s USING (store_id)
WHERE f.check_result_id = %(key)s AND (%(stores)s::text[] IS NULL OR s.store_code = ANY(%(stores)s::text[]))
ORDER BY f.check_failure_id LIMIT %(limit)s
"""
# of some stores: what failed there, with how many of the kept rows are their own
RESULTS = """
SELECT c.*, (SELECT count(*) FROM check_failures AS f JOIN stores AS s USING (store_id)
             WHERE f.check_result_id = c.check_result_id AND s.store_code = ANY(%(stores)s::text[])) AS store_count
FROM check_results AS c WHERE c.run_id = %(run_id)s ORDER BY c.check_result_id
"""
# One row per check that failed, and of those that a store's manager looks after one per store that its kept rows name:
# what others must mend is said once. What holds back days and pairs is told by what is missing for it; alerts of the
# forecasts are alerts of their own.
FAILED_BY_STORE = """
SELECT c.table_name, c.check_name, c.severity, c.what_to_do, s.store_code,
    coalesce(f.row_count, c.failed_count) AS failed_count
FROM check_results AS c
LEFT JOIN (
    SELECT check_result_id, store_id, count(*) AS row_count FROM check_failures GROUP BY check_result_id, store_id
) AS f ON f.check_result_id = c.check_result_id AND c.owner = 'store manager'
LEFT JOIN stores AS s USING (store_id)
WHERE c.run_id = %(run_id)s AND c.state = 'failed' AND c.severity <> 'info'
    AND coalesce(c.holds_back, 'rows') = 'rows' AND c.table_name <> 'outputs.forecast_alerts'
ORDER BY c.check_result_id, s.store_code
"""
# how many of each run's checks ended how; runs that found nothing new to do checked nothing
COURSE = """
SELECT r.run_id, r.started_at, r.state, count(*) FILTER (WHERE c.state = 'passed') AS passed,
    count(*) FILTER (WHERE c.state = 'waived') AS waived,
    count(*) FILTER (WHERE c.state = 'failed' AND c.severity = 'blocking') AS blocking,
    count(*) FILTER (WHERE c.state = 'failed' AND c.severity = 'warning') AS warning,
    count(*) FILTER (WHERE c.state = 'failed' AND c.severity = 'info') AS info
FROM runs AS r JOIN check_results AS c USING (run_id) GROUP BY r.run_id
ORDER BY r.started_at DESC, r.run_id LIMIT %(most)s
"""
WAIVERS = """
SELECT w.check_waiver_id, w.table_name, w.check_name, s.store_code, w.reason, u.username AS waived_by, w.waived_on,
    w.expires_on, w.revoked_at
FROM check_waivers AS w JOIN users AS u ON u.user_id = w.waived_by LEFT JOIN stores AS s USING (store_id)
WHERE NOT %(is_active)s OR (w.revoked_at IS NULL AND w.expires_on >= %(day)s)
ORDER BY w.check_waiver_id
"""


@dataclass(frozen=True)
class CheckedRun:
    """A run that checked something, and what it found."""

    run_id: str
    as_of: dt.date
    state: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    results: list[Row]


def write_results(
    connection: psycopg.Connection[Any],
    run_id: str,
    results: Iterable[tuple[Mapping[str, Any], Sequence[Row], str | None]],
) -> None:
    """Keep results of a run: each with the rows that broke it and the member of these that names their store.

    In the caller's transaction, which is not the publication's: a blocked run's findings stay.
    """
    stores = dict(connection.execute("SELECT store_code, store_id FROM stores").fetchall())
    for values, rows, store in results:
        found = connection.execute(INSERT, {**values, "run_id": run_id}).fetchone()
        assert found is not None, "an insert that returns gives its row"
        key = found[0]
        connection.execute("DELETE FROM check_failures WHERE check_result_id = %s", (key,))
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY check_failures (check_result_id, store_id, row) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row((key, stores.get(row[store]) if store else None, _as_json(row)))


def forget_old_failures(connection: psycopg.Connection[Any], kept: int = RUNS_KEPT) -> int:
    """Delete the failed rows of all but the newest runs; how many."""
    return connection.execute(FORGET, {"kept": kept}).rowcount


def newest_results(connection: psycopg.Connection[Any], stores: Collection[str] | None = None) -> CheckedRun | None:
    """The newest run that checked anything; None before the first. With stores each result has their `store_count`."""
    with connection.cursor(row_factory=dict_row) as cursor:
        run = cursor.execute(NEWEST).fetchone()
        if run is None:
            return None
        rows = cursor.execute(RESULTS, {"run_id": run["run_id"], "stores": _listed(stores)}).fetchall()
    return CheckedRun(**run, results=rows)


def failed_rows(
    connection: psycopg.Connection[Any],
    check_result_id: int,
    stores: Collection[str] | None = None,
    limit: int = 10_000,
) -> list[tuple[Row, str | None]]:
    """The kept rows that broke a check, those of the stores where these are named, with the store they belong to."""
    values = {"key": check_result_id, "stores": _listed(stores), "limit": limit}
    return connection.execute(FAILED_ROWS, values).fetchall()


def failures_by_store(connection: psycopg.Connection[Any], run_id: str) -> list[Row]:
    """The warning and blocking checks of a run that failed; those of store managers by store, where the rows name it.

    table_name, check_name, severity, what_to_do, store_code, failed_count: rows of that store among those kept.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(FAILED_BY_STORE, {"run_id": run_id}).fetchall()


def waivers(connection: psycopg.Connection[Any], day: dt.date, *, is_active: bool = True) -> list[Row]:
    """The waivers that hold on a day; or all there ever were."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(WAIVERS, {"day": day, "is_active": is_active}).fetchall()


def course(connection: psycopg.Connection[Any], most: int = 30) -> list[Row]:
    """The newest runs that checked anything, the newest first: how many checks ended how."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(COURSE, {"most": most}).fetchall()


def spell(row: Row) -> str:
    """A row in one line: `sku P1, sold_on 2024-04-09`; what is empty is left out."""
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


def without_costs(row: Row) -> Row:
    """What of a row is shown to whoever may not see costs."""
    return {name: value for name, value in row.items() if "cost" not in name}


def _listed(stores: Collection[str] | None) -> list[str] | None:
    return None if stores is None else sorted(stores)


def _as_json(row: Row) -> str:
    # PostgreSQL's text holds no NUL
    return json.dumps(row, ensure_ascii=False, default=str).replace("\\u0000", "�")
