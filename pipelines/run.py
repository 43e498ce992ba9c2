"""`ims run`: the main job executed in this process, seen in the Dagster UI, ended in one clear sentence.

Knows how a run ends and what to say of it; what it does is in assets/.
"""

from __future__ import annotations

import datetime as dt
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from expectations.check import CheckResult
from ims.postgres import DatabaseUnavailable
from ims.settings import get_settings
from pipelines.extract import NothingImported
from pipelines.lock import Progress, RunInProgress
from pipelines.rebuild import Rebuild
from pipelines.session import RunSession, State, open_session, outcome_state
from warehouse.lake import LakeUnavailable

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings

UNCHANGED = "what was published is unchanged"
WAIT_SECONDS = 1800.0


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended. `message` is one paragraph for a person; `snapshot_id` is what is served after it."""

    state: State
    snapshot_id: int | None
    as_of: dt.date | None
    message: str
    notes: list[str] = field(default_factory=list)
    suggestions: int = 0
    failed_checks: list[CheckResult] = field(default_factory=list)


def run(
    as_of: dt.date | None = None,
    progress: Progress | None = None,
    wait_seconds: float = WAIT_SECONDS,
    rebuild: Rebuild | None = None,
) -> RunOutcome:
    """Run the main job for the opening of `as_of` (default: the chain's own). Never raises for what a person can mend.

    A second run waits for the first, at most `wait_seconds`. A run whose inputs, code and day are those of what is
    served ends `unchanged` and writes nothing, unless `rebuild` says what to build anew all the same.
    """
    from api.database import open_databases

    settings = get_settings()
    session: RunSession | None = None
    try:
        databases = open_databases(settings)
        with open_session(settings, databases, as_of, progress or (lambda *_: None), wait_seconds, rebuild) as session:
            if not session.is_unchanged:
                execute(session)
    except Exception as error:  # noqa: BLE001  (every failure ends in a sentence; the traceback goes to a file)
        return _failed(settings, as_of, session, error)
    return _ended(databases, session)


def execute(session: RunSession) -> None:
    """Execute the job in this process, as a run of the Dagster instance. What failed stands in the session."""
    from pipelines.definitions import build_definitions
    from pipelines.instance import open_instance

    session.progress("start", 0, 1)
    with open_instance(session.settings, session.databases) as instance:
        job = build_definitions({"session": session}).resolve_job_def("main")
        session.progress("start", 1, 1)
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={"ims/as_of": session.as_of.isoformat(), "ims/run_id": session.run_id},
        )
        instance.add_run_tags(result.run_id, session.tags)
    if session.failure is not None:
        raise session.failure
    if not result.success and not session.failed_checks:
        errors = [event.message or "" for event in result.all_events if event.is_failure]
        raise RuntimeError(" / ".join(errors) or "the job failed without an event")


def _ended(databases: Databases, session: RunSession) -> RunOutcome:
    from api.publications import current_publication

    state = outcome_state(session)
    served = current_publication(databases.operational)
    snapshot_id = served.snapshot_id if served else None
    if state == "published":
        message = f"Published snapshot {snapshot_id}, as of {session.as_of}: {session.suggestions:,} suggestions."
    elif state == "unchanged":
        message = f"Nothing has changed since snapshot {snapshot_id}, as of {session.as_of}: nothing was done."
    elif state == "blocked":
        message = _blocked(session)
    else:
        message = (
            f"The run ended without publishing and without saying why; {UNCHANGED}. The Dagster UI has its events."
        )
    notes = served.notes if state == "unchanged" and served else session.notes
    return RunOutcome(
        state, snapshot_id, session.as_of, message, list(notes), session.suggestions, session.failed_checks
    )


def _blocked(session: RunSession) -> str:
    lines = [f"Not published: {len(session.failed_checks)} blocking checks failed; {UNCHANGED}."]
    for result in session.failed_checks:
        example = f" For example {result.failed_rows_sample[0]}." if result.failed_rows_sample else ""
        lines.append(f"- {result.title}.{example} {result.what_to_do}")
    return "\n".join(lines)


def _failed(settings: Settings, as_of: dt.date | None, session: RunSession | None, error: Exception) -> RunOutcome:
    if session is not None and session.failed_checks:
        return RunOutcome("blocked", None, session.as_of, _blocked(session), session.notes, 0, session.failed_checks)
    message = describe(error, session.failed_step if session else None)
    if message is None:
        path = _write_details(settings, error)
        where = f" during {session.failed_step}" if session and session.failed_step else ""
        message = (
            f"The run failed{where} with an unexpected {type(error).__name__}: {_one_line(error)}. This is a defect of "
            f"IMS, details in {path}; {UNCHANGED}."
        )
    return RunOutcome("failed", None, session.as_of if session else as_of, message, session.notes if session else [])


def describe(error: Exception, step: str | None) -> str | None:
    """One paragraph for a failure that a person can mend; None for a defect."""
    import duckdb
    import psycopg
    from dagster_postgres.utils import DagsterPostgresException
    from sqlalchemy.exc import DBAPIError

    if isinstance(error, DatabaseUnavailable | LakeUnavailable | NothingImported | RunInProgress):
        return str(error)
    where = f" during {step}" if step else ""
    text = _one_line(error)
    is_connection = isinstance(error, psycopg.OperationalError | duckdb.ConnectionException | DagsterPostgresException)
    is_connection |= isinstance(error, DBAPIError) and "connection" in text.lower()
    is_connection |= isinstance(error, duckdb.Error) and ("postgres" in text.lower() or "connection" in text.lower())
    if is_connection:
        return (
            f"PostgreSQL stopped answering{where}; {UNCHANGED}. Start it again (`ims run` starts the embedded one "
            f"itself), then run again. It said: {text}"
        )
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return f"Memory ran out{where}; {UNCHANGED}. Give DuckDB more with IMS_MEMORY_LIMIT, or close other programs."
    if isinstance(error, OSError | duckdb.IOException):
        return f"A file could not be written or read{where}; {UNCHANGED}. Check the space under IMS_HOME. {text}"
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _write_details(settings: Settings, error: Exception) -> str:
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"run-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}.txt"
    path.write_text("".join(traceback.format_exception(error)))
    return str(path)
