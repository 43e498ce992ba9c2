"""`/saved-views`: one's own, and what is shared with one's role; bounded filters; one place to begin at."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.app import create_app

Ask = Callable[..., Any]
VIEW = {"page": "store_month", "name": "Mine", "filters": {"store": "S1", "span": "last_month"}}


@pytest.fixture
def ask(installation, make_user) -> Iterator[Ask]:
    """`ask(user, method, path, body)`: two managers, a buyer, an admin, and staff."""
    url = installation.databases.operational
    people = {"mira": "manager", "noor": "manager", "bo": "buyer", "ada": "admin", "sal": "staff"}
    tokens = {name: make_user(url, name, (role,)) for name, role in people.items()}
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as client:

        def send(user: str, method: str, path: str = "", body: Any = None) -> Any:
            headers = {"authorization": f"Bearer {tokens[user]}", "idempotency-key": uuid.uuid4().hex}
            return client.request(method, f"/api/v1/saved-views{path}", json=body, headers=headers)

        yield send


def code(answer: Any) -> str:
    return answer.json()["type"].rpartition(":")[2]


def names(ask: Ask, user: str, path: str = "") -> list[str]:
    return [view["name"] for view in ask(user, "GET", path).json()["items"]]


def test_one_saves_renames_and_deletes_and_the_trail_knows(ask: Ask, installation) -> None:
    made = ask("mira", "POST", body=VIEW)
    assert made.status_code == 201, made.text
    view = made.json()
    assert (view["filters"], view["is_own"], view["is_default"]) == (VIEW["filters"], True, False)
    assert "shared_role" not in view
    path = f"/{view['saved_view_id']}"
    assert code(ask("mira", "POST", body=VIEW)) == "name-taken"
    ask("mira", "POST", body={**VIEW, "name": "Other"})
    assert code(ask("mira", "PATCH", path, {"name": "Other"})) == "name-taken"
    assert ask("mira", "PATCH", path, {"name": "Ours", "filters": {}}).json()["filters"] == {}
    assert names(ask, "mira") == ["Other", "Ours"]
    assert names(ask, "mira", "?page=sales") == []
    assert ask("mira", "DELETE", path).status_code == 204
    assert ask("mira", "GET", path).status_code == 404
    with psycopg.connect(installation.databases.operational) as connection:
        kinds = connection.execute("SELECT kind FROM audit_log WHERE kind LIKE 'view.%' ORDER BY at").fetchall()
    assert [kind for (kind,) in kinds] == ["view.saved", "view.saved", "view.changed", "view.deleted"]


def test_it_is_shared_with_a_role_and_only_its_owner_changes_it(ask: Ask) -> None:
    path = f"/{ask('mira', 'POST', body=VIEW).json()['saved_view_id']}"
    for name in ("noor", "bo", "ada"):
        assert code(ask(name, "GET", path)) == "not-own-record"
    ask("mira", "PATCH", path, {"shared_role": "manager"})
    assert (names(ask, "noor"), names(ask, "bo")) == (["Mine"], [])
    seen = ask("noor", "GET", path).json()
    assert (seen["username"], seen["is_own"], seen["is_default"]) == ("mira", False, False)
    for method, body in (("PATCH", {"name": "Hers"}), ("DELETE", None)):
        assert code(ask("noor", method, path, body)) == "not-own-record"
    ask("mira", "PATCH", path, {"shared_role": None})
    assert names(ask, "noor") == []
    assert code(ask("mira", "PATCH", path, {"shared_role": "buyer"})) == "not-your-role"
    assert ask("ada", "POST", body={**VIEW, "shared_role": "buyer"}).status_code == 201
    assert names(ask, "bo") == ["Mine"]


def test_one_begins_at_one_view(ask: Ask) -> None:
    first, second = (
        ask("mira", "POST", body={**VIEW, "name": name, "is_default": True}).json()["saved_view_id"]
        for name in ("One", "Two")
    )
    begin = {view["name"]: view["is_default"] for view in ask("mira", "GET").json()["items"]}
    assert begin == {"One": False, "Two": True}
    ask("mira", "PATCH", f"/{first}", {"is_default": True})
    assert ask("mira", "GET", f"/{second}").json()["is_default"] is False


@pytest.mark.parametrize(
    "change",
    [
        {"page": "../admin"},
        {"page": "https://evil.example"},
        {"name": ""},
        {"name": " \n "},
        {"name": "x" * 81},
        {"filters": {"store": ["S1"]}},
        {"filters": {"store": {"$ne": 1}}},
        {"filters": {"<script>": "1"}},
        {"filters": {"store": "S1\x00"}},
        {"filters": {"store": "x" * 201}},
        {"filters": {f"f{number}": "1" for number in range(21)}},
        {"filters": "store=S1"},
        {"shared_role": "everybody"},
        {"user_id": 1},
    ],
)
def test_hostile_views_are_refused(ask: Ask, change: dict[str, Any]) -> None:
    answer = ask("mira", "POST", body={**VIEW, **change})
    assert answer.status_code in {400, 422}, answer.text
    assert names(ask, "mira") == []


def test_a_person_keeps_a_hundred_at_most(ask: Ask, installation) -> None:
    ask("mira", "POST", body=VIEW)
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(
            "INSERT INTO saved_views (user_id, page, name, filters)"
            " SELECT user_id, page, 'n' || i, filters FROM saved_views, generate_series(1, 99) AS i"
        )
    assert code(ask("mira", "POST", body={**VIEW, "name": "One more"})) == "too-many"
