"""What whoever runs IMS relies on: figures, bounds, refusals under load, a configuration that is looked at."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.routes.bodies import Refused, check_json
from ims.failure import WrongInput
from ims.settings import get_settings
from ims.web import CannotServe, check_pool, check_workers

Make = Callable[..., TestClient]
Figures = Callable[[TestClient], dict[str, float]]


def code_of(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:ims:problem:")


def test_figures_of_requests_pool_sessions_and_business(make: Make, figures: Figures) -> None:
    client = make()
    before = figures(client)
    assert client.get("/api/v1/stores").status_code == 200
    assert (
        client.post(
            "/api/v1/stores", json={"store_code": "S1", "name": "x"}, headers={"idempotency-key": "k" * 8}
        ).status_code
        == 201
    )
    assert client.get("/api/v1/stores/777").status_code == 404
    after = figures(client)

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grown("ims_http_requests_total{method=GET,route=/api/v1/stores,status=200}") == 1
    assert grown("ims_http_request_seconds_count{method=POST,route=/api/v1/stores}") == 1
    assert grown("ims_events_total{kind=store.opened}") + grown("ims_events_total{kind=store.created}") == 1
    assert grown("ims_refusals_total{code=unknown-store}") == 1
    assert (
        grown("ims_sessions_resolved_total{source=database}") + grown("ims_sessions_resolved_total{source=memory}") == 3
    )
    assert grown("ims_pool_requests_total") >= 3
    assert after["ims_http_in_flight"] == 1, "the scrape itself"
    assert after["ims_pool_max"] == 10
    assert {"ims_pool_size", "ims_pool_available", "ims_pool_waiting", "ims_event_loop_lag_seconds_count"} <= set(after)
    assert after["ims_outbox_messages{state=pending}"] == after["ims_outbox_messages{state=dead}"] == 0
    assert after["process_resident_memory_bytes"] > 0
    assert not [name for name in after if "777" in name]


def test_figures_of_the_newest_run_and_what_a_published_one_told(make: Make, figures: Figures, url: str) -> None:
    client = make()
    assert not [name for name in figures(client) if name.startswith("ims_run_state")], "no run has ended yet"
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO runs (run_id, as_of, state, started_at, finished_at, figures) VALUES"
            " ('a', '2026-01-01', 'published', now() - interval '3 h', now() - interval '2 h', %s),"
            " ('b', '2026-01-01', 'blocked', now() - interval '90 s', now() - interval '60 s', '{}'),"
            " ('c', '2026-01-01', 'running', now(), NULL, '{}')",
            ['{"lake_bytes": 5000000000, "forecast_pairs": 7, "forecast_alerts": {"BIAS": 2, "DRIFT": 0}}'],
        )
        connection.execute(
            "INSERT INTO check_results (run_id, table_name, check_name, severity, owner, state, observed, what_to_do,"
            " failed_count, waived_count) SELECT 'b', 'raw.sales', 'c' || n, severity, 'buyer', state, '', '', 1, 0"
            " FROM (VALUES (1, 'blocking', 'failed'), (2, 'warning', 'passed'), (3, 'info', 'failed'))"
            " AS v (n, severity, state)"
        )
    found = figures(client)
    assert 60 <= found["ims_run_age_seconds"] < 90
    assert found["ims_run_seconds"] == 30
    states = {state: found[f"ims_run_state{{state={state}}}"] for state in ("published", "blocked", "failed")}
    assert states == {"published": 0, "blocked": 1, "failed": 0}
    failed = {each: found[f"ims_checks_failed{{severity={each}}}"] for each in ("blocking", "warning", "info")}
    assert failed == {"blocking": 1, "warning": 0, "info": 1}
    assert (found["ims_lake_bytes"], found["ims_forecast_pairs"]) == (5e9, 7)
    assert (found["ims_forecast_alerts{alert=BIAS}"], found["ims_forecast_alerts{alert=DRIFT}"]) == (2, 0)
    assert found["ims_home_free_bytes"] > 0


def test_metrics_can_ask_for_a_token(make: Make) -> None:
    client = make(IMS_METRICS_TOKEN="scraper-scraper-scraper")  # noqa: S106
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "scraper-scraper-scraper"}):
        client.headers.pop("authorization", None)
        assert code_of(client.get("/metrics", headers=headers)) == (401, "metrics-token-required")
    allowed = client.get("/metrics", headers={"authorization": "Bearer scraper-scraper-scraper"})
    assert allowed.status_code == 200


def test_metrics_do_not_wait_for_a_database_that_is_busy(make: Make, figures: Figures) -> None:
    client = make(IMS_POOL_SIZE="1")
    holder = threading.Thread(target=client.get, args=("/api/hold?seconds=5",))
    holder.start()
    time.sleep(0.5)
    took = []
    for _ in range(2):  # a busy machine is late once
        began = time.monotonic()
        assert figures(client)["ims_database_up"] == 0
        took.append(time.monotonic() - began)
    assert min(took) < 1.6
    assert holder.is_alive(), "the figures came before the database was free"
    holder.join()
    assert figures(client)["ims_database_up"] == 1


def test_bodies_are_bounded_typed_and_flat(make: Make) -> None:
    client = make(IMS_MAX_BODY_BYTES="2000")
    as_json = {"content-type": "application/json"}

    def post(content: object, headers: dict[str, str] = as_json, path: str = "/api/v1/stores") -> tuple[int, str]:
        return code_of(client.post(path, content=content, headers=headers))

    assert post(b"x" * 2001) == (413, "body-too-large")
    assert post(iter([b"x" * 1500, b"x" * 1500])) == (413, "body-too-large")
    assert post(b"{}", {}) == (415, "wrong-content-type")
    assert post(b"<a/>", {"content-type": "application/xml"}) == (415, "wrong-content-type")
    assert post(b"a=b", {"content-type": "application/x-www-form-urlencoded"}) == (415, "wrong-content-type")
    assert post(b'{"store_code": ') == (400, "malformed-json")
    assert post(b"\xff\xfe{}")[0] == 400
    assert post(b"[" * 1000) == (400, "nested-too-deep")
    assert post(b'{"a":' * 300 + b"1" + b"}" * 300) == (400, "nested-too-deep")
    assert post(b'{"name": NaN}') == (400, "malformed-json")
    assert post(b'{"name": "NaN"}')[0] == 422
    assert client.post("/api/echo", content=iter([b'"' + b"x" * 900, b"x" * 900 + b'"']), headers=as_json).json() == {
        "bytes": 1802
    }
    assert client.post("/sign-in", content=b"x" * 5000).status_code == 413


def test_the_depth_of_json_is_counted_outside_strings_and_in_linear_time() -> None:
    check_json(b'{"a": "' + b"[" * 5000 + b'"}')
    check_json(b'["' + b'\\"[' * 300 + b'"]')
    check_json(b"[" + b"[]," * 5000 + b"[]]")
    for deep in (b"[" * 33, b'{"a":[' * 17, b'["\\\\",' + b"[" * 40):
        with pytest.raises(Refused):
            check_json(deep)
    check_json(b"[" * 32 + b"]" * 32)
    for worst in (b'"\\' * 500_000, b'\\"' * 500_000 + b"[" * 40, b'"' * 1_000_001 + b"[" * 40, b"[]" * 500_000):
        began = time.perf_counter()
        with contextlib.suppress(Refused):
            check_json(worst + b"[{" * 20 if worst.endswith(b"\\") else worst)
        assert time.perf_counter() - began < 2


def test_addresses_and_headers_are_bounded(make: Make) -> None:
    client = make()
    assert code_of(client.get("/api/v1/stores", params={"kind": "x" * 9000})) == (414, "address-too-long")
    assert code_of(client.get("/api/v1/stores", headers={"x-a": "x" * 33_000})) == (431, "headers-too-large")
    many = {f"x-{number}": "1" for number in range(101)}
    assert code_of(client.get("/api/v1/stores", headers=many)) == (431, "headers-too-large")
    assert code_of(client.get("/api/v1/stores/%00")) == (400, "nul-byte")


def test_a_request_that_takes_too_long_is_ended(make: Make) -> None:
    client = make(IMS_REQUEST_TIMEOUT_SECONDS="0.5")
    answer = client.get("/api/sleep", params={"seconds": 5})
    assert code_of(answer) == (503, "too-slow")
    assert answer.headers["retry-after"] == "5"
    assert code_of(client.get("/api/hold", params={"seconds": 5})) == (503, "too-slow")
    assert client.get("/api/hold", params={"seconds": 0}).status_code == 200, "its connection serves again"


def test_a_statement_that_takes_too_long_is_ended(make: Make) -> None:
    client = make(IMS_STATEMENT_TIMEOUT_SECONDS="1")
    assert code_of(client.get("/api/hold", params={"seconds": 5})) == (503, "too-slow")


def test_overload_is_said_at_once_and_ends(make: Make) -> None:
    client = make(IMS_POOL_SIZE="1", IMS_POOL_WAITING="2")
    assert client.get("/api/hold", params={"seconds": 0}).status_code == 200
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(client.get("/api/hold?seconds=1.2").status_code))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    began = time.monotonic()
    refused = client.get("/api/hold", params={"seconds": 0})
    assert code_of(refused) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert time.monotonic() - began < 0.5
    assert client.get("/health").status_code == 200
    for thread in threads:
        thread.join()
    assert statuses == [200, 200, 200]
    assert client.get("/api/hold", params={"seconds": 0}).status_code == 200


def test_who_waits_in_vain_for_a_connection_is_told_of_overload(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.connections.WAIT_SECONDS", 0.3)
    client = make(IMS_POOL_SIZE="1")
    assert client.get("/api/hold", params={"seconds": 0}).status_code == 200
    holder = threading.Thread(target=client.get, args=("/api/hold?seconds=2",))
    holder.start()
    time.sleep(0.3)
    at_a_route = client.get("/api/hold", params={"seconds": 0})
    client.headers["authorization"] = "Bearer unknown"
    at_the_gate = client.get("/api/hold", params={"seconds": 0})
    holder.join()
    for answer in (at_a_route, at_the_gate):
        assert code_of(answer) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"


def test_a_full_pool_that_lost_its_server_serves_again_within_moments(make: Make, url: str, figures: Figures) -> None:
    client = make()
    threads = [threading.Thread(target=client.get, args=("/api/hold?seconds=0.5",)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert figures(client)["ims_pool_size"] >= 5
    with psycopg.connect(url, autocommit=True) as connection:
        ours = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ims-web'"
        connection.execute(f"SELECT pg_terminate_backend(pid) {ours}")
        while connection.execute(f"SELECT count(*) {ours}").fetchone()[0]:
            time.sleep(0.01)
    began = time.monotonic()
    assert client.get("/api/hold", params={"seconds": 0}).status_code == 200
    assert time.monotonic() - began < 2.5


def test_ready_tells_of_a_disk_that_is_nearly_full(make: Make) -> None:
    client = make(IMS_MIN_FREE_DISK_MB="999999999")
    assert any("make room" in note for note in client.get("/ready").json()["notes"])


def test_a_configuration_that_cannot_be_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongInput, match="one process"):
        check_workers("all", 2)
    monkeypatch.setenv("IMS_POOL_SIZE", "100")
    get_settings.cache_clear()
    with pytest.raises(CannotServe, match="max_connections"):
        check_pool(get_settings(), url, 4)
    for name, value in {
        "IMS_CORS_ORIGINS": "*",
        "IMS_ALLOWED_HOSTS": "https://a.example",
        "IMS_METRICS_TOKEN": "short",
        "IMS_OTEL_ENDPOINT": "collector:4318",
        "IMS_POOL_SIZE": "0",
    }.items():
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            get_settings.cache_clear()
            with pytest.raises(WrongInput, match=name) as refused:
                get_settings()
            assert value == "*" or value not in str(refused.value).replace(name, "").split()
