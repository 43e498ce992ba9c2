"""What whoever runs IMS relies on: logs that name nobody, figures, limits, refusals under load, traces."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.routes.bodies import Refused, check_json
from api.services.logs import JsonFormatter
from api.services.redaction import explain, redact, trace
from ims.failure import WrongInput
from ims.settings import get_settings
from ims.web import CannotServe, check_pool, check_workers

MOBILE, MAIL = "9876543210", "asha.rao@example.com"
Make = Callable[..., TestClient]


@pytest.fixture
def url(installation) -> str:
    return installation.databases.operational


@pytest.fixture
def make(installation, url: str, make_user, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """`make(IMS_X="…")`: a signed-in client of an application with these settings, and with routes that misbehave."""
    opened: list[TestClient] = []
    token = make_user(url, "admin", ("admin",))

    def build(**variables: str) -> TestClient:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        app = create_app(installation.databases)
        misbehave(app)
        client = TestClient(app, base_url="http://ims.test", follow_redirects=False)
        opened.append(client.__enter__())
        client.headers["authorization"] = f"Bearer {token}"
        return client

    yield build
    for client in opened:
        client.__exit__(None, None, None)


def misbehave(app: FastAPI) -> None:
    """Routes in front of the others that do what a defect, or a slow database, would."""

    async def sleep(seconds: float) -> dict[str, str]:
        await asyncio.sleep(seconds)
        return {"slept": "well"}

    async def hold(request: Request, seconds: float) -> dict[str, str]:
        async with request.app.state.pool.connection() as connection:
            await connection.execute("SELECT pg_sleep(%s)", (seconds,))
        return {"held": "a connection"}

    async def fail(what: str) -> None:
        raise ValueError(f"no customer {what}")

    async def clash(request: Request, what: str) -> None:
        logging.getLogger("ims.web").warning("a thing: %s", ValueError(what))
        async with request.app.state.pool.connection() as connection, connection.transaction():
            await connection.execute("CREATE TEMP TABLE people (mobile text PRIMARY KEY) ON COMMIT DROP")
            try:
                await connection.execute("INSERT INTO people VALUES (%s), (%s)", (what, what))
            except psycopg.Error as error:
                raise RuntimeError("this failed") from error

    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    rest = list(app.router.routes)
    app.router.routes.clear()
    app.add_api_route("/api/sleep", sleep)
    app.add_api_route("/api/hold", hold)
    app.add_api_route("/api/fail/{what}", fail)
    app.add_api_route("/api/clash/{what}", clash)
    app.add_api_route("/api/echo", echo, methods=["POST"])
    app.router.routes.extend(rest)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the process logs, as it would write it."""
    written: list[str] = []

    class Memory(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name != "httpx":  # the test's own client
                written.append(self.format(record))

    handler = Memory()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def figures(client: TestClient) -> dict[str, float]:
    """Every sample of /metrics, as `name{label=value}`."""
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def code_of(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:ims:problem:")


def test_no_line_of_a_log_names_a_person_or_a_secret(make: Make, lines: list[str]) -> None:
    client = make()
    secret = "hunter2-hunter2"  # noqa: S105
    client.get(f"/api/v1/customers/by-mobile/{MOBILE}", params={"mobile": MOBILE})
    client.get(f"/api/nothing/{MAIL}", params={"q": MAIL}, headers={"user-agent": MAIL})
    client.post("/api/v1/stores", json={"store_code": MOBILE, "name": MAIL, "mobile": MOBILE})
    client.post(
        "/api/v1/stores", content=f'{{"mobile": "{MOBILE}"'.encode(), headers={"content-type": "application/json"}
    )
    client.post("/api/v1/tokens", json={"username": MAIL, "password": secret})
    client.post("/sign-in", data={"username": MAIL, "password": secret})
    client.get("/api/v1/stores", headers={"authorization": f"Bearer {secret}"})
    assert client.get(f"/api/fail/{MOBILE}").status_code == 500
    assert client.get("/api/fail/Asha%20Rao").status_code == 500
    assert client.get(f"/api/clash/{MOBILE}").status_code == 500
    assert client.get("/api/clash/Asha%20Rao").status_code == 500
    text = "\n".join(lines)
    for word in (MOBILE, MAIL, "asha", "Asha", "Rao", secret, client.headers["authorization"].split()[1]):
        assert word not in text, [line for line in lines if word in line]
    assert "UniqueViolation 23505 constraint=people_pkey" in text
    assert "which led to" in text
    assert "test_operations.py" in text, "where it failed is said"


def test_each_line_of_a_request_carries_its_id(make: Make, lines: list[str]) -> None:
    client = make()
    client.get("/api/clash/x", headers={"x-request-id": "till-7-42"})
    mine = [json.loads(line) for line in lines if "till-7-42" in line]
    assert {line["message"] for line in mine} == {"a thing: ValueError", "request failed", "request"}
    assert {line["request_id"] for line in mine} == {"till-7-42"}
    last = mine[-1]
    assert (last["route"], last["method"], last["status"]) == ("/api/clash/{what}", "GET", 500)
    assert last["milliseconds"] > 0
    assert last["user_id"] > 0
    assert "trace_id" not in last


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"mobile {MOBILE}", "mobile …"),
        ("+91 98765 43210", "…"),
        ("(022) 2765-4321-99", "…"),
        ("card 4111 1111 1111 1111", "card …"),
        (f"to {MAIL}.", "to …."),
        ("Authorization: Bearer abcdef0123", "Authorization: … …"),
        ("postgresql://ims:pa%20ss@db:5432/ims", "postgresql://ims:…@db:5432/ims"),
        ('{"password": "x y"}', '{"password": "… y"}'),
        ("IMS_JWT_SECRET=abc", "IMS_JWT_SECRET=…"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "…"),
        ("GET /x?mobile=1&b=2 HTTP", "GET /x?… HTTP"),
        ("took 1234.5 ms of 2026-11-25 13:09:43", "took 1234.5 ms of 2026-11-25 13:09:43"),
        ("order 123456 of store S01", "order 123456 of store S01"),
    ],
)
def test_known_shapes_are_redacted(text: str, wanted: str) -> None:
    assert redact(text) == wanted


