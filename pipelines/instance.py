"""Dagster's own state: its home under `home`/dagster, its storage in PostgreSQL, the environment of its processes.

The password of the storage never reaches a file: dagster.yaml names the environment variable that holds it.
"""

from __future__ import annotations

import select
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from ims.postgres import Databases
    from ims.settings import Settings

STORAGE_VARIABLE = "IMS_DAGSTER_STORAGE_URL"
CONFIGURATION = f"""# written by IMS at every start; edits are lost
storage:
  postgres:
    postgres_url:
      env: {STORAGE_VARIABLE}
telemetry:
  enabled: false
freshness:
  enabled: true
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
"""


def dagster_home(settings: Settings, databases: Databases) -> Path:
    """The DAGSTER_HOME of this installation, with its dagster.yaml written."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists() or configuration.read_text() != CONFIGURATION:
        configuration.write_text(CONFIGURATION)
    return home


def environment(settings: Settings, databases: Databases) -> dict[str, str]:
    """What a Dagster process needs beside the caller's environment. Holds a password: never print it."""
    return {
        "DAGSTER_HOME": str(dagster_home(settings, databases)),
        STORAGE_VARIABLE: _storage_url(databases),
        "IMS_HOME": str(settings.home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def open_instance(settings: Settings, databases: Databases) -> DagsterInstance:
    """The instance whose runs the Dagster UI shows, for a run in this process: output stays on the terminal."""
    from dagster import DagsterInstance
    from dagster._core.instance.ref import InstanceRef
    from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
    from sqlalchemy import event

    url = _storage_url(databases)
    # events are for eyes: a power cut may take the last of them, and no run waits for the disk between two
    url += ("&" if "?" in url else "?") + "options=-csynchronous_commit%3Doff"
    overrides = {
        "storage": {"postgres": {"postgres_url": url}},
        "telemetry": {"enabled": False},
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
    }
    reference = InstanceRef.from_dir(str(dagster_home(settings, databases)), overrides=overrides)
    instance = DagsterInstance.from_ref(reference)
    # else every event opens a connection of its own
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=4)
    for storage in (instance.event_log_storage, instance.run_storage, instance.schedule_storage):
        if isinstance(storage, PostgresEventLogStorage | PostgresRunStorage | PostgresScheduleStorage):
            event.listen(storage._engine, "checkout", _ask_first)
    return instance


def _ask_first(connection: Any, record: object, proxy: object) -> None:
    """A connection of the pool that did not live through a restart of PostgreSQL is replaced, not used.

    A server that goes says so, or closes the line: only where there is something to read is the server asked.
    """
    from sqlalchemy.exc import DisconnectionError

    if not connection.closed and not select.select([connection], [], [], 0)[0]:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as error:
        raise DisconnectionError from error


def _storage_url(databases: Databases) -> str:
    """SQLAlchemy's plain `postgresql://` means psycopg 3, in which Dagster's NOTIFY with a parameter is an error."""
    return "postgresql+psycopg2://" + databases.dagster.split("://", 1)[1]
