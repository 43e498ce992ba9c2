"""The job that asks every night whether the operational database keeps its invariants; a broken one fails its run.

Apart from the main job: what a night publishes does not wait for it. What must hold is in `api/invariants`.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

import dagster as dg

from ims.settings import get_settings

NIGHTLY = "10 4 * * *"


@dg.op(description="Counts the rows that break each invariant of the operational database.")
def check_invariants(context: dg.OpExecutionContext) -> None:
    """Fails with the names of the broken ones; the counts are the run's metadata."""
    import psycopg

    from api.database import open_databases
    from api.services import invariants

    with psycopg.connect(open_databases(get_settings()).operational) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        broken = invariants.check_invariants(connection)
    context.add_output_metadata({name: dg.MetadataValue.int(count) for name, count in broken.items()})
    found = {name: count for name, count in broken.items() if count}
    if found:
        listed = ", ".join(f"{name} ({count:,} rows)" for name, count in found.items())
        raise dg.Failure(f"The operational database breaks {listed}. `ims invariants` shows the rows.")


@dg.job(name="invariants", description="Whether stock, transfers and orders add up in the operational database.")
def invariants_job() -> None:
    """One step: all invariants at one moment."""
    check_invariants()


def invariants_schedule(timezone: str) -> dg.ScheduleDefinition:
    """Every night of the chain, before its main job."""
    return dg.ScheduleDefinition(
        name="nightly_invariants",
        job=invariants_job,
        cron_schedule=NIGHTLY,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A ledger that does not add up is found within a day.",
    )