def test_errors_are_explained_without_their_values() -> None:
    assert explain(KeyError(MOBILE)) == "KeyError"
    assert explain(OSError(2, "No such file")) == "FileNotFoundError: [Errno 2] No such file"
    assert explain(ExceptionGroup("x", [ValueError(MAIL), KeyError(1)])) == "ExceptionGroup of ValueError, KeyError"
    record = logging.makeLogRecord({"msg": "about", "username": "asha", "facts": {"email": MAIL, "n": 1}})
    line = json.loads(JsonFormatter().format(record))
    assert (line["username"], line["facts"]) == ("…", {"email": "…", "n": 1})
    with pytest.raises(ValueError, match=MOBILE) as raised:
        raise ValueError(MOBILE)
    assert trace(raised.value).endswith("\nValueError")
    future = logging.makeLogRecord({"name": "asyncio", "msg": f"never retrieved\nfuture: <Task {MAIL} Asha>"})
    assert json.loads(JsonFormatter().format(future))["message"] == "never retrieved"


def test_figures_of_requests_pool_sessions_and_business(make: Make) -> None:
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


def test_metrics_can_ask_for_a_token(make: Make) -> None:
    client = make(IMS_METRICS_TOKEN="scraper-scraper-scraper")  # noqa: S106
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "scraper-scraper-scraper"}):
        client.headers.pop("authorization", None)
        assert code_of(client.get("/metrics", headers=headers)) == (401, "metrics-token-required")
    allowed = client.get("/metrics", headers={"authorization": "Bearer scraper-scraper-scraper"})
    assert allowed.status_code == 200


def test_metrics_do_not_wait_for_a_database_that_is_busy(make: Make) -> None:
    client = make(IMS_POOL_SIZE="1")
    holder = threading.Thread(target=client.get, args=("/api/hold?seconds=2.5",))
    holder.start()
    time.sleep(0.5)
    began = time.monotonic()
    assert figures(client)["ims_database_up"] == 0
    assert time.monotonic() - began < 1.6
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


def test_a_full_pool_that_lost_its_server_serves_again_within_moments(make: Make, url: str) -> None:
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


def test_without_an_endpoint_no_sdk_is_loaded() -> None:
    script = "import sys, api.app; sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


class Collector(BaseHTTPRequestHandler):
    """An OpenTelemetry collector: decodes what it is sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_a_trace_reaches_a_collector_and_names_nobody(
    installation, url: str, make_user, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("IMS_OTEL_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    get_settings.cache_clear()
    token, above = make_user(url, "admin", ("admin",)), "4bf92f3577b34da6a3ce929d0e0e4736"
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as client:
        client.headers["authorization"] = f"Bearer {token}"
        client.get("/api/v1/stores", headers={"traceparent": f"00-{above}-00f067aa0ba902b7-01"})
        client.get(f"/api/nothing/{MOBILE}", params={"mobile": MOBILE}, headers={"user-agent": MAIL})
        client.post("/api/v1/stores", json={"store_code": "S1", "name": "x"}, headers={"idempotency-key": "k" * 8})
    server.shutdown()
    assert {path for path, _ in server.requests} == {"/v1/traces"}
    spans = [
        span
        for _, request in server.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    named = {span.name: span for span in spans}
    first = named["GET /api/v1/stores"]
    assert first.trace_id.hex() == above
    attributes = {each.key: each.value for each in first.attributes}
    assert attributes["http.route"].string_value == "/api/v1/stores"
    assert attributes["http.response.status_code"].int_value == 200
    assert len(attributes["enduser.pseudo.id"].string_value) == 16
    assert named["read"].parent_span_id == first.span_id
    assert named["write"].parent_span_id == named["POST /api/v1/stores"].span_id
    sent = b"".join(request.SerializeToString() for _, request in server.requests)
    for word in (MOBILE, MAIL, "admin", token):
        assert word.encode() not in sent
    assert [line for line in map(json.loads, lines) if line.get("trace_id") == above and line["message"] == "request"]
