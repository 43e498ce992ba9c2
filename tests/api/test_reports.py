"""`/reports`: who is sent figures when. One sees and changes one's own; admins all; hostile wishes are refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.app import create_app

Ask = Callable[..., Any]
WEEKLY = {"cadence": "weekly", "weekday": 1}


@pytest.fixture
def url(installation) -> str:
    return str(installation.databases.operational)


@pytest.fixture
def ask(installation, url, make_user) -> Iterator[Ask]:
    """`ask(user, method, path, body)`: two managers of a store each, a buyer and an admin, all with an address."""
    with psycopg.connect(url) as connection:
        for code in ("S1", "S2"):
            connection.execute("INSERT INTO stores (store_code, name) VALUES (%s, %s)", (code, code))
        connection.execute(
            "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)"
            " VALUES ('c', 'INR', 'Asia/Kolkata', current_date, 'line', 'lost')"
        )
    people = {"mira": ("manager", "S1"), "noor": ("manager", "S2"), "bo": ("buyer",), "ada": ("admin",)}
    tokens = {name: make_user(url, name, (role,), stores) for name, (role, *stores) in people.items()}
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET email = username || '@chain.example'")
    tokens["sal"] = make_user(url, "sal", ("staff",), ("S1",))
    tokens["nomail"] = make_user(url, "nomail", ("analyst",))
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as client:

        def send(user: str, method: str, path: str, body: Any = None) -> Any:
            headers = {"authorization": f"Bearer {tokens[user]}", "idempotency-key": uuid.uuid4().hex}
            return client.request(method, f"/api/v1/reports{path}", json=body, headers=headers)

        yield send


def key_of(url: str, table: str, column: str, value: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT {table[:-1]}_id FROM {table} WHERE {column} = %s", (value,)).fetchone()
        return int(row[0])


def code(answer: Any) -> str:
    return answer.json()["type"].rpartition(":")[2]


def test_one_subscribes_changes_and_ends_it_and_the_trail_knows(ask: Ask, url: str) -> None:
    made = ask("mira", "POST", "/schedules", WEEKLY)
    assert made.status_code == 201, made.text
    row = made.json()
    assert (row["username"], row["address"], row["at_hour"], row["form"]) == ("mira", "mira@chain.example", 7, "pdf")
    assert row["next_at"].endswith("T07:00:00+05:30")
    path = f"/schedules/{row['report_schedule_id']}"
    store = key_of(url, "stores", "store_code", "S1")
    changed = ask("mira", "PATCH", path, {"cadence": "monthly", "month_day": 3, "store_ids": [store], "form": "both"})
    assert (changed.json()["cadence"], changed.json()["month_day"], changed.json()["store_codes"]) == (
        "monthly", 3, ["S1"],
    )  # fmt: skip
    assert "weekday" not in changed.json()
    whole = ask("mira", "PATCH", path, {"store_ids": None}).json()
    assert "store_codes" not in whole
    ended = ask("mira", "PATCH", path, {"is_active": False}).json()
    assert (ended["is_active"], "next_at" in ended) == (False, False)
    assert code(ask("mira", "POST", f"{path}/send")) == "not-allowed-now"
    with psycopg.connect(url) as connection:
        kinds = connection.execute("SELECT kind FROM audit_log WHERE kind LIKE 'report.%' ORDER BY at").fetchall()
    assert [kind for (kind,) in kinds] == ["report.subscribed", *["report.changed"] * 3]


def test_one_s_own_and_for_admins_everybody_s(ask: Ask, url: str) -> None:
    keys = {name: ask(name, "POST", "/schedules", WEEKLY).json()["report_schedule_id"] for name in ("mira", "bo")}
    for name, seen in (("mira", ["mira"]), ("bo", ["bo"]), ("noor", []), ("ada", ["bo", "mira"])):
        assert [row["username"] for row in ask(name, "GET", "/schedules").json()["items"]] == seen
    # a buyer sees every store, and no one else's mail
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/send")):
        answer = ask("bo", method, f"/schedules/{keys['mira']}{path}", {} if method == "PATCH" else None)
        assert (answer.status_code, code(answer)) == (403, "not-own-record")
    mira = key_of(url, "users", "username", "mira")
    assert ask("bo", "GET", f"/schedules?user_id={mira}").status_code == 403
    assert ask("bo", "GET", f"/deliveries?report_schedule_id={keys['mira']}").status_code == 403
    assert ask("bo", "POST", "/schedules", {**WEEKLY, "recipient_id": mira}).status_code == 403
    assert ask("ada", "POST", "/schedules", {**WEEKLY, "recipient_id": mira}).json()["username"] == "mira"
    assert ask("ada", "GET", "/schedules/999").status_code == 404
    assert ask("sal", "POST", "/schedules", WEEKLY).status_code == 403
    assert ask("sal", "GET", "/deliveries").status_code == 403


def test_one_is_sent_now_once_at_a_time(ask: Ask, url: str) -> None:
    key = ask("mira", "POST", "/schedules", WEEKLY).json()["report_schedule_id"]
    asked = ask("mira", "POST", f"/schedules/{key}/send")
    assert (asked.status_code, asked.json()["state"], asked.json()["occasion"]) == (201, "wanted", "asked")
    assert code(ask("mira", "POST", f"/schedules/{key}/send")) == "asked-already"
    assert [row["username"] for row in ask("ada", "GET", "/deliveries?state=wanted").json()["items"]] == ["mira"]
    assert ask("noor", "GET", "/deliveries").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"cadence": "weekly"}, 422, "no-day"),
        ({"cadence": "monthly"}, 422, "no-day"),
        ({"cadence": "hourly"}, 422, "invalid-request"),
        ({"cadence": "daily", "at_hour": 24}, 422, "invalid-request"),
        ({"cadence": "weekly", "weekday": 8}, 422, "invalid-request"),
        ({"cadence": "monthly", "month_day": 31}, 422, "invalid-request"),
        ({"cadence": "daily", "form": "docx"}, 422, "invalid-request"),
        ({"cadence": "daily", "store_ids": []}, 422, "invalid-request"),
        ({"cadence": "daily", "store_ids": [999]}, 422, "unknown-store"),
        ({"cadence": "daily", "store_ids": ["1; DROP TABLE users"]}, 422, "invalid-request"),
        ({"cadence": "daily", "address": "else@evil.example"}, 422, "invalid-request"),
    ],
)
def test_what_cannot_be_is_refused(ask: Ask, body: Any, status: int, said: str) -> None:
    answer = ask("mira", "POST", "/schedules", body)
    assert (answer.status_code, code(answer)) == (status, said)


def test_another_s_store_no_address_and_too_many_are_refused(ask: Ask, url: str) -> None:
    other = key_of(url, "stores", "store_code", "S2")
    assert code(ask("mira", "POST", "/schedules", {"cadence": "daily", "store_ids": [other]})) == "store-out-of-scope"
    assert code(ask("nomail", "POST", "/schedules", WEEKLY)) == "no-mail-address"
    assert code(ask("ada", "POST", "/schedules", {**WEEKLY, "recipient_id": 999})) == "unknown-user"
    for _ in range(20):
        assert ask("bo", "POST", "/schedules", {"cadence": "daily"}).status_code == 201
    assert code(ask("bo", "POST", "/schedules", {"cadence": "daily"})) == "too-many"
