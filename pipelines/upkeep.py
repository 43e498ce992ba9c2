"""The nightly job: does the operational database add up, is its audit log as written, what may be forgotten, what goes.

Apart from the main job: what a night publishes does not wait for it. Each step stands for itself.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

import asyncio
import dataclasses
import datetime as dt

import dagster as dg

from ims.settings import get_settings

NIGHTLY = "10 4 * * *"
AUDIT_YEARS = 7


@dg.op(description="Counts the rows that break each invariant of the operational database.")
def check_invariants(context: dg.OpExecutionContext) -> None:
    """Fails with the names of the broken ones; the counts are the run's metadata."""
    import psycopg

    from api.services import invariants

    with psycopg.connect(_url()) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        broken = invariants.check_invariants(connection)
    context.add_output_metadata({name: dg.MetadataValue.int(count) for name, count in broken.items()})
    found = {name: count for name, count in broken.items() if count}
    if found:
        listed = ", ".join(f"{name} ({count:,} rows)" for name, count in found.items())
        raise dg.Failure(f"The operational database breaks {listed}. `ims invariants` shows the rows.")


@dg.op(description="Computes the audit log's hash chains anew.")
def verify_audit(context: dg.OpExecutionContext) -> None:
    """Fails when a row was changed, removed or reordered since it was written."""
    import psycopg

    from api.services.audit_integrity import verify

    with psycopg.connect(_url()) as connection:
        verdict = verify(connection, lambda *_: None)
    context.add_output_metadata({"rows": verdict.rows, "faults": verdict.faults})
    if not verdict.is_whole:
        raise dg.Failure("The audit log is not as it was written. `ims audit verify` names the rows.")


@dg.op(description="Drops the months of the audit log that are older than they must be kept.")
def retain_audit(context: dg.OpExecutionContext) -> None:
    """What is left still verifies."""
    import psycopg

    from api.services.audit_retention import retain

    with psycopg.connect(_url()) as connection:
        done = retain(connection, AUDIT_YEARS, dt.datetime.now(dt.UTC).date())
    context.add_output_metadata({"rows": done.rows, "partitions": len(done.partitions)})


@dg.op(description="Erases customers who were not seen for the years of the chain's setting.")
def retain_customers(context: dg.OpExecutionContext) -> None:
    """Also forgets answers, messages and sessions that have served their time."""
    from api.services import privacy_upkeep

    years, erased = asyncio.run(privacy_upkeep.retain_customers(_url(), dt.datetime.now(dt.UTC).date()))
    context.add_output_metadata({"years": years, "erased": erased})


@dg.op(description="Compacts the lake, expires what nobody can go back to, prunes Dagster's old runs.")
def maintain_warehouse(context: dg.OpExecutionContext) -> None:
    """Waits for a run that is at work."""
    from api.database import open_databases
    from pipelines.maintenance import maintain_lake, prune_events

    settings = get_settings()
    done = maintain_lake(settings, open_databases(settings), lambda *_: None)
    pruned = prune_events(context.instance)
    context.add_output_metadata({**dataclasses.asdict(done), "pruned_runs": pruned})


@dg.job(name="upkeep", description="Whether the operational database adds up; retention; maintenance.")
def upkeep_job() -> None:
    """Steps that do not wait for one another."""
    check_invariants()
    verify_audit()
    retain_audit()
    retain_customers()
    maintain_warehouse()


def upkeep_schedule(timezone: str) -> dg.ScheduleDefinition:
    """Every night of the chain, before its main job."""
    return dg.ScheduleDefinition(
        name="nightly_upkeep",
        job=upkeep_job,
        cron_schedule=NIGHTLY,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A ledger that does not add up is found within a day; nothing is kept longer than it must be.",
    )


def _url() -> str:
    from api.database import open_databases

    return open_databases(get_settings()).operational
