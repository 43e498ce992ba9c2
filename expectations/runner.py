"""Runs a suite with Great Expectations, in place: over a DuckDB connection, without copying a row.

Keeps no file and calls no network. Imported late: Great Expectations takes seconds to import.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from expectations.check import Check, CheckResult, RefusedSuite, Suite, Waiver
from expectations.failing import count_failing, read_failing, waived
from expectations.suites import suite as suite_of

if TYPE_CHECKING:
    import duckdb

COUNT_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def run_suite(
    con: duckdb.DuckDBPyConnection, table: str, suite: Suite | None = None, waivers: Sequence[Waiver] = ()
) -> list[CheckResult]:
    """The results of every check of `schema.table` in the lake, in the suite's order, each with the rows that break it.

    A table without a row fails `has_rows`, which blocks, or passes it with the reason where a chain may lack it; the
    other checks are then not run, as they would pass whatever they say. Raises RefusedSuite for an empty suite.
    """
    chosen = suite or suite_of(table)
    if not chosen.checks:
        raise RefusedSuite(f"the suite of {table} has no check")
    rows = _count(con, f"lake.{table}")
    has_rows = CheckResult(
        table,
        "has_rows",
        "blocking",
        rows > 0 or chosen.empty_when is not None,
        f"{rows} rows" if rows or chosen.empty_when is None else chosen.empty_when,
        (),
        "A table that must have rows has none: look at the import and the extract before it.",
    )
    if rows == 0:
        return [has_rows]
    return [has_rows, *_validate(con, chosen, waivers)]


def _validate(con: duckdb.DuckDBPyConnection, chosen: Suite, waivers: Sequence[Waiver]) -> list[CheckResult]:
    import great_expectations as gx

    batch = _batch(con, chosen.table)
    suite = gx.ExpectationSuite(name=chosen.table)
    for check in chosen.checks:
        kind = getattr(gx.expectations, check.expectation)
        arguments = check.arguments or {"unexpected_rows_query": check.failing_of("{batch}")}
        suite.add_expectation(kind(**arguments, meta={"check": check.name}))
    found = {
        result.expectation_config.meta["check"]: result
        for result in batch.validate(suite, result_format=COUNT_ONLY).results
    }
    return [_read(con, check, found[check.name], waivers) for check in chosen.checks]


def _read(con: duckdb.DuckDBPyConnection, check: Check, found: Any, waivers: Sequence[Waiver]) -> CheckResult:
    result = CheckResult(
        check.table,
        check.name,
        check.severity,
        bool(found.success),
        "no row breaks it",
        (),
        check.what_to_do,
        check.owner,
        holds_back=check.holds_back,
    )
    if found.success:
        return result
    if found.exception_info and "exception_message" not in found.exception_info:
        first = next(iter(found.exception_info.values()))
        observed = "could not be evaluated: " + " ".join(str(first["exception_message"]).split())[:300]
        return replace(result, observed=observed)
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


def _batch(con: duckdb.DuckDBPyConnection, table: str) -> Any:
    from sqlalchemy.pool import StaticPool

    from expectations.connection import BorrowedConnection

    source = _context().data_sources.add_or_update_sql(
        "lake",
        connection_string="duckdb:///:memory:",
        create_temp_table=False,
        kwargs={"creator": lambda: BorrowedConnection(con), "poolclass": StaticPool},
    )
    # a query, not a table: a cursor does not inherit USE, so the name is given in full
    asset = source.add_query_asset(table, query=f"SELECT * FROM lake.{table}")
    return asset.add_batch_definition_whole_table("whole").get_batch()


@lru_cache(maxsize=1)
def _context() -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    config = DataContextConfig(
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
        store_backend_defaults=InMemoryStoreBackendDefaults(),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.cursor().execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None, "a count has a row"
    return int(row[0])
