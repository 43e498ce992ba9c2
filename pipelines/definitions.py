"""The Dagster code location: assets in flow order, their checks, the jobs and their nightly schedules, the resources.

Assembly only: what an asset does is in assets/, what a run is in session.py. Tests pass resources of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg

from ims.settings import get_settings
from pipelines.assets.outputs import output_assets
from pipelines.assets.publication import publication_asset
from pipelines.assets.raw import operational_assets, raw_assets
from pipelines.assets.tables import table_assets
from pipelines.rebuild import Rebuild
from pipelines.session import RunSession, open_session
from pipelines.upkeep import upkeep_job, upkeep_schedule
from warehouse.freshness import FAIL_DAYS, WARN_DAYS

NIGHTLY = "30 4 * * *"
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=FAIL_DAYS), warn_window=timedelta(days=WARN_DAYS))


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster-webserver -m pipelines.definitions` and the daemon load."""
    return build_definitions({"session": own_session}, _chain_timezone())


def build_definitions(resources: Mapping[str, Any], timezone: str = "UTC") -> dg.Definitions:
    """Assets, job and schedule over the given resources: `session` is the RunSession that the assets work in."""
    assets = dg.map_asset_specs(
        lambda spec: spec.replace_attributes(freshness_policy=FRESH),
        [raw_assets(), *table_assets(), *output_assets(), publication_asset()],
    )
    everything = dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()
    job = dg.define_asset_job("main", everything, description="Extract, transform, check, forecast, suggest, publish.")
    nightly = dg.ScheduleDefinition(
        name="nightly",
        job=job,
        cron_schedule=NIGHTLY,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every night for the chain's own as_of; a night without anything new changes nothing.",
    )
    return dg.Definitions(
        assets=[*operational_assets(), *assets],
        jobs=[job, upkeep_job],
        schedules=[nightly, upkeep_schedule(timezone)],
        resources=resources,
        executor=dg.in_process_executor,
    )


@dg.resource(
    config_schema={
        "as_of": dg.Field(str, is_required=False, description="YYYY-MM-DD; default: the chain's own."),
        "full": dg.Field(bool, default_value=False, description="Read and build everything anew."),
        "from": dg.Field(str, is_required=False, description="Backfill: first day, YYYY-MM-DD."),
        "until": dg.Field(str, is_required=False, description="Backfill: last day, YYYY-MM-DD."),
        "stores": dg.Field([str], default_value=[], description="Backfill: codes of the stores; none = all."),
    },
    description="The run's own lock, row and lake connection, for runs launched by the schedule or in the UI.",
)
def own_session(context: dg.InitResourceContext) -> Iterator[RunSession]:
    """A session that a run launched by Dagster opens by itself, as `ims run` does."""
    from api.database import open_databases

    settings = get_settings()
    given = context.resource_config
    as_of, first_on, last_on = (
        date.fromisoformat(given[name]) if given.get(name) else None for name in ("as_of", "from", "until")
    )
    rebuild = Rebuild(given["full"], first_on, last_on, tuple(given["stores"]))
    databases = open_databases(settings)
    with open_session(settings, databases, as_of, lambda *_: None, rebuild=rebuild or None) as session:
        yield session
        if context.instance is not None and context.run_id is not None:
            context.instance.add_run_tags(context.run_id, session.tags)


def _chain_timezone() -> str:
    """Business days are days in the chain's timezone, so its nights are, too; UTC before the first import."""
    import psycopg

    from api.database import open_databases

    with psycopg.connect(open_databases(get_settings()).operational) as connection:
        row = connection.execute("SELECT timezone FROM chain").fetchone()
    return "UTC" if row is None else str(row[0])
