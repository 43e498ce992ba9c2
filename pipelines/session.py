"""One run of the main job, from its lock to its last word: at most one at a time, each with a row in `runs`.

Gives the assets their day, their lake connection and a place for notes and check results. Does no work of its own.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from api.publications import current_publication
from expectations.check import CheckResult, Waiver
from pipelines.builder import Builder
from pipelines.extract import NothingImported
from pipelines.findings import read_waivers
from pipelines.fingerprint import fingerprint
from pipelines.lock import Progress, run_lock
from pipelines.measure import Measure, measured
from pipelines.rebuild import Rebuild
from pipelines.transient import again, is_transient
from warehouse.lake import LakeUnavailable

if TYPE_CHECKING:
    import duckdb
    import psycopg

    from ims.postgres import Databases
    from ims.settings import Settings

State = Literal["published", "unchanged", "blocked", "failed"]
RETRIES = 2
KILLED = "The process ended before the run did; what was published is unchanged."


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
    rebuild: Rebuild | None = None
    started: float = field(default_factory=time.monotonic)
    rows: int = 0
    retries: int = 0
    may_retry: Callable[[], bool] = bool
    peak_memory_mb: int = 0
    _con: duckdb.DuckDBPyConnection | None = None
    _builder: Builder | None = None

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The run's connection to the lake, opened on first use."""
        if self._con is None:
            from warehouse.lake import connect

            self._con = connect(self.databases, self.settings)
        return self._con

    @property
    def builder(self) -> Builder:
        """Builds tables over that connection; what it has seen of them is kept from one to the next."""
        if self._builder is None:
            self._builder = Builder(self.con, self.as_of, self.rebuild)
        return self._builder

    def settle(self) -> None:
        """Say of every table that was built that it was."""
        if self._builder is not None:
            self._builder.settle()

    def close(self) -> None:
        """Give the lake's connection back."""
        if self._con is not None:
            # what is not said for a lost server costs the next run a look
            with suppress(LakeUnavailable):
                self.settle()
            self._con.close()
            self._con = self._builder = None

    @property
    def tags(self) -> dict[str, str]:
        """What is said of the run as a whole, beside its steps: how long, how many rows came over, how much memory."""
        seconds = time.monotonic() - self.started
        values = {"run_id": self.run_id, "seconds": f"{seconds:.1f}", "rows_read": str(self.rows)}
        values["peak_memory_mb"] = str(self.peak_memory_mb)
        return {f"ims/{name}": value for name, value in values.items()}

    @property
    def failed_checks(self) -> list[CheckResult]:
        """The results that stop publishing."""
        return [result for result in self.results if result.is_blocking]

    @contextmanager
    def step(self, name: str) -> Iterator[Measure]:
        """A piece of work, measured: what fails in it first is what the run failed of.

        A lost connection is no failure while others are to be had: Dagster is asked to try the step again.
        """
        try:
            with measured() as measure:
                yield measure
            self.peak_memory_mb = max(self.peak_memory_mb, measure.peak_memory_mb)
        except Exception as error:
            if is_transient(error) and self.retries < RETRIES and self.may_retry():
                self.retries += 1
                self.close()
                raise again(RETRIES) from error
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
    rebuild: Rebuild | None = None,
) -> Iterator[RunSession]:
    """Wait for the lock, record the run, yield it, record how it ended.

    Raises RunInProgress when another run does not end in time, NothingImported without a chain.
    """

    with run_lock(databases.operational, progress, wait_seconds) as lock:
        connection = lock.connection
        connection.execute(
            "UPDATE runs SET state = 'failed', message = %s, finished_at = now() WHERE state = 'running'", [KILLED]
        )
        chain_as_of = _chain_as_of(connection)
        day = as_of or chain_as_of
        waivers = read_waivers(connection)
        name = fingerprint(connection, day, settings, waivers)
        served = current_publication(databases.operational)
        is_unchanged = served is not None and served.fingerprint == name and rebuild is None
        session = RunSession(settings, databases, day, uuid.uuid4().hex, name, is_unchanged, progress, waivers=waivers)
        session.rebuild = rebuild
        session.may_retry = lambda: lock.holds() or lock.take_again(session.run_id)
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
            _finish(lock.connection, session)


def outcome_state(session: RunSession) -> State:
    """How the run stands: published, unchanged, blocked or failed."""
    if session.is_published:
        return "published"
    if session.failed_checks:
        return "blocked"
    if session.is_unchanged and session.failure is None:
        return "unchanged"
    return "failed"


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
