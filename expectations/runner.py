"""Runs a suite with Great Expectations, in place: over a DuckDB connection, without copying a row.

Keeps no file and calls no network. Imported late: Great Expectations takes seconds to import.
"""

from __future__ import annotations

import datetime as dt
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from expectations.check import Check, CheckResult, RefusedSuite, Suite
from expectations.suites import suite as suite_of

if TYPE_CHECKING:
    import duckdb

SAMPLE = 5
COUNT_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def run_suite(con: duckdb.DuckDBPyConnection, table: str, suite: Suite | None = None) -> list[CheckResult]:
    """The results of every check of `schema.table` in the lake, in the suite's order.

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
    return [has_rows, *_validate(con, chosen)]


def _validate(con: duckdb.DuckDBPyConnection, chosen: Suite) -> list[CheckResult]:
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
    return [_read(con, check, found[check.name]) for check in chosen.checks]


def _read(con: duckdb.DuckDBPyConnection, check: Check, found: Any) -> CheckResult:
    sample: tuple[dict[str, Any], ...] = ()
    if found.success:
        observed = "no row breaks it"
    elif found.exception_info and "exception_message" not in found.exception_info:
        first = next(iter(found.exception_info.values()))
        observed = "could not be evaluated: " + " ".join(str(first["exception_message"]).split())[:300]
    else:
        count = found.result.get("unexpected_count", found.result.get("observed_value"))
        observed = f"{count} rows"
        sample = _sample(con, check)
    return CheckResult(check.table, check.name, check.severity, bool(found.success), observed, sample, check.what_to_do)


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


def _sample(con: duckdb.DuckDBPyConnection, check: Check) -> tuple[dict[str, Any], ...]:
    found = con.cursor().execute(f"{check.failing_of(f'lake.{check.table}')} LIMIT {SAMPLE}")
    names = [column[0] for column in found.description]
    return tuple({name: _plain(value) for name, value in zip(names, row, strict=True)} for row in found.fetchall())


def _plain(value: Any) -> Any:
    """What JSON can carry: dates and decimals as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.cursor().execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None, "a count has a row"
    return int(row[0])
