"""Data quality: one sentence on top, what the checks found in whose rows, files of them, waivers; nothing of others."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt

import psycopg
import pytest
import streamlit as st

from api.findings import CheckedRun, write_results
from dashboards.passport import Passport
from dashboards.quality.answer import answer
from tests.dashboards.tiles import values_on

ROWS = [
    {"store_code": "S01", "sku": "FR-1001", "unit_cost": "980.00", "quantity": "=1+1"},
    {"store_code": "S03", "sku": "FR-1002", "unit_cost": "980.00", "quantity": "0"},
]
FOUND = {
    "severity": "warning", "owner": "store manager", "state": "failed", "observed": "2 rows",
    "what_to_do": "Correct the quantity at the counter.", "holds_back": "rows", "failed_count": 2, "waived_count": 0,
}  # fmt: skip
PASSED = {**FOUND, "state": "passed", "observed": "no row breaks it", "holds_back": None, "failed_count": 0}
BLOCKING = {**FOUND, "severity": "blocking", "observed": "1 rows", "holds_back": None, "failed_count": 1}


@pytest.fixture
def checked(world):
    """The world with what its run's checks found."""
    with psycopg.connect(world.installation.databases.operational) as connection:
        (run_id,) = connection.execute("SELECT run_id FROM runs").fetchone()
        write_results(
            connection,
            run_id,
            [
                ({**FOUND, "table_name": "raw.sales", "check_name": "quantity_is_not_zero"}, ROWS, "store_code"),
                ({**PASSED, "table_name": "marts.dim_store", "check_name": "key_is_unique"}, [], None),
                ({**BLOCKING, "table_name": "raw.products", "check_name": "sku_is_one"}, [{"sku": "X"}], None),
            ],
        )
    return world


def test_who_sees_all_finds_every_check_the_gravest_first(checked, site) -> None:
    site.sign_in(checked.installation)
    page = site.open_view(checked.installation, "Data quality")
    assert not page.exception
    table = page.dataframe[0].value
    assert list(table["says"]) == ["Stops publishing", "Warns"]
    assert values_on(page) == {
        "Stop publishing": "1", "Warn": "1", "Tell": "0", "Waived": "0", "Passed": "1",
    }  # fmt: skip


def test_a_check_in_the_address_is_picked_with_its_rows(checked, site) -> None:
    site.sign_in(checked.installation)
    page = site.open_view(checked.installation, "Data quality", check="raw.sales:quantity_is_not_zero")
    words = site.words(page)
    assert "Correct the quantity at the counter." in words
    assert "left out of every figure" in words
    assert set(page.dataframe[1].value["store_code"]) == {"S01", "S03"}
    assert "unit_cost" in page.dataframe[1].value.columns


def test_a_store_sees_its_own_rows_without_costs_in_page_and_file(checked, site, monkeypatch) -> None:
    monkeypatch.setattr(st, "secrets", {"databases": dataclasses.asdict(checked.installation.databases)})
    site.sign_in(checked.installation, "manager", ("S01",))
    page = site.open_view(checked.installation, "Data quality")
    assert list(page.dataframe[0].value["check"]) == ["quantity is not zero"]
    assert list(page.dataframe[0].value["rows"]) == [1]
    rows = page.dataframe[1].value
    assert set(rows["store_code"]) == {"S01"}
    assert "unit_cost" not in rows.columns
    assert "S03" not in site.words(page)
    files = page.session_state["files"]
    assert sorted(name.rpartition(".")[2] for name in files) == ["csv", "xlsx"]
    content = next(take for name, take in files.items() if name.endswith(".csv"))()
    (line,) = csv.DictReader(content.decode("utf-8-sig").splitlines())
    assert line["store_code"] == "S01"
    assert line["quantity"].startswith("'=")
    assert "unit_cost" not in line


def test_filters_and_an_empty_choice(checked, site) -> None:
    site.sign_in(checked.installation)
    page = site.open_view(checked.installation, "Data quality", state="passed")
    assert list(page.dataframe[0].value["check"]) == ["key is unique"]
    page = site.open_view(checked.installation, "Data quality", layer="outputs")
    assert "No check failed here" in site.words(page)


def test_a_blocked_first_run_is_looked_into_before_anything_is_published(installation, site) -> None:
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("INSERT INTO runs (run_id, as_of, state) VALUES ('r', '2026-11-23', 'blocked')")
        found = {**BLOCKING, "table_name": "raw.products", "check_name": "sku_is_one"}
        write_results(connection, "r", [(found, [{"sku": "X"}], None)])
    site.sign_in(installation)
    page = site.open_view(installation, "Data quality")
    assert not page.exception
    assert "Nothing has passed its checks yet" in page.error[0].value
    assert list(page.dataframe[0].value["says"]) == ["Stops publishing"]


def test_waivers_are_listed_with_reason_person_and_end(checked, site, make_user) -> None:
    url = checked.installation.databases.operational
    make_user(url, "ana", ("analyst",))
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO check_waivers (table_name, check_name, store_id, reason, waived_by, waived_on, expires_on) "
            "SELECT 'raw.sales', 'quantity_is_not_zero', s.store_id, 'shut that day', u.user_id, current_date, "
            "current_date + 30 FROM stores s, users u WHERE s.store_code = 'S03' AND u.username = 'ana'"
        )
    site.sign_in(checked.installation)
    page = site.open_view(checked.installation, "Data quality")
    waivers = page.dataframe[-1].value
    assert waivers[["store", "reason", "by", "state"]].values.tolist() == [["S03", "shut that day", "ana", "Holds"]]
    site.sign_in(checked.installation, "manager", ("S01",))
    page = site.open_view(checked.installation, "Data quality")
    assert "shut that day" not in str([frame.value for frame in page.dataframe])


def test_the_answer_is_one_sentence_for_each_case() -> None:
    today = dt.datetime.now(dt.UTC).date()
    passport = Passport(1, 1, "r", today, today, {}, "1", [], dt.datetime.now(dt.UTC), "C", "INR", "UTC", "day")
    yesterday = (today - dt.timedelta(days=1)).isoformat()
    run = CheckedRun("r", today, "published", dt.datetime.now(dt.UTC), None, [])
    held = {"held_back": {"store_days": [{"store": "S03", "day": yesterday, "why": "x"}]}}
    warned = dataclasses.replace(run, results=[{"state": "failed", "severity": "warning", "store_count": 0}])
    assert answer(None, None, None).text.startswith("**No.**")
    assert answer(dataclasses.replace(run, state="blocked"), passport, None).colour == "red"
    assert answer(run, passport, None).text.startswith("**Yes.**")
    assert answer(warned, passport, None).text.startswith("**Yes,** with 1 warning")
    assert answer(warned, passport, frozenset({"S01"})).text.startswith("**Yes.**")
    held_passport = dataclasses.replace(passport, checks=held)
    assert "S03" in answer(run, held_passport, None).text
    assert answer(run, held_passport, frozenset({"S01"})).text.startswith("**Yes.**")
    late = dataclasses.replace(passport, data_as_of=today - dt.timedelta(days=3))
    assert "2 days behind yesterday" in answer(run, late, None).text
