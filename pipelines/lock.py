"""One writer of the lake at a time: an advisory lock of PostgreSQL, which ends with its connection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

LOCK = "SELECT pg_try_advisory_lock(hashtext('ims run'))"
Progress = Callable[[str, int, int | None], None]
# how long a restart of PostgreSQL may take before a run gives up
RESTART_SECONDS = 15.0


class RunInProgress(Exception):
    """Another run holds the lock and did not end in time."""


@dataclass
class RunLock:
    """The lock while it is held, by `connection`, in autocommit."""

    url: str
    connection: psycopg.Connection[Any]

    def holds(self) -> bool:
        """Whether the connection that took the lock still lives, and so does its lock."""
        import psycopg

        try:
            self.connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def take_again(self, run_id: str) -> bool:
        """After PostgreSQL has restarted: the lock anew, if it is back soon and no other run has begun meanwhile."""
        import psycopg

        deadline = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                self.connection = psycopg.connect(self.url, autocommit=True)
                return _is_taken(self.connection) and _is_running(self.connection, run_id)
            time.sleep(0.5)
        return False


@contextlib.contextmanager
def run_lock(url: str, progress: Progress, wait_seconds: float) -> Iterator[RunLock]:
    """Wait for the lock and hold it. Raises RunInProgress."""
    import psycopg

    lock = RunLock(url, psycopg.connect(url, autocommit=True))
    try:
        _take(lock.connection, progress, wait_seconds)
        yield lock
    finally:
        lock.connection.close()


def _take(connection: psycopg.Connection[Any], progress: Progress, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while not _is_taken(connection):
        started = connection.execute("SELECT max(started_at) FROM runs WHERE state = 'running'").fetchone()
        since = f", started {started[0]:%H:%M:%S} UTC," if started and started[0] else ""
        if time.monotonic() > deadline:
            raise RunInProgress(
                f"Another run{since} is still at work after {wait_seconds:.0f} s of waiting, and two runs would "
                "overwrite each other. Try again when it has ended; `ims publish list` shows what it published."
            )
        progress(f"waiting for another run{since} to end", 0, None)
        time.sleep(min(1.0, wait_seconds))


def _is_running(connection: psycopg.Connection[Any], run_id: str) -> bool:
    """A run that begins closes those it finds at work: one that still is at work has not been overtaken."""
    row = connection.execute("SELECT state = 'running' FROM runs WHERE run_id = %s", [run_id]).fetchone()
    return row is not None and bool(row[0])


def _is_taken(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(LOCK).fetchone()
    return row is not None and bool(row[0])
