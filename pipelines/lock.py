"""One writer of the lake at a time: an advisory lock of PostgreSQL, which ends with its connection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

LOCK = "SELECT pg_try_advisory_lock(hashtext('ims run'))"
Progress = Callable[[str, int, int | None], None]


class RunInProgress(Exception):
    """Another run holds the lock and did not end in time."""


@contextlib.contextmanager
def run_lock(url: str, progress: Progress, wait_seconds: float) -> Iterator[psycopg.Connection[Any]]:
    """Wait for the lock and hold it; the connection that holds it, in autocommit. Raises RunInProgress."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        _take(connection, progress, wait_seconds)
        yield connection


def holds(connection: psycopg.Connection[Any]) -> bool:
    """Whether the connection that took the lock still lives, and so does its lock."""
    import psycopg

    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


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


def _is_taken(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(LOCK).fetchone()
    return row is not None and bool(row[0])
