"""Groups staging and marts: one asset per SQL file, its dependencies and columns read out of the SQL.

A table with a suite carries its checks: a blocking one that fails keeps everything downstream from running.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections.abc import Iterator, Sequence

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

SHAPE = "matches_its_contract"


def table_assets() -> list[AssetsDefinition]:
    """One asset per transformation, in build order."""
    return [_table_asset(each, place, len(tables())) for place, each in enumerate(tables())]


def check_specs(table: str) -> list[AssetCheckSpec]:
    """The checks of `schema.table` as Dagster shows them: what follows from the contract is one, each rule is one."""
    if table not in checked_tables():
        return []
    key = AssetKey(table.split("."))
    shape = "Rows where it must have some; columns, types, key and not-null as its contract states them."
    specs = [AssetCheckSpec(SHAPE, asset=key, blocking=True, description=shape)]
    for check in suite(table).checks:
        if not check.is_derived:
            is_blocking = check.severity == "blocking"
            specs.append(AssetCheckSpec(check.name, asset=key, blocking=is_blocking, description=check.what_to_do))
    return specs


def check_results(session: RunSession, table: str) -> Iterator[AssetCheckResult]:
    """Run the suite of a table, keep its results for the publication, and give each Dagster check its own."""
    if table not in checked_tables():
        return
    from expectations.runner import run_suite

    with session.step(f"check of {table}"):
        found = {result.check: result for result in run_suite(session.con, table)}
    session.results.extend(found.values())
    session.progress("check", len({result.table for result in session.results}), len(checked_tables()))
    rules = {spec.name for spec in check_specs(table)}
    for spec in check_specs(table):
        if spec.name == SHAPE:
            yield _asset_check(spec, [result for name, result in found.items() if name not in rules])
        else:  # a table without a row, where that may be, has nothing that a rule could look at
            yield _asset_check(spec, [found[spec.name]] if spec.name in found else [])


def _asset_check(spec: AssetCheckSpec, results: Sequence[CheckResult]) -> AssetCheckResult:
    failed = [result for result in results if not result.passed]
    is_warning = all(result.severity == "warning" for result in results)
    return AssetCheckResult(
        check_name=spec.name,
        asset_key=spec.asset_key,
        passed=not failed,
        severity=AssetCheckSeverity.WARN if is_warning else AssetCheckSeverity.ERROR,
        description="; ".join(f"{result.check}: {result.observed}. {result.what_to_do}" for result in failed) or None,
        metadata={"samples": {result.check: list(result.failed_rows_sample) for result in failed}},
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
            built = build_table(session.con, table.full_name, session.as_of)
        session.progress("build tables", place + 1, count)
        lineage = {"dagster/column_lineage": column_lineage(table.full_name)}
        yield MaterializeResult(metadata={"dagster/row_count": built.rows, "built": built.way, **lineage})
        yield from check_results(session, table.full_name)

    return build
