"""`/checks`: what the newest run found, whose rows broke it, and waivers with their limits and their trail."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.findings import write_results

Ask = Callable[..., Any]
TODAY = dt.datetime.now(dt.UTC).date()
WAIVER = {"table_name": "staging.sales", "check_name": "quantity_is_not_zero", "reason": "known"}


@pytest.fixture
def ask(installation, make_user) -> Iterator[Ask]:
    """`ask(role, method, path, body)` of a chain whose newest run failed a check in two stores, and passed another."""
    url = installation.databases.operational
    with psycopg.connect(url) as connection:
        for code in ("S1", "S2"):
            connection.execute("INSERT INTO stores (store_code, name) VALUES (%s, %s)", (code, code))
        connection.execute(
            "INSERT INTO runs (run_id, as_of, state, started_at) VALUES"
            " ('old', '2024-04-14', 'published', now() - interval '1 day'), ('new', '2024-04-15', 'blocked', now())"
        )
        said = {"severity": "blocking", "owner": "store manager", "what_to_do": "Correct it.", "holds_back": None}
        failed = {**said, "table_name": "staging.sales", "check_name": "quantity_is_not_zero", "state": "failed"}
        passed = {**said, "table_name": "marts.dim_store", "check_name": "key_is_unique", "state": "passed"}
        none = {"observed": "no row breaks it", "failed_count": 0, "waived_count": 0}
        two = {"observed": "2 rows", "failed_count": 2, "waived_count": 0}
        rows = [{"store_code": "S1", "sku": "A", "unit_cost": 4}, {"store_code": "S2", "sku": "B", "unit_cost": 5}]
        write_results(connection, "old", [({**passed, **none}, [], None)])
        write_results(connection, "new", [({**failed, **two}, rows, "store_code"), ({**passed, **none}, [], None)])
    tokens = {role: make_user(url, role, (role,)) for role in ("analyst", "buyer", "superadmin", "staff")}
    tokens |= {
        "manager": make_user(url, "manager", ("manager",), ("S1",)),
        "idle": make_user(url, "idle", ("manager",)),
    }
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as client:

        def send(role: str, method: str, path: str, body: Any = None) -> Any:
            headers = {"authorization": f"Bearer {tokens[role]}", "idempotency-key": uuid.uuid4().hex}
            return client.request(method, f"/api/v1/checks{path}", json=body, headers=headers)

        yield send


def test_the_newest_runs_checks_and_the_rows_that_broke_them(ask: Ask) -> None:
    found = ask("buyer", "GET", "").json()["items"]
    assert [(each["run_id"], each["check_name"], each["state"]) for each in found] == [
        ("new", "key_is_unique", "passed"), ("new", "quantity_is_not_zero", "failed"),
    ]  # fmt: skip
    (failed,) = ask("buyer", "GET", "?state=failed").json()["items"]
    rows = ask("buyer", "GET", f"/{failed['check_result_id']}/failures").json()["items"]
    assert [(each["store_code"], each["row"]["sku"]) for each in rows] == [("S2", "B"), ("S1", "A")]
    mine = ask("buyer", "GET", f"/{failed['check_result_id']}/failures?store_id={rows[1]['store_id']}").json()["items"]
    assert [each["row"]["sku"] for each in mine] == ["A"]
    assert ask("buyer", "GET", "/999").status_code == 404
    assert ask("buyer", "GET", "/999/failures").status_code == 404


def test_a_store_manager_takes_home_the_rows_of_the_store_and_no_others(ask: Ask) -> None:
    (failed,) = ask("manager", "GET", "").json()["items"]
    assert (failed["check_name"], failed["observed"], failed["failed_count"]) == ("quantity_is_not_zero", "1 rows", 1)
    path = f"/{failed['check_result_id']}/failures"
    (mine,) = ask("manager", "GET", path).json()["items"]
    assert (mine["store_code"], mine["row"]) == ("S1", {"store_code": "S1", "sku": "A"}), "and no cost"
    (other,) = [each for each in ask("buyer", "GET", path).json()["items"] if each["store_code"] == "S2"]
    assert other["row"]["unit_cost"] == 5
    assert ask("manager", "GET", f"{path}?store_id={other['store_id']}").status_code == 403
    (passed,) = ask("buyer", "GET", "?state=passed").json()["items"]
    assert ask("manager", "GET", f"/{passed['check_result_id']}").status_code == 404
    assert ask("idle", "GET", "").json()["items"] == []
    assert ask("staff", "GET", "").status_code == 403


def test_a_waiver_is_given_by_who_may_for_ninety_days_at_most(ask: Ask) -> None:
    soon = (TODAY + dt.timedelta(days=80)).isoformat()
    assert ask("buyer", "POST", "/waivers", {**WAIVER, "expires_on": soon}).status_code == 403
    for wrong, code in (
        ({"expires_on": (TODAY + dt.timedelta(days=95)).isoformat()}, "waiver-too-long"),
        ({"expires_on": (TODAY - dt.timedelta(days=2)).isoformat()}, "waiver-too-long"),
        ({"expires_on": soon, "check_name": "unheard_of"}, "unknown-check"),
    ):
        refused = ask("analyst", "POST", "/waivers", {**WAIVER, **wrong})
        assert (refused.status_code, refused.json()["type"]) == (422, f"urn:ims:problem:{code}")
    given = ask("analyst", "POST", "/waivers", {**WAIVER, "expires_on": soon})
    assert given.status_code == 201
    number = given.json()["check_waiver_id"]
    assert [each["check_waiver_id"] for each in ask("buyer", "GET", "/waivers?is_active=true").json()["items"]] == [
        number
    ]
    assert ask("analyst", "POST", f"/waivers/{number}/revoke").json()["revoked_at"]
    assert ask("analyst", "POST", f"/waivers/{number}/revoke").status_code == 409
    assert ask("buyer", "GET", "/waivers?is_active=true").json()["items"] == []
    assert ask("buyer", "GET", f"/waivers/{number}").json()["reason"] == "known"
