"""`ims checks`: what a run found, in words, as JSON and as a file, whether or not it published; and waivers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psycopg
import pytest

from api.findings import forget_old_failures, newest_results, write_results
from expectations.check import CheckResult
from ims import cli
from ims.commands.demo import let_pass
from ims.failure import Blocked
from pipelines.findings import keep_results, read_waivers

Ims = Callable[..., tuple[str, int]]
BAD = [
    {"store_code": "S1", "sku": "=cmd|' /C calc'!A0", "quantity": 0},
    {"store_code": "S2", "sku": "B", "quantity": 0},
]
FAILED = CheckResult(
    "staging.sales", "quantity_is_not_zero", "blocking", False, "2 rows", tuple(BAD), "Correct the quantity.",
    "store manager", failed_count=2, store="store_code",
)  # fmt: skip
PASSED = CheckResult("marts.dim_store", "key_is_unique", "blocking", True, "no row breaks it", (), "Report it.")
SOON = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()


@pytest.fixture
def url(installation, make_user) -> str:
    """A blocked run of two stores, and two people."""
    url = installation.databases.operational
    with psycopg.connect(url) as connection:
        for code in ("S1", "S2"):
            connection.execute("INSERT INTO stores (store_code, name) VALUES (%s, %s)", (code, code))
        connection.execute("INSERT INTO runs (run_id, as_of, state) VALUES ('r1', '2024-04-15', 'blocked')")
    keep_results(url, "r1", [FAILED, PASSED])
    make_user(url, "ana", ("analyst",))
    make_user(url, "max", ("manager",), ("S1",))
    return url


@pytest.fixture
def ims(monkeypatch, capsys) -> Ims:
    """Run a command; what it printed, and its exit code."""

    def call(*arguments: str) -> tuple[str, int]:
        monkeypatch.setattr("sys.argv", ["ims", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return printed.out + printed.err, int(ended.value.code or 0)

    return call


def test_a_newcomer_reads_what_failed_why_and_who_mends_it(url, ims):
    said, code = ims("checks")
    assert code == 3
    for words in (
        "nothing was published", "1 passed, 1 stop publishing", "STOPS PUBLISHING", "quantity is not zero",
        "owner: store manager", "to do: Correct the quantity.", "store_code S1",
    ):  # fmt: skip
        assert words in said


def test_a_store_sees_its_own_rows(url, ims):
    said, _ = ims("checks", "--store", "S2")
    assert "1 rows of S2" in said
    assert "S1" not in said
    said, code = ims("checks", "--store", "S9")
    assert (code, "There is no store S9; there are S1, S2." in said) == (2, True)


def test_programs_read_every_check(url, ims):
    said, code = ims("checks", "--json")
    found = json.loads(said.splitlines()[0])
    assert (code, found["state"], [each["state"] for each in found["checks"]]) == (3, "blocked", ["failed", "passed"])


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_failed_rows_are_a_file_in_which_nothing_runs(url, ims, tmp_path: Path, suffix: str):
    out = tmp_path / f"failed{suffix}"
    ims("checks", "--store", "S1", "--export", str(out))
    frame = pl.read_csv(out) if suffix == ".csv" else pl.read_excel(out, engine="openpyxl")
    assert frame.select("table", "check", "store_code").rows() == [("staging.sales", "quantity_is_not_zero", "S1")]
    assert frame["row"][0].startswith("store_code S1, sku ")
    assert ims("checks", "--export", str(tmp_path / "failed.doc"))[1] == 2


def test_before_the_first_run_there_is_nothing_to_say(installation, ims):
    assert ims("checks") == ("No run has checked anything yet. `ims run` builds, checks and publishes.\n", 0)


def test_a_waiver_has_a_reason_a_person_and_an_end(url, ims):
    words = ("checks", "waive", "staging.sales", "quantity_is_not_zero", "--reason", "known", "--store", "S1")
    assert ims(*words, "--until", SOON, "--by", "max")[1] == 2, "a manager may not"
    assert ims(*words, "--until", "2099-01-01", "--by", "ana")[1] == 2, "90 days at most"
    said, code = ims(*words, "--until", SOON, "--by", "ana")
    assert (code, f"may stand in S1 until {SOON}" in said) == (0, True)
    with psycopg.connect(url) as connection:
        (waiver,) = read_waivers(connection)
        noted = connection.execute("SELECT kind, username FROM audit_log WHERE kind LIKE 'check.%'").fetchall()
    assert (waiver.table, waiver.check, waiver.store_code, waiver.waived_by) == (
        "staging.sales", "quantity_is_not_zero", "S1", "ana",
    )  # fmt: skip
    assert noted == [("check.waived", "ana")]
    assert "by ana: known" in ims("checks", "waivers")[0]
    assert ims("checks", "revoke", "1", "--by", "ana")[1] == 0
    assert ims("checks", "revoke", "1", "--by", "ana")[1] == 2
    with psycopg.connect(url) as connection:
        assert read_waivers(connection) == ()
    assert "revoked" in ims("checks", "waivers", "--all")[0]


def test_an_expired_waiver_says_nothing_any_more(url):
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO check_waivers (table_name, check_name, reason, waived_by, waived_on, expires_on)"
            " SELECT 'staging.sales', 'x', 'r', user_id, current_date - 10, current_date - 1 FROM users LIMIT 1"
        )
        assert read_waivers(connection) == ()


def test_a_demo_says_which_of_its_faults_stopped_it_and_waives_them(url, tmp_path: Path, capsys):
    ledger = tmp_path / "defects.csv"
    ledger.write_text("defect,check\nquantity_zero,staging.sales.quantity_is_not_zero\n")
    let_pass(url, ledger)
    said = capsys.readouterr().out
    for words in ("stopped, as it should be", "quantity is not zero (2 rows)", "to do: Correct", str(ledger), SOON):
        assert words in said
    with psycopg.connect(url) as connection:
        (waiver,) = read_waivers(connection)
    assert (waiver.check, waiver.reason, waiver.waived_by) == (
        "quantity_is_not_zero", "a fault that the demo was given", "ana",
    )  # fmt: skip


def test_a_demo_does_not_waive_what_it_did_not_do(url, tmp_path: Path):
    ledger = tmp_path / "defects.csv"
    ledger.write_text("defect,check\nother,staging.sales.another_check\n")
    for told in (ledger, tmp_path / "none.csv"):
        with pytest.raises(Blocked, match="none of its own faults"):
            let_pass(url, told)
    with psycopg.connect(url) as connection:
        assert read_waivers(connection) == ()


def test_rows_are_kept_of_the_newest_runs_alone(url):
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO runs (run_id, as_of, state, started_at) VALUES"
            " ('r2', '2024-04-16', 'published', now() + interval '1 hour')"
        )
        write_results(connection, "r2", [])
        assert forget_old_failures(connection, kept=1) == 2
        found = newest_results(connection)
        assert found is not None
        assert found.run_id == "r1", "r2 checked nothing"
        assert [row["failed_count"] for row in found.results] == [2, 0]
