"""Logs that name nobody, and traces that do not either."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api.app import create_app
from api.services.logs import JsonFormatter
from api.services.redaction import explain, redact, trace
from ims.settings import get_settings

MOBILE, MAIL = "9876543210", "asha.rao@example.com"
Make = Callable[..., TestClient]


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
    assert "conftest.py" in text, "where it failed is said"


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
