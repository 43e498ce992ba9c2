"""Groups staging and marts: one asset per SQL file, its dependencies and columns read out of the SQL.

A table with a suite carries its checks: a blocking one that fails keeps everything downstream from running.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections.abc import Iterator

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
)

from expectations.check import CheckResult
from expectations.suites import checked_tables, suite
from pipelines.lineage import column_lineage, column_schema
from pipelines.session import RunSession
from pipelines.transform import build_table
from warehouse.transformations import Transformation, tables


def table_assets() -> list[AssetsDefinition]:
    """One asset per transformation, in build order."""
    return [_table_asset(each, place, len(tables())) for place, each in enumerate(tables())]


def check_specs(table: str) -> list[AssetCheckSpec]:
    """The checks of `schema.table` as Dagster shows them: none for a table without a suite."""
    if table not in checked_tables():
        return []
    key = AssetKey(table.split("."))
    specs = [AssetCheckSpec("has_rows", asset=key, blocking=True, description="The table has a row, where it must.")]
    for check in suite(table).checks:
        is_blocking = check.severity == "blocking"
        specs.append(AssetCheckSpec(check.name, asset=key, blocking=is_blocking, description=check.what_to_do))
    return specs


def check_results(session: RunSession, table: str) -> Iterator[AssetCheckResult]:
    """Run the suite of a table, keep its results for the publication, and give each check its own."""
    if table not in checked_tables():
        return
    from expectations.runner import run_suite

    session.progress(f"check {table}", 0, 1)
    with session.step(f"check of {table}"):
        found = {result.check: result for result in run_suite(session.con, table)}
    session.results.extend(found.values())
    session.progress(f"check {table}", 1, 1)
    for spec in check_specs(table):
        result = found.get(spec.name)
        yield _asset_check(spec, result)


def _asset_check(spec: AssetCheckSpec, result: CheckResult | None) -> AssetCheckResult:
    if result is None:  # the table has no row, and may have none: there was nothing to look at
        return AssetCheckResult(check_name=spec.name, asset_key=spec.asset_key, passed=True, description="no rows")
    return AssetCheckResult(
        check_name=spec.name,
        asset_key=spec.asset_key,
        passed=result.passed,
        severity=AssetCheckSeverity.ERROR if result.severity == "blocking" else AssetCheckSeverity.WARN,
        description=result.observed if result.passed else f"{result.observed}. {result.what_to_do}",
        metadata={"sample": list(result.failed_rows_sample)},
    )


def _table_asset(table: Transformation, place: int, count: int) -> AssetsDefinition:
    @asset(
        key=[table.schema, table.name],
        deps=[AssetKey(up.split(".")) for up in table.upstream],
        group_name=table.schema,
        description=table.grain,
        kinds={"duckdb", "sql"},
        check_specs=check_specs(table.full_name),
        metadata={"dagster/column_schema": column_schema(table.full_name)},
        required_resource_keys={"session"},
        output_required=True,
    )
    def build(context: AssetExecutionContext) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        session: RunSession = context.resources.session
        session.progress("build tables", place, count)
        with session.step(f"build of {table.full_name}"):
            rows = build_table(session.con, table.full_name, session.as_of)
        session.progress("build tables", place + 1, count)
        lineage = {"dagster/column_lineage": column_lineage(table.full_name)}
        yield MaterializeResult(metadata={"dagster/row_count": rows, **lineage})
        yield from check_results(session, table.full_name)

    return build
