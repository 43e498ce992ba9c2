"""The API on a published installation: pages of suggestions, passport, readiness, figures, the shape of errors."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.database import create_engine
from api.publications import publish, rollback
from api.schema.planning import Run
from api.services.suggestion_pages import Cursor
from api.suggestions import write_suggestions
from ims.postgres import Databases

AS_OF = dt.date(2026, 11, 23)
LINES = 23


def publish_lines(url: str, lines: int, snapshot_id: int, as_of: dt.date = AS_OF) -> int:
    """A publication with so many suggested lines, two of them of each amount at stake."""
    plan = [
        {
            "store_code": f"S{number % 3}",
            "sku": f"SKU{number:03}",
            "vendor_code": None,
            "on_hand": 0,
            "on_order": 1,
            "suggested_qty": number + 1,
            "order_by": as_of,
            "arrives_on": as_of + dt.timedelta(days=7),
            "covers_until": as_of + dt.timedelta(days=14),
            "expected_demand": 3.5,
            "demand_p50": 3.0,
            "demand_p90": 6.0,
            "reason": "PROJECTED_STOCKOUT",
            "priority": Decimal(number // 2) + Decimal("0.10"),
            "receipt": {"shortage_cost_per_unit": 12.5},
        }
        for number in range(lines)
    ]
    engine = create_engine(url)
    with engine.begin() as connection:
        for number in range(lines):
            connection.exec_driver_sql(
                "INSERT INTO products (sku, name, category) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (f"SKU{number:03}", f"Product {number}", "Frames" if number % 2 else "Solutions"),
            )
        for store in range(3):
            connection.exec_driver_sql(
                "INSERT INTO stores (store_code, name) VALUES (%s, %s) ON CONFLICT DO NOTHING", (f"S{store}", "Store")
            )
        run_id = f"run-{snapshot_id}"
        connection.execute(Run.__table__.insert().values(run_id=run_id, as_of=as_of, state="published"))
        publication = publish(
            connection,
            run_id=run_id,
            snapshot_id=snapshot_id,
            as_of=as_of,
            data_as_of=as_of,
            fingerprint="f",
            checks={"passed": 3},
            metric_version="1",
            notes=[],
            moved_by="test",
        )
        write_suggestions(connection, plan, publication, as_of)
    engine.dispose()
    return publication


@pytest.fixture
def add_user(make_user) -> Callable[..., dict[str, str]]:
    """`add_user(url, "admin")`: a signed-in user of that role; the headers to ask with."""

    def add(url: str, role: str, **given: object) -> dict[str, str]:
        return {"authorization": f"Bearer {make_user(url, role, (role,), **given)}"}

    return add


@pytest.fixture
def url(installation) -> str:
    return installation.databases.operational


@pytest.fixture
def client(installation, url: str, add_user) -> Iterator[TestClient]:
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as client:
        client.headers.update(add_user(url, "admin"))
        yield client


def read_all(client: TestClient, **parameters: object) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    cursor = None
    for _ in range(100):
        answer = client.get("/api/v1/suggestions", params={**parameters, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json().get("next_cursor")
        if cursor is None:
            return items
    raise AssertionError("the pages do not end")


def test_pages_give_every_line_once_the_dearest_first(client: TestClient, url: str) -> None:
    publish_lines(url, LINES, 5)
    whole = read_all(client, limit=500)
    assert len(whole) == LINES
    assert [item["priority"] for item in whole] == sorted(
        (item["priority"] for item in whole), key=Decimal, reverse=True
    )
    for limit in (1, 2, 3, 7, LINES):
        assert read_all(client, limit=limit) == whole
    assert {item["store_code"] for item in read_all(client, store=["S0", "S2"])} == {"S0", "S2"}
    frames = read_all(client, category="Frames", limit=4)
    assert {item["category"] for item in frames} == {"Frames"}
    assert len(frames) == LINES // 2
    assert read_all(client, state="approved") == []
    assert read_all(client, store="nowhere") == []


def test_the_answer_is_sparse_stable_and_money_is_text(client: TestClient, url: str) -> None:
    publish_lines(url, 1, 5)
    item = read_all(client)[0]
    assert item["priority"] == "0.10"
    assert item["expected_demand"] == 3.5
    assert item["expires_on"] == "2026-11-30"
    assert not {"decided_by", "receipt", "vendor_code", "approved_qty"} & set(item)
    assert not [key for key, value in item.items() if value is None]
    one = client.get(f"/api/v1/suggestions/{item['suggestion_id']}").json()
    assert one == {**item, "receipt": {"shortage_cost_per_unit": 12.5}}
    first, second = (client.get("/api/v1/suggestions").content for _ in range(2))
    assert first == second


def test_a_cursor_of_another_publication_starts_over(client: TestClient, url: str) -> None:
    publish_lines(url, 5, 5)
    cursor = client.get("/api/v1/suggestions", params={"limit": 2}).json()["next_cursor"]
    publish_lines(url, 5, 6)
    answer = client.get("/api/v1/suggestions", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:ims:problem:publication-moved")
    rollback(url, 5, "test")
    assert client.get("/api/v1/suggestions", params={"cursor": cursor}).status_code == 200
    assert client.get("/api/v1/publication").json()["snapshot_id"] == 5


def test_every_refusal_is_a_problem(client: TestClient, url: str) -> None:
    refusals = {
        "/api/v1/suggestions": 404,
        "/api/v1/publication": 404,
        "/api/v1/suggestions?limit=0": 422,
        "/api/v1/suggestions?state=unheard": 422,
        "/api/v1/suggestions?cursor=not-one": 422,
        f"/api/v1/suggestions?cursor={Cursor(2**70, Decimal(1), 1).encode()}": 422,
        f"/api/v1/suggestions?cursor={Cursor(1, Decimal('NaN'), 1).encode()}": 422,
        "/api/v1/suggestions/77": 404,
        "/api/v1/suggestions/x": 422,
        f"/api/v1/suggestions/{2**70}": 422,
        "/api/v1/unheard": 404,
    }
    for path, status in refusals.items():
        answer = client.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json", path
        assert {"type", "title", "status", "detail"} <= set(answer.json()), path
    assert client.post("/api/v1/suggestions").json()["status"] in {404, 405}


def test_scope_and_cost_follow_the_role(client: TestClient, url: str, add_user) -> None:
    publish_lines(url, 4, 5)
    identity = read_all(client)[0]["suggestion_id"]
    manager = add_user(url, "manager")
    assert client.get("/api/v1/suggestions", headers=manager).json()["items"] == []
    refused = client.get("/api/v1/suggestions", params={"store": "S1"}, headers=manager)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ims:problem:store-out-of-scope")
    assert client.get(f"/api/v1/suggestions/{identity}", headers=manager).status_code == 403
    manager = add_user(url, "manager", stores=("S1",))
    assert {item["store_code"] for item in client.get("/api/v1/suggestions", headers=manager).json()["items"]} == {"S1"}
    analyst = add_user(url, "analyst")
    assert "receipt" not in client.get(f"/api/v1/suggestions/{identity}", headers=analyst).json()


def test_ready_says_what_is_missing_and_then_that_nothing_is(client: TestClient, url: str) -> None:
    before = client.get("/ready")
    assert (before.status_code, before.json()["status"]) == (503, "not ready")
    assert any("Nothing is published" in reason for reason in before.json()["reasons"])
    publish_lines(url, 1, 5)
    assert client.get("/ready").json() == {"status": "ready", "reasons": [], "snapshot_id": 5}
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    behind = client.get("/ready")
    assert behind.status_code == 503
    assert "migration 0001" in behind.json()["reasons"][0]


def test_metrics_name_what_is_published_and_count_requests(client: TestClient, url: str) -> None:
    assert "ims_published_snapshot_id 0.0" in client.get("/metrics").text
    publish_lines(url, 1, 5)
    client.get("/api/v1/suggestions/77")
    text = client.get("/metrics").text
    assert "ims_published_snapshot_id 5.0" in text
    assert "ims_published_data_age_days" in text
    assert "ims_build_info{" in text
    assert 'ims_http_requests_total{method="GET",route="/api/v1/suggestions/{suggestion_id}",status="404"} 1.0' in text


def test_without_its_database_the_process_lives_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.connections.WAIT_SECONDS", 0.3)
    nowhere = "postgresql://nobody@127.0.0.1:9/ims?connect_timeout=1"
    with TestClient(create_app(Databases(nowhere, nowhere, nowhere)), base_url="http://ims.test") as client:
        assert client.get("/health").status_code == 200
        ready = client.get("/ready")
        assert (ready.status_code, len(ready.json()["reasons"])) == (503, 3)
        assert "ims_database_up 0.0" in client.get("/metrics").text
        answer = client.get("/api/v1/publication", headers={"authorization": "Bearer x"})
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:ims:problem:database-unavailable")
        assert answer.headers["retry-after"] == "5"
        client.cookies.set("ims_session", "x")
        page = client.get("/reorder", headers={"accept": "text/html"})
        assert page.status_code == 503
        assert "cannot reach its PostgreSQL" in page.text
        assert client.post("/sign-in", data={"username": "a", "password": "b"}).status_code == 503


def test_a_pool_finds_a_database_that_dropped_its_connections(client: TestClient, url: str) -> None:
    publish_lines(url, 1, 5)
    assert client.get("/api/v1/publication").status_code == 200
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        ours = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ims-web'"
        )
        while connection.execute(ours).fetchone()[0]:
            time.sleep(0.01)  # they end a moment after they were told to
    assert client.get("/api/v1/publication").status_code == 200
