"""Every rule passes on a sound lake and fails on one that breaks it; shape checks likewise, one of each kind."""

from __future__ import annotations

import duckdb
import pytest

from expectations.rules import read_rules
from expectations.runner import run_suite
from expectations.suites import checked_tables

SHAPES = {
    "columns_match_the_contract": "ALTER TABLE lake.marts.fct_demand_weekly ALTER demand_qty TYPE FLOAT",
    "key_is_unique": "INSERT INTO lake.marts.fct_demand_weekly FROM lake.marts.fct_demand_weekly LIMIT 1",
    "required_values_are_given": "UPDATE lake.marts.fct_demand_weekly SET sku = NULL",
    "in_stock_share_is_a_share": "UPDATE lake.marts.fct_demand_weekly SET in_stock_share = 1.01",
}


def test_every_rule_has_a_failing_case(breaks: dict[tuple[str, str], str]) -> None:
    rules = {(table, check.name) for table, (_, checks) in read_rules().items() for check in checks}
    assert rules == set(breaks)


def test_a_sound_lake_passes_every_check(con: duckdb.DuckDBPyConnection) -> None:
    rules = read_rules()
    there = [table for table in checked_tables() if table in rules or _rows(con, table)]
    results = [result for table in there for result in run_suite(con, table)]
    assert [result.title for result in results if not result.passed] == []
    assert len(results) > 80


def test_a_broken_lake_fails_the_rule(
    con: duckdb.DuckDBPyConnection, breaks: dict[tuple[str, str], str], table: str, rule: str
) -> None:
    con.execute(breaks[table, rule].format(table=table))
    found = {result.check: result for result in run_suite(con, table)}
    severity = {check.name: check.severity for check in read_rules()[table][1]}[rule]
    assert (found[rule].passed, found[rule].severity) == (False, severity)
    assert found[rule].observed.endswith(" rows")
    assert found[rule].failed_rows_sample
    assert found[rule].is_blocking == (severity == "blocking")


@pytest.mark.parametrize("check", SHAPES)
def test_a_broken_shape_blocks(con: duckdb.DuckDBPyConnection, check: str) -> None:
    con.execute(SHAPES[check])
    found = {result.check: result for result in run_suite(con, "marts.fct_demand_weekly")}
    assert found[check].is_blocking
    assert found[check].failed_rows_sample


def _rows(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM lake.{table}").fetchall()[0][0])
