"""Maintenance: what is published stays readable to the row, and what nobody can go back to goes."""

from __future__ import annotations

import datetime as dt
import os

import psycopg
import pytest

from pipelines.instance import open_instance
from pipelines.lock import RunInProgress
from pipelines.maintenance import maintain_lake, prune_events
from warehouse.lake import LakeUnavailable, connect, current_snapshot

PUBLISH = (
    "INSERT INTO publications (snapshot_id, run_id, as_of, data_as_of, fingerprint, checks, metric_version, notes,"
    " published_at) VALUES (%s, 'r', '2024-05-15', '2024-05-15', 'f', '{}', 'm', '[]', now() - %s * INTERVAL '1 day')"
)


@pytest.fixture
def lake(installation):
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("INSERT INTO runs (run_id, as_of, state) VALUES ('r', '2024-05-15', 'published')")
    opened = connect(installation.databases, installation.settings)
    opened.execute("CREATE TABLE lake.marts.t AS SELECT i, 0 AS n FROM range(1000) AS r (i)")
    yield opened
    opened.close()


def change(lake, n):
    """A tenth of the rows written anew; the snapshot that holds them."""
    lake.execute("BEGIN")
    lake.execute(f"DELETE FROM lake.marts.t WHERE i % 10 = {n}")
    lake.execute(f"INSERT INTO lake.marts.t SELECT i, {n} FROM range(1000) AS r (i) WHERE i % 10 = {n}")
    lake.execute("COMMIT")
    return current_snapshot(lake)


def files(installation):
    return list((installation.home / "lake").rglob("*.parquet"))


def test_what_is_published_stays_and_the_rest_goes(installation, lake):
    databases, settings = installation.databases, installation.settings
    snapshots = [change(lake, n) for n in range(1, 8)]
    with psycopg.connect(databases.operational) as connection:
        for snapshot, days in zip(snapshots[:4], (90, 80, 10, 70), strict=True):
            connection.execute(PUBLISH, [snapshot, days])
        connection.execute(
            "INSERT INTO publication_pointer (publication_id, moved_by)"
            " SELECT publication_id, 't' FROM publications WHERE snapshot_id = %s",
            [snapshots[0]],
        )
    rows = "SELECT i, n FROM lake.marts.t ORDER BY ALL"
    pinned = connect(databases, settings, snapshot=snapshots[0])
    before = pinned.execute(rows).fetchall(), lake.execute(rows).fetchall()
    orphan = installation.home / "lake" / "marts" / "t" / "orphan.parquet"
    orphan.write_bytes(b"half a file of a run that was killed")
    old = dt.datetime.now().timestamp() - 10 * 86400
    os.utime(orphan, (old, old))
    count = len(files(installation))

    with psycopg.connect(databases.lake) as catalog:
        catalog.execute("UPDATE ducklake_snapshot SET snapshot_time = snapshot_time - INTERVAL '40 days'")
    done = maintain_lake(settings, databases, lambda *_: None, grace_days=0)
    # kept: the served one, the one published ten days ago, and the newest
    assert done.expired_snapshots > 0
    with psycopg.connect(databases.lake) as catalog:
        kept = {row[0] for row in catalog.execute("SELECT snapshot_id FROM ducklake_snapshot")}
    assert {snapshots[0], snapshots[2], snapshots[6]} <= kept
    assert not {snapshots[1], snapshots[3], snapshots[4], snapshots[5]} & kept
    assert not orphan.exists()
    assert len(files(installation)) < count
    assert pinned.execute(rows).fetchall() == before[0]
    pinned.close()
    again = connect(databases, settings, snapshot=snapshots[0])
    assert again.execute(rows).fetchall() == before[0]
    again.close()
    assert lake.execute(rows).fetchall() == before[1]
    again = connect(databases, settings, snapshot=snapshots[2])
    assert again.execute("SELECT count(*) FILTER (n = 3), count(*) FROM lake.marts.t").fetchone() == (100, 1000)
    again.close()
    with pytest.raises(LakeUnavailable, match="snapshot"):
        connect(databases, settings, snapshot=snapshots[1])


def test_it_waits_for_a_run_and_says_so(installation, lake):
    with psycopg.connect(installation.databases.operational) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('ims run'))")
        with pytest.raises(RunInProgress, match="still at work"):
            maintain_lake(installation.settings, installation.databases, lambda *_: None, wait_seconds=0)


def test_old_runs_leave_the_dagster_ui(installation):
    from dagster import job, op

    @op
    def nothing():
        pass

    @job
    def empty():
        nothing()

    with open_instance(installation.settings, installation.databases) as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        assert empty.execute_in_process(instance=instance, run_config=quiet).success
        assert prune_events(instance) == 0
        assert prune_events(instance, now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=61)) == 1
        assert instance.get_runs() == []
