"""Maintenance of the warehouse and of Dagster's records: what may go, and that no run is at work meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipelines.lock import Progress, run_lock
from warehouse.lake import connect
from warehouse.maintenance import Maintained, maintain

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from ims.postgres import Databases
    from ims.settings import Settings

KEEP_DAYS = 30
EVENT_DAYS = 60
# what is served, and what was published lately and can be gone back to
KEPT = """
SELECT p.snapshot_id FROM publications AS p
 WHERE p.published_at > now() - make_interval(days => %s)
    OR p.publication_id = (SELECT publication_id FROM publication_pointer)
"""


def maintain_lake(
    settings: Settings,
    databases: Databases,
    progress: Progress,
    days: int = KEEP_DAYS,
    wait_seconds: float = 1800,
    grace_days: int = 2,
) -> Maintained:
    """Compact the lake and let go of what nobody can go back to. Raises RunInProgress, LakeUnavailable."""
    with run_lock(databases.operational, progress, wait_seconds) as lock:
        kept = [snapshot for (snapshot,) in lock.connection.execute(KEPT, [days]).fetchall()]
        con = connect(databases, settings)
        try:
            return maintain(con, kept, days, grace_days)
        finally:
            con.close()


def prune_events(
    instance: DagsterInstance, days: int = EVENT_DAYS, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
) -> int:
    """Delete Dagster's runs that ended more than `days` ago, with their events; how many."""
    from dagster import DagsterRunStatus, RunsFilter

    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    old = instance.get_runs(RunsFilter(statuses=ended, created_before=now() - dt.timedelta(days=days)))
    for run in old:
        instance.delete_run(run.run_id)
    return len(old)
