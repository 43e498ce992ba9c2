"""What every answer carries, whoever gives it, and what HTTP expects of every address."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import httpx
import pytest
from fastapi.testclient import TestClient

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
Make = Callable[..., TestClient]


def assert_guarded(answer: httpx.Response) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers.get(name) == value, (answer.request.url, name)
        assert len(answer.headers.get_list(name)) == 1
    assert "camera=()" in answer.headers["permissions-policy"]
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert answer.headers["x-request-id"]


def test_every_answer_is_guarded_whoever_gives_it(make: Make) -> None:
    client = make()
    answers = {
        "a route": (client.get("/api/v1/openapi.json"), 200),
        "a probe": (client.get("/health"), 200),
        "a failure": (client.get("/api/fail/9876543210"), 500),
        "the unknown": (client.get("/api/nothing"), 404),
        "the unknown outside the API": (client.get("/nothing"), 404),
        "a wrong method": (client.delete("/health"), 405),
        "the gate": (client.get("/api/v1/stores", headers={"authorization": "Bearer x"}), 401),
        "the limits": (client.get("/api/v1/stores", params={"kind": "\x00"}), 400),
        "the bodies": (client.post("/api/v1/stores", content=b"x", headers={"content-type": "text/csv"}), 415),
        "a refusal": (client.post("/api/v1/stores", json={}), 422),
    }
    for name, (answer, status) in answers.items():
        assert answer.status_code == status, (name, answer.text)
        assert_guarded(answer)
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json", name
        assert "strict-transport-security" not in answer.headers
    assert_guarded(client.get("/sign-in"))


def test_answers_of_the_api_load_nothing_and_are_not_kept(make: Make) -> None:
    client = make()
    answer = client.get("/api/v1/openapi.json")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    own = client.get("/api/own")
    assert own.headers.get_list("cache-control") == ["private, no-cache"]
    assert own.headers.get_list("content-security-policy") == ["sandbox"]


@pytest.mark.parametrize(
    ("setting", "address", "is_sent"),
    [
        ("auto", "http://ims.test", False),
        ("auto", "https://ims.test", True),
        ("always", "http://ims.test", True),
        ("never", "https://ims.test", False),
    ],
)
def test_strict_transport_follows_the_setting(make: Make, setting: str, address: str, is_sent: bool) -> None:
    answer = make(address, IMS_HSTS=setting).get("/health")
    assert ("strict-transport-security" in answer.headers) == is_sent


def test_a_request_id_is_taken_when_it_is_a_plain_word(make: Make) -> None:
    client = make()
    assert client.get("/health", headers={"x-request-id": "till-7-000123"}).headers["x-request-id"] == "till-7-000123"
    for strange in ("a" * 65, "a b", "a\tb", "ä", '"', "a/b", ""):
        given = client.get("/health", headers=[(b"x-request-id", strange.encode("latin-1"))]).headers["x-request-id"]
        assert given != strange
        assert len(given) == 16


def test_head_options_and_allow(make: Make) -> None:
    client = make()
    head, get = client.head("/api/v1/openapi.json"), client.get("/api/v1/openapi.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))
    assert client.head("/health").status_code == 200
    assert client.head("/api/nothing").status_code == 404
    options = client.options("/api/v1/stores")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    refused = client.delete("/api/v1/stores")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert client.put("/api/v1/stores/1").headers["allow"] == "GET, PATCH, HEAD, OPTIONS"
    assert client.post("/health").headers["allow"] == "GET"
    assert client.options("/api/nothing").status_code == 404


def test_long_answers_are_compressed_and_short_or_secret_ones_are_not(make: Make) -> None:
    client = make()
    with client.stream("GET", "/api/long", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert gzip.decompress(raw).startswith(b'{"text"')
    for path in ("/health", "/sign-in"):
        assert "content-encoding" not in client.get(path, headers={"accept-encoding": "gzip"}).headers
    assert "content-encoding" not in client.get("/api/long", headers={"accept-encoding": "identity"}).headers


def test_pages_of_other_origins_are_told_nothing_unless_named(make: Make) -> None:
    asking = {"origin": "https://shop.example", "access-control-request-method": "GET"}
    without = make()
    assert "access-control-allow-origin" not in without.get("/health", headers=asking).headers
    named = make(IMS_CORS_ORIGINS="https://shop.example https://till.example:8443")
    preflight = named.options("/api/v1/stores", headers={**asking, "access-control-request-headers": "authorization"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in preflight.headers
    assert_guarded(preflight)
    assert "access-control-allow-origin" not in named.get("/health", headers={"origin": "https://evil.example"}).headers
    answer = named.get("/api/v1/stores", headers=asking)
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


def test_only_named_hosts_are_answered_but_probes_always(make: Make) -> None:
    client = make(IMS_ALLOWED_HOSTS="ims.test *.chain.example")
    for host in ("ims.test", "IMS.test:8000", "a.chain.example"):
        assert client.get("/api/v1/stores", headers={"host": host}).status_code == 200, host
    for host in ("evil.example", "chain.example", "ims.test.evil.example", "ims.test@evil.example", ""):
        answer = client.get("/api/v1/stores", headers={"host": host})
        assert (answer.status_code, answer.json()["type"]) == (421, "urn:ims:problem:unknown-host"), host
        assert_guarded(answer)
    assert client.get("/health", headers={"host": "10.0.0.7:8000"}).status_code == 200


def test_a_program_that_forgot_tls_is_told_so_where_the_door_has_it(make: Make) -> None:
    said = {"x-forwarded-proto": "http"}
    assert make().get("/api/v1/stores", headers=said).status_code == 200
    client = make(IMS_PUBLIC_URL="https://ims.example.com")
    answer = client.get("/api/v1/stores", headers=said)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "needs-https")
    assert_guarded(answer)
    assert client.get("/sign-in", headers=said).status_code == 200
    assert client.get("/health", headers=said).status_code == 200
    assert client.get("/api/v1/stores").status_code == 200
    assert client.get("/api/v1/stores", headers={"x-forwarded-proto": "https"}).status_code == 200
