"""What runs did and how long it took: the rows of `runs` with what they published, and Dagster's record of their steps.

Reads two databases: the operational one, and Dagster's storage by its tables. Times are UTC. Writes nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
# One row per run, the newest first, with the snapshot it published
RUNS = """
SELECT r.run_id, r.as_of, r.state, r.message, r.started_at, r.finished_at,
    extract(epoch FROM coalesce(r.finished_at, now()) - r.started_at)::float AS seconds,
    p.snapshot_id, p.published_at
FROM runs AS r LEFT JOIN publications AS p ON p.run_id = r.run_id
ORDER BY r.started_at DESC, r.run_id LIMIT %(most)s
"""
POINTER = """
SELECT p.snapshot_id, p.run_id, p.published_at, x.moved_at, x.moved_by
FROM publication_pointer AS x JOIN publications AS p USING (publication_id)
"""
# One row per run that Dagster knows of and that says which of ours it is
TAGS = """
SELECT t.value AS run_id, t.run_id AS dagster_run_id,
    max(o.value) FILTER (WHERE o.key = 'ims/rows_read')::bigint AS rows_read,
    max(o.value) FILTER (WHERE o.key = 'ims/peak_memory_mb')::bigint AS peak_memory_mb
FROM run_tags AS t LEFT JOIN run_tags AS o ON o.run_id = t.run_id
WHERE t.key = 'ims/run_id' AND t.value = ANY(%(run_ids)s) GROUP BY t.value, t.run_id
"""
ENTRIES = "$.dagster_event.event_specific_data.materialization.metadata_entries[*]"
# One row per step of a run: when it began and ended, and how
STEPS = """
SELECT step_key AS step, min(timestamp) FILTER (WHERE dagster_event_type = 'STEP_START') AS started_at,
    max(timestamp) FILTER (WHERE dagster_event_type <> 'STEP_START') AS ended_at,
    bool_or(dagster_event_type = 'STEP_FAILURE') AS is_failed
FROM event_logs
WHERE run_id = %(run)s AND step_key IS NOT NULL
    AND dagster_event_type IN ('STEP_START', 'STEP_SUCCESS', 'STEP_FAILURE')
GROUP BY step_key ORDER BY 2, 1
"""
# One row per table that a run brought up to date, with what it said of it
MADE = """
SELECT step_key AS step, asset_key, max(e ->> 'rows') AS row_count, max(e ->> 'built') AS built,
    max(e ->> 'memory') AS peak_memory_mb
FROM event_logs CROSS JOIN LATERAL (
    SELECT jsonb_build_object(
        CASE entry ->> 'label' WHEN 'dagster/row_count' THEN 'rows' WHEN 'rows_upserted' THEN 'rows'
            WHEN 'built' THEN 'built' WHEN 'peak_memory_mb' THEN 'memory' ELSE '' END,
        coalesce(entry #>> '{entry_data,value}', entry #>> '{entry_data,text}')) AS e
    FROM jsonb_path_query(event::jsonb, %(entries)s) AS entry) AS told
WHERE run_id = %(run)s AND dagster_event_type = 'ASSET_MATERIALIZATION'
GROUP BY id, step_key, asset_key ORDER BY id
"""
# One row per table: when a run last brought it up to date
FRESH = """
SELECT k.asset_key, e.timestamp AS made_at FROM asset_keys AS k CROSS JOIN LATERAL (
    SELECT timestamp FROM event_logs WHERE asset_key = k.asset_key AND dagster_event_type = 'ASSET_MATERIALIZATION'
    ORDER BY id DESC LIMIT 1) AS e
WHERE k.wipe_timestamp IS NULL OR e.timestamp > k.wipe_timestamp ORDER BY 1
"""


@dataclass(frozen=True)
class Step:
    """A step of a run. `began_seconds` counts from the run's first step; rows and memory where it said them."""

    name: str
    began_seconds: float
    seconds: float
    is_failed: bool
    built: str | None = None
    rows: int | None = None
    peak_memory_mb: int | None = None


def list_runs(connection: psycopg.Connection[Any], most: int = 50) -> list[Row]:
    """The newest runs: run_id, as_of, state, message, started_at, finished_at, seconds, snapshot_id, published_at."""
    return _rows(connection, RUNS, most=most)


def served(connection: psycopg.Connection[Any]) -> Row | None:
    """What the pointer says: snapshot_id, run_id, published_at, moved_at, moved_by."""
    return next(iter(_rows(connection, POINTER)), None)


def run_tags(storage: psycopg.Connection[Any], run_ids: list[str]) -> dict[str, Row]:
    """What Dagster knows of these runs, by our run_id: dagster_run_id, rows_read, peak_memory_mb."""
    if not _is_there(storage):
        return {}
    return {row["run_id"]: row for row in _rows(storage, TAGS, run_ids=run_ids)}


def steps(storage: psycopg.Connection[Any], dagster_run_id: str) -> list[Step]:
    """The steps of a run in the order they began; one that never ended has taken no time."""
    if not _is_there(storage):
        return []
    made: dict[str, list[Row]] = {}
    for row in _rows(storage, MADE, run=dagster_run_id, entries=ENTRIES):
        made.setdefault(row["step"], []).append(row)
    found = [row for row in _rows(storage, STEPS, run=dagster_run_id) if row["started_at"] is not None]
    return [_step(row, found[0]["started_at"], made.get(row["step"], [])) for row in found]


def freshness(storage: psycopg.Connection[Any]) -> dict[str, dt.datetime]:
    """When a run last brought each table up to date, by `schema.table`; publication is `publication`."""
    if not _is_there(storage):
        return {}
    return {_name(row["asset_key"]): row["made_at"].replace(tzinfo=dt.UTC) for row in _rows(storage, FRESH)}


def _step(row: Row, first: dt.datetime, made: list[Row]) -> Step:
    ended = row["ended_at"] or row["started_at"]
    counts = [int(each["row_count"] or 0) for each in made]
    memory = [int(each["peak_memory_mb"]) for each in made if each["peak_memory_mb"] is not None]
    return Step(
        name=_name(made[0]["asset_key"]) if len(made) == 1 else row["step"].replace("__", "."),
        began_seconds=(row["started_at"] - first).total_seconds(),
        seconds=(ended - row["started_at"]).total_seconds(),
        is_failed=row["is_failed"],
        built=made[0]["built"] if len(made) == 1 else None,
        rows=sum(counts) if made else None,
        peak_memory_mb=max(memory, default=None),
    )


def _name(asset_key: str) -> str:
    """`["marts", "dim_store"]` as `marts.dim_store`."""
    return asset_key.strip('[]"').replace('", "', ".")


def _is_there(storage: psycopg.Connection[Any]) -> bool:
    """Whether a run has made Dagster's tables yet."""
    row = storage.execute("SELECT to_regclass('event_logs') IS NOT NULL").fetchone()
    return bool(row and row[0])


def _rows(connection: psycopg.Connection[Any], query: str, **values: Any) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
