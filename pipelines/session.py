"""One run of the main job, from its lock to its last word: at most one at a time, each with a row in `runs`.

Gives the assets their day, their lake connection and a place for notes and check results. Does no work of its own.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from api.publications import current_publication
from expectations.check import CheckResult, Waiver
from pipelines.extract import NothingImported
from pipelines.findings import read_waivers
from pipelines.fingerprint import fingerprint

if TYPE_CHECKING:
    import duckdb
    import psycopg

    from ims.postgres import Databases
    from ims.settings import Settings

Progress = Callable[[str, int, int | None], None]
State = Literal["published", "unchanged", "blocked", "failed"]
LOCK = "SELECT pg_try_advisory_lock(hashtext('ims run'))"
KILLED = "The process ended before the run did; what was published is unchanged."


class RunInProgress(Exception):
    """Another run holds the lock and did not end in time."""


@dataclass
class RunSession:
    """The state of one run. `results` grows with every check; `kept` holds what one asset leaves to a later one."""

    settings: Settings
    databases: Databases
    as_of: dt.date
    run_id: str
    fingerprint: str
    is_unchanged: bool
    progress: Progress
    snapshot_id: int | None = None
    data_as_of: dt.date | None = None
    suggestions: int = 0
    is_published: bool = False
    failure: Exception | None = None
    failed_step: str | None = None
    notes: list[str] = field(default_factory=list)
    results: list[CheckResult] = field(default_factory=list)
    waivers: tuple[Waiver, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict)
    _con: duckdb.DuckDBPyConnection | None = None

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The run's connection to the lake, opened on first use."""
        if self._con is None:
            from warehouse.lake import connect

            self._con = connect(self.databases, self.settings)
        return self._con

    def close(self) -> None:
        """Give the lake's connection back."""
        if self._con is not None:
            self._con.close()
            self._con = None

    @property
    def failed_checks(self) -> list[CheckResult]:
        """The results that stop publishing."""
        return [result for result in self.results if result.is_blocking]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A piece of work: what fails in it first is what the run failed of."""
        try:
            yield
        except Exception as error:
            if self.failure is None:
                self.failure, self.failed_step = error, name
            raise


@contextmanager
def open_session(
    settings: Settings,
    databases: Databases,
    as_of: dt.date | None,
    progress: Progress,
    wait_seconds: float = 1800,
) -> Iterator[RunSession]:
    """Wait for the lock, record the run, yield it, record how it ended.

    Raises RunInProgress when another run does not end in time, NothingImported without a chain.
    """
    import psycopg

    with psycopg.connect(databases.operational, autocommit=True) as connection:
        _take_lock(connection, progress, wait_seconds)
        connection.execute(
            "UPDATE runs SET state = 'failed', message = %s, finished_at = now() WHERE state = 'running'", [KILLED]
        )
        chain_as_of = _chain_as_of(connection)
        day = as_of or chain_as_of
        waivers = read_waivers(connection)
        name = fingerprint(connection, day, settings, waivers)
        served = current_publication(databases.operational)
        is_unchanged = served is not None and served.fingerprint == name
        session = RunSession(settings, databases, day, uuid.uuid4().hex, name, is_unchanged, progress, waivers=waivers)
        if day > chain_as_of:
            session.notes.append(
                f"The chain's data are complete up to the opening of {chain_as_of}; the days from then to {day} "
                "count as days without a sale."
            )
        connection.execute(
            "INSERT INTO runs (run_id, as_of, state, fingerprint) VALUES (%s, %s, 'running', %s)",
            [session.run_id, day, name],
        )
        try:
            yield session
        except Exception as error:
            session.failure = session.failure or error
            raise
        finally:
            session.close()
            _finish(connection, session)


def outcome_state(session: RunSession) -> State:
    """How the run stands: published, unchanged, blocked or failed."""
    if session.is_published:
        return "published"
    if session.failed_checks:
        return "blocked"
    if session.is_unchanged and session.failure is None:
        return "unchanged"
    return "failed"


def _take_lock(connection: psycopg.Connection[Any], progress: Progress, wait_seconds: float) -> None:
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


def _chain_as_of(connection: psycopg.Connection[Any]) -> dt.date:
    row = connection.execute("SELECT as_of FROM chain").fetchone()
    if row is None:
        raise NothingImported(
            "The operational database holds no chain yet. Load one with `ims import DIR`, or try `ims demo`."
        )
    day = row[0]
    assert isinstance(day, dt.date), "chain.as_of is a date"
    return day


def _finish(connection: psycopg.Connection[Any], session: RunSession) -> None:
    """Record the end; when PostgreSQL is gone the row stays `running`, and the next run closes it."""
    import psycopg

    message = "; ".join(result.title for result in session.failed_checks) or (
        str(session.failure) if session.failure else None
    )
    try:
        connection.execute(
            "UPDATE runs SET state = %s, message = %s, finished_at = now() WHERE run_id = %s",
            [outcome_state(session), message, session.run_id],
        )
    except psycopg.OperationalError:
        session.notes.append("The end of the run could not be recorded: PostgreSQL does not answer.")
