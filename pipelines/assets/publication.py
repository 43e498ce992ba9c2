"""The last asset: moves the pointer, writes the suggestions and raises the alerts in one PostgreSQL transaction.

Nothing else in the job changes what people see.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections import Counter
from itertools import chain

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset
from sqlalchemy import update

from api.alerts import write_alerts
from api.database import create_engine
from api.publications import publish
from api.schema.planning import Run
from api.suggestions import write_suggestions
from expectations.check import CheckResult
from expectations.suites import checked_tables
from pipelines.figures import read_figures
from pipelines.frames import read_output
from pipelines.held_back import held_back
from pipelines.passport import metric_version
from pipelines.session import RunSession
from warehouse.lake import current_snapshot
from warehouse.transformations import tables

# the outputs that no other output is made from
LAST_OUTPUTS = ("alerts",)


class ChecksMissing(RuntimeError):
    """A table was to be published of which no blocking check was run, or one failed."""


def publication_asset() -> AssetsDefinition:
    """The asset that stands after every table and every output."""
    upstream = [AssetKey([each.schema, each.name]) for each in tables() if each.schema == "marts"]

    @asset(
        key=["publication"],
        deps=[*upstream, *(AssetKey(["outputs", name]) for name in LAST_OUTPUTS)],
        group_name="publication",
        description="The pointer to what is served, and the suggestions, moved together.",
        kinds={"postgres"},
        required_resource_keys={"session"},
    )
    def publication(context: AssetExecutionContext) -> MaterializeResult[None]:
        session: RunSession = context.resources.session
        session.progress("publish", 0, 1)
        with session.step("publish") as measure:
            publish_run(session)
        session.progress("publish", 1, 1)
        counts = {"snapshot_id": session.snapshot_id or 0, "suggestions": session.suggestions}
        return MaterializeResult(metadata={**counts, **measure.metadata})

    return publication


def publish_run(session: RunSession) -> None:
    """Publish the lake as it stands. Raises ChecksMissing unless every suite ran and no blocking check failed."""
    # Dagster keeps a failed check from coming here; that the figures are checked is not left to one guard
    unchecked = set(checked_tables()) - {result.table for result in session.results}
    if unchecked or session.failed_checks:
        names = sorted(unchecked) + [result.title for result in session.failed_checks]
        raise ChecksMissing(f"not published: unchecked or failed: {', '.join(names)}")
    plan = read_output(session.con, "plan")
    transfers = read_output(session.con, "transfers")
    assert plan is not None, "the plan is an output of this run"
    assert transfers is not None, "so are the transfers that it takes as made"
    alerts = read_output(session.con, "alerts")
    assert alerts is not None, "and what it raises"
    session.settle()
    session.snapshot_id = current_snapshot(session.con)
    session.notes += stock_notes(session)
    engine = create_engine(session.databases.operational)
    try:
        with engine.begin() as connection:
            publication_id = publish(
                connection,
                run_id=session.run_id,
                snapshot_id=session.snapshot_id,
                as_of=session.as_of,
                data_as_of=session.data_as_of or session.as_of,
                fingerprint=session.fingerprint,
                checks=check_state(session),
                metric_version=metric_version(),
                notes=session.notes,
                moved_by="ims run",
            )
            rows = chain(plan.iter_rows(named=True), transfers.iter_rows(named=True))
            counts = write_suggestions(connection, rows, publication_id, session.as_of)
            write_alerts(connection, alerts.iter_rows(named=True), publication_id, session.as_of)
            figures = read_figures(session.con)
            ended = update(Run).where(Run.run_id == session.run_id).values(state="published", figures=figures)
            connection.execute(ended)
    finally:
        engine.dispose()
    session.suggestions = counts.proposed
    session.is_published = True


def check_state(session: RunSession) -> dict[str, object]:
    """What the passport says of the checks: counts, each warning with its advice, what is waived, and held back."""
    found = Counter(
        "passed" if result.passed else result.severity for result in session.results if not result.is_waived
    )
    return {
        "passed": found["passed"],
        "warnings": found["warning"],
        "infos": found["info"],
        "failed": [_said(result) for result in session.results if result.counts and result.severity == "warning"],
        "infos_found": [_said(result) for result in session.results if result.counts and result.severity == "info"],
        "waived": [{**_said(r), "until": _until(r)} for r in session.results if r.is_waived],
        "held_back": held_back(session.con),
    }


def _said(result: CheckResult) -> dict[str, str]:
    return {
        "table": result.table,
        "check": result.check,
        "observed": result.observed,
        "owner": result.owner,
        "what_to_do": result.what_to_do,
    }


def _until(result: CheckResult) -> str:
    return min(waiver.expires_on for waiver in result.waivers).isoformat()


def stock_notes(session: RunSession) -> list[str]:
    """A note when stock had to be rolled forward from an earlier statement."""
    row = session.con.execute(
        "SELECT count(*), min(stated_on), max(stated_on) FROM lake.marts.fct_inventory_position WHERE is_rolled_forward"
    ).fetchone()
    if row is None or not row[0]:
        return []
    pairs, first, last = row
    stated = f"{last}" if first == last else f"{first} to {last}"
    return [
        f"{pairs} pairs have no stock statement for {session.as_of}: their last one ({stated}) was rolled forward by "
        "the sales and arrivals since."
    ]
