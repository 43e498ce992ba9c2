"""Runs a suite: its checks are measured in place, over a DuckDB connection; Great Expectations judges what was found.

Great Expectations' own execution asks the lake three times for each check, and reads the columns of each table anew
before: it is given the metrics its expectations ask for, from one scan. Imported late: the import takes seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from expectations.check import Check, CheckResult, RefusedSuite, Suite, Waiver
from expectations.failing import count_failing, read_failing, waived
from expectations.measuring import Measured, measure
from expectations.suites import suite as suite_of

if TYPE_CHECKING:
    import duckdb

COUNT_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def run_suite(
    con: duckdb.DuckDBPyConnection, table: str, suite: Suite | None = None, waivers: Sequence[Waiver] = ()
) -> list[CheckResult]:
    """The results of every check of `schema.table` in the lake, in the suite's order, each with the rows that break it.

    A table without a row fails `has_rows`, which blocks, or passes it with the reason where a chain may lack it; the
    other checks are then not run, as they would pass whatever they say. Raises RefusedSuite for an empty suite,
    LakeUnavailable when PostgreSQL is gone.
    """
    chosen = suite or suite_of(table)
    if not chosen.checks:
        raise RefusedSuite(f"the suite of {table} has no check")
    found = measure(con, table, chosen.checks)
    has_rows = CheckResult(
        table,
        "has_rows",
        "blocking",
        found.rows > 0 or chosen.empty_when is not None,
        f"{found.rows} rows" if found.rows or chosen.empty_when is None else chosen.empty_when,
        (),
        "A table that must have rows has none: look at the import and the extract before it.",
    )
    if found.rows == 0:
        return [has_rows]
    return [has_rows, *(_judge(con, check, found, waivers) for check in chosen.checks)]


def _judge(con: duckdb.DuckDBPyConnection, check: Check, found: Measured, waivers: Sequence[Waiver]) -> CheckResult:
    result = CheckResult(
        check.table,
        check.name,
        check.severity,
        False,
        "no row breaks it",
        (),
        check.what_to_do,
        check.owner,
        holds_back=check.holds_back,
    )
    if check.name in found.errors:
        observed = "could not be evaluated: " + " ".join(found.errors[check.name].split())[:300]
        return replace(result, observed=observed)
    if _is_met(check, found):
        return replace(result, passed=True)
    counts = count_failing(con, check)
    total = sum(counts.values())
    waived_count, by = waived(check, counts, waivers)
    return replace(
        result,
        observed=f"{total} rows" + (f", {waived_count} of them waived" if waived_count else ""),
        failed_rows=read_failing(con, check),
        failed_count=total,
        waived_count=waived_count,
        waivers=by,
        store=None if set(counts) == {None} else check.store,
    )


def _is_met(check: Check, found: Measured) -> bool:
    """What Great Expectations says of the metrics."""
    expectation = _expectation(check)
    wanted = expectation.get_validation_dependencies(runtime_configuration={"result_format": COUNT_ONLY})
    metrics = {metric.id: _metric(name, check, found) for name, metric in wanted.metric_configurations.items()}
    judged = expectation.metrics_validate(metrics, runtime_configuration={"result_format": COUNT_ONLY})
    return bool(judged.success)


def _metric(name: str, check: Check, found: Measured) -> Any:
    if name == "table.row_count":
        return found.rows
    if name == "column_values.nonnull.unexpected_count":
        return found.missing[check.name]
    if name.endswith(("unexpected_values", "unexpected_rows_query.table")):
        return []  # the rows themselves are read once it is known that there are any
    assert name.endswith((".unexpected_count", ".row_count")), f"{check.expectation} asks for {name}"
    return found.broken[check.name]


def _expectation(check: Check) -> Any:
    kinds = _expectations()
    # with {batch} it is the whole query, as Great Expectations would run it itself
    arguments = check.arguments or {"unexpected_rows_query": check.failing_of("{batch}")}
    return getattr(kinds, check.expectation)(**arguments, meta={"check": check.name})


@cache
def _expectations() -> Any:
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    return gx.expectations
