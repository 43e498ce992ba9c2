"""Checks as Dagster shows them: the specs of a table's suite, and its results, kept for the publication and for people.

A blocking check that fails keeps everything downstream from running; a waived failure counts as passed.
"""

# no postponed annotations: Dagster reads the types of assets as objects

from collections.abc import Iterator, Sequence

from dagster import AssetCheckResult, AssetCheckSeverity, AssetCheckSpec, AssetKey

from api.findings import forget_old_failures
from expectations.check import CheckResult
from expectations.source import CHECK, TABLE, WHAT_TO_DO, check_source
from expectations.suites import checked_tables, suite
from pipelines.findings import keep_results
from pipelines.session import RunSession

SHAPE = "matches_its_contract"


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


def check_results(session: RunSession, *tables: str) -> Iterator[AssetCheckResult]:
    """Run the suites of tables, keep their results for the publication, and give each Dagster check its own."""
    from expectations.runner import run_suite

    by_table: dict[str, list[CheckResult]] = {}
    before = len({result.table for result in session.results})
    for table in (each for each in tables if each in checked_tables()):
        with session.step(f"check of {table}"):
            by_table[table] = run_suite(session.con, table, waivers=session.waivers)
        session.progress("check", before + len(by_table), len(checked_tables()))
    found = [result for results in by_table.values() for result in results]
    with session.step("keeping what the checks found"):
        keep_results(session.databases.operational, session.run_id, found)
    session.results.extend(result.shortened() for result in found)
    for table, results in by_table.items():
        yield from _asset_checks(table, results)


def _asset_checks(table: str, results: Sequence[CheckResult]) -> Iterator[AssetCheckResult]:
    by_name = {result.check: result for result in results}
    rules = {spec.name for spec in check_specs(table)}
    for spec in check_specs(table):
        if spec.name == SHAPE:
            yield _asset_check(spec, [result for name, result in by_name.items() if name not in rules])
        else:  # a table without a row, where that may be, has nothing that a rule could look at
            yield _asset_check(spec, [by_name[spec.name]] if spec.name in by_name else [])


def source_spec() -> AssetCheckSpec:
    """PostgreSQL against the contracts, before anything is read."""
    return AssetCheckSpec(CHECK, asset=AssetKey(TABLE.split(".")), blocking=True, description=WHAT_TO_DO)


def source_result(session: RunSession) -> AssetCheckResult:
    """Hold PostgreSQL against the contracts: the one check whose failure must come before the extract."""
    import psycopg

    with session.step("check of PostgreSQL"):
        with psycopg.connect(session.databases.operational) as connection:
            found = check_source(connection)
            forget_old_failures(connection)
        keep_results(session.databases.operational, session.run_id, [found])
    session.results.append(found)
    return _asset_check(source_spec(), [found])


def unchanged_results(table: str) -> Iterator[AssetCheckResult]:
    """The checks of a table that was not looked at: nothing has changed since they passed."""
    for spec in [*check_specs(table), *([source_spec()] if table == TABLE else [])]:
        yield AssetCheckResult(
            check_name=spec.name, asset_key=spec.asset_key, passed=True, description="Unchanged since it was published."
        )


def _asset_check(spec: AssetCheckSpec, results: Sequence[CheckResult]) -> AssetCheckResult:
    failed = [result for result in results if result.counts]
    is_warning = all(result.severity != "blocking" for result in results)
    return AssetCheckResult(
        check_name=spec.name,
        asset_key=spec.asset_key,
        passed=not failed,
        severity=AssetCheckSeverity.WARN if is_warning else AssetCheckSeverity.ERROR,
        description="; ".join(f"{result.check}: {result.observed}. {result.what_to_do}" for result in failed) or None,
        metadata={"samples": {result.check: list(result.failed_rows_sample) for result in failed}},
    )
