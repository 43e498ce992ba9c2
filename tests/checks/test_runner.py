"""The runner: refuses what would pass whatever the data are, works in place on the lake, leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from expectations.check import Check, RefusedSuite, Suite
from expectations.runner import run_suite
from warehouse.lake import connect, current_snapshot

POSITIVE = Check("marts.x", "q_is_positive", "blocking", "SELECT * FROM batch WHERE q <= 0", "count again")


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("ATTACH ':memory:' AS lake; CREATE SCHEMA lake.marts; CREATE TABLE lake.marts.x (q INTEGER)")
    return opened


def test_an_empty_suite_is_refused() -> None:
    with pytest.raises(RefusedSuite, match=r"marts\.x has no check"):
        Suite("marts.x", ())


def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(RefusedSuite, match="q_is_positive"):
        Suite("marts.x", (POSITIVE, POSITIVE))


def test_an_empty_table_blocks(con: duckdb.DuckDBPyConnection) -> None:
    (result,) = run_suite(con, "marts.x", Suite("marts.x", (POSITIVE,)))
    assert (result.check, result.is_blocking) == ("has_rows", True)


def test_an_empty_table_that_may_be_empty_says_why(con: duckdb.DuckDBPyConnection) -> None:
    (result,) = run_suite(con, "marts.x", Suite("marts.x", (POSITIVE,), empty_when="The chain has no x."))
    assert (result.passed, result.observed) == (True, "The chain has no x.")


def test_a_check_that_cannot_be_evaluated_fails(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO lake.marts.x VALUES (1)")
    unknown = Check("marts.x", "unknown", "blocking", "SELECT * FROM batch WHERE nothing = 1", "")
    result = run_suite(con, "marts.x", Suite("marts.x", (unknown,)))[1]
    assert result.is_blocking
    assert "could not be evaluated" in result.observed


def test_a_sample_has_at_most_five_rows(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO lake.marts.x SELECT -i FROM range(1, 100) AS t (i)")
    result = run_suite(con, "marts.x", Suite("marts.x", (POSITIVE,)))[1]
    assert result.observed == "99 rows"
    assert len(result.failed_rows_sample) == 5


def test_the_lake_is_checked_in_place(installation) -> None:
    con = connect(installation.databases, installation.settings)
    con.execute("CREATE TABLE lake.marts.x AS SELECT i::INTEGER AS q FROM range(1, 1000) AS t (i)")
    before = current_snapshot(con)
    result = run_suite(con, "marts.x", Suite("marts.x", (POSITIVE,)))
    assert [each.passed for each in result] == [True, True]
    assert current_snapshot(con) == before
    con.execute("INSERT INTO lake.marts.x VALUES (0)")
    assert run_suite(con, "marts.x", Suite("marts.x", (POSITIVE,)))[1].failed_rows_sample == ({"q": 0},)
    con.close()
    assert list(Path.cwd().iterdir()) == [installation.home]


def test_suites_are_known_without_great_expectations() -> None:
    probe = (
        "import sys; from expectations.suites import checked_tables, suite; "
        "[suite(table) for table in checked_tables()]; print('great_expectations' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
