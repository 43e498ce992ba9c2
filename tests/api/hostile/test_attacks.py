"""Hostile requests, byte by byte, against the served API: refused with the right code, and nothing is changed by them.

Elsewhere: forged and stolen tokens (test_tokens), replayed codes (test_totp), targets of webhooks (test_webhooks),
slow and open heads (operations), keys of other stores (test_scope_matrix).
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CUSTOMERS = "/api/v1/customers"
PERSON = {"full_name": "Asha Rao", "mobile": "+919812300000"}


def head(world: Any, line: str, *headers: str, token: str | None = None) -> bytes:
    """The head of a request of the manager."""
    lines = [f"{line} HTTP/1.1", "Host: ims.test", "Connection: close"]
    lines += [f"Authorization: Bearer {world.tokens['manager'] if token is None else token}"] if token != "" else []
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")


def kind(answer: bytes) -> str:
    """The code of the problem in an answer."""
    found = answer.partition(b"urn:ims:problem:")[2]
    return found.partition(b'"')[0].decode()


HEADERS = {
    "twice the authorization": (["Authorization: Bearer x"], 400, "header-twice"),
    "twice the host": (["Host: evil.example"], 400, "header-twice"),
    "twice the length": (["Content-Length: 0", "Content-Length: 5"], 400, ""),
    "a length and chunks": (["Content-Length: 5", "Transfer-Encoding: chunked"], 400, ""),
    "chunks that are none": (["Transfer-Encoding: xchunked"], 400, ""),
    "a length that is no number": (["Content-Length: +5"], 400, ""),
    "a line break within": (["X-Request-Id: a\rSet-Cookie: ims_session=x"], 400, ""),
    "a line that goes on": (["X-Request-Id: a", " Set-Cookie: ims_session=x"], 400, ""),
    "a blank before the colon": (["X-Request-Id : a"], 400, ""),
    "a NUL": (["X-Request-Id: a\0b"], 400, ""),
    "too long": ([f"X-Long: {'x' * 40_000}"], 431, "headers-too-large"),
    "far too long": ([f"X-Long: {'x' * 200_000}"], 400, ""),
    "too many": ([f"X-{number}: 1" for number in range(150)], 431, "headers-too-large"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_head_that_can_be_read_two_ways_is_read_in_none(world: Any, served: Any, name: str) -> None:
    headers, status, code = HEADERS[name]
    got, answer = served.send(head(world, f"GET {CUSTOMERS}", *headers))
    assert (got, kind(answer)) == (status, code), answer[:500]
    assert b"set-cookie" not in answer.lower()


def test_a_request_hidden_in_another_is_not_answered(world: Any, served: Any) -> None:
    hidden = head(world, "GET /api/v1/account")
    body = b"0\r\n\r\n" + hidden
    headers = [f"Content-Length: {len(body)}", "Transfer-Encoding: chunked", "Content-Type: application/json"]
    _, answer = served.send(head(world, f"POST {CUSTOMERS}", *headers) + body)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"permissions" not in answer


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7", "X-Real-IP: 198.51.100.7"]
)
def test_an_address_that_a_client_claims_is_not_believed(world: Any, served: Any, name: str) -> None:
    """From an address that is no trusted proxy; what is written down is where it came from."""
    status, _ = served.send(head(world, f"GET /api/v1/stores/{world.key('there', 'stores')}", name), source="127.0.0.9")
    assert status == 403
    with psycopg.connect(world.url) as connection:
        query = "SELECT host(address) FROM audit_log WHERE kind = 'access.denied' ORDER BY audit_id DESC LIMIT 1"
        assert connection.execute(query).fetchone() == ("127.0.0.9",)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_cannot_be_changed_by_a_header(world: Any, served: Any, header: str) -> None:
    status, answer = served.send(head(world, "GET /api/v1/sessions", f"{header}: DELETE"))
    assert (status, b'"items"' in answer) == (200, True)


# with a token they are no address of ours, without one they open nothing
PATHS = (
    "/api/v1/../../../etc/passwd", "/api/v1/%2e%2e/%2e%2e/etc/passwd", "/api/v1/stores/..%2f..%2f..%2fetc%2fpasswd",
    "/api/v1/stores/..%5c..%5cwindows", "/api/v1/stores/%c0%ae%c0%ae/", "/api/v1/stores/1%2f", "/api/v1/stores/1;a=b",
    "/api/v1/stores/", "/api/v1/stores//", "//api/v1/stores", "/api//v1/stores", "/api/v1//stores", "/API/v1/stores",
    "/Api/V1/Stores", "/api/v1/stores/.", "/api/v1/./stores", "/api/v1/tokens/../stores", "/health/../api/v1/stores",
    "/sign-in/../api/v1/stores", "/sign-in/%2e%2e/api/v1/stores", "/metrics;/../api/v1/stores",
    "/api/v1/stores%20", "/api/v1/stores%09", "/api/v1/stores%0d%0aSet-Cookie:%20a=b", "/api/v1/stores%23",
    "/api/v1/stores/%EF%BC%91", "/api/v1/stores/1_0", "/api/v1/stores/0x1", "/api/v1/stores/1e0",
    "/api/v1/stores/1%00", "/api/v1/stores/%2500", "/api/v1/stores/99999999999999999999", "/api/v1/stores/-1",
    "/api/v2/stores", "/.env", "/.git/config", "/api/v1/openapi.json/..", "/docs", "/redoc", "/static/../api/v1/stores",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_an_address_is_taken_as_it_is_written(world: Any, served: Any, path: str) -> None:
    status, answer = served.send(head(world, f"GET {path}"))
    assert status in {400, 404, 422}, answer[:300]
    status, answer = served.send(head(world, f"GET {path}", token=""))
    assert status in {303, 400, 401}, answer[:300]
    for words in (b"root:", b"set-cookie", b'"items"', b"store_code"):
        assert words not in answer.lower()


def test_a_target_in_full_is_the_same_address_and_nobody_elses(world: Any, served: Any) -> None:
    for line in (
        "GET http://evil.example/api/v1/stores",
        "GET ims.test:80",
        "CONNECT evil.example:443",
        "TRACE /api/v1/stores",
    ):
        status, answer = served.send(head(world, line, token=""))
        assert status in {0, 400, 401, 404, 405}, (line, answer[:300])
        assert b"store_code" not in answer


DEEP = 100_000
JSON: dict[str, tuple[bytes, int, str]] = {
    "arrays without end": (b"[" * DEEP, 400, "nested-too-deep"),
    "arrays to a depth": (b"[" * DEEP + b"]" * DEEP, 400, "nested-too-deep"),
    "objects to a depth": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, 400, "nested-too-deep"),
    "depth in a member": (b'{"full_name":' + b"[" * 33 + b"]" * 33 + b"}", 400, "nested-too-deep"),
    "a member twice": (b'{"full_name": "Asha", "full_name": "Bela"}', 400, "member-twice"),
    "a member twice, escaped": (b'{"full_name": "Asha", "full\\u005fname": "Bela"}', 400, "member-twice"),
    "not a number": (b'{"full_name": "Asha", "home_store_id": NaN}', 400, "malformed-json"),
    "infinity": (b'{"full_name": "Asha", "home_store_id": -Infinity}', 400, "malformed-json"),
    "beyond any number": (b'{"full_name": "Asha", "home_store_id": 1e400}', 422, "invalid-request"),
    "many digits": (b'{"full_name": "Asha", "home_store_id": ' + b"9" * 100_000 + b"}", 400, "http-400"),
    "a fraction for a key": (b'{"full_name": "Asha", "home_store_id": 1.5}', 422, "invalid-request"),
    "text for a key": (b'{"full_name": "Asha", "home_store_id": "1"}', 422, "invalid-request"),
    "truth for a key": (b'{"full_name": "Asha", "home_store_id": true}', 422, "invalid-request"),
    "a NUL": (b'{"full_name": "As\\u0000ha"}', 422, "invalid-request"),
    "a raw NUL": (b'{"full_name": "As\0ha"}', 400, "malformed-json"),
    "half of a pair": (b'{"full_name": "As\\ud800ha"}', 422, "invalid-request"),
    "a member named by half of a pair": (b'{"full_name": "Asha", "\\udfff": 1}', 422, "invalid-request"),
    "no UTF-8": (b'{"full_name": "As\xffha"}', 400, "malformed-json"),
    "a number for a name": (b'{"full_name": 5}', 422, "invalid-request"),
    "an object for a name": (b'{"full_name": {"$ne": null}}', 422, "invalid-request"),
    "an array for an object": (b'[{"full_name": "Asha"}]', 422, "invalid-request"),
    "text for an object": (b'"full_name"', 422, "invalid-request"),
    "null": (b"null", 422, "invalid-request"),
    "a prototype": (b'{"full_name": "Asha", "__proto__": {"kind": "b2b"}}', 422, "invalid-request"),
    "a constructor": (b'{"full_name": "Asha", "constructor": {"prototype": {}}}', 422, "invalid-request"),
    "a class": (b'{"full_name": "Asha", "__class__": "User"}', 422, "invalid-request"),
    "a comment": (b'{"full_name": "Asha" /* it is me */}', 400, "malformed-json"),
    "a comma too many": (b'{"full_name": "Asha",}', 400, "malformed-json"),
    "single quotes": (b"{'full_name': 'Asha'}", 400, "malformed-json"),
    "something after it": (b'{"full_name": "Asha"} {"full_name": "Bela"}', 400, "malformed-json"),
    "half of it": (b'{"full_name": "Ash', 400, "malformed-json"),
    "blanks": (b"   ", 400, "malformed-json"),
    "a pattern to suffer from": (json.dumps({**PERSON, "email": "a@" * 200_000}).encode(), 422, "invalid-request"),
    "a number to suffer from": (json.dumps({**PERSON, "mobile": "1 " * 200_000}).encode(), 422, "invalid-request"),
    "quotes to suffer from": (b'{"full_name": "' + b'\\"' * 250_000 + b"[" * 50, 400, "malformed-json"),
}  # fmt: skip


def post(world: Any, served: Any, body: bytes, *headers: str) -> tuple[int, bytes]:
    typed = (
        [] if any(each.lower().startswith("content-type") for each in headers) else ["Content-Type: application/json"]
    )
    key = f"Idempotency-Key: attack-{time.monotonic_ns()}"
    given = [*typed, key, f"Content-Length: {len(body)}", *headers]
    return served.send(head(world, f"POST {CUSTOMERS}", *given), body)


@pytest.mark.parametrize("name", JSON)
def test_a_body_that_is_not_what_it_should_be_is_refused(world: Any, served: Any, name: str) -> None:
    body, status, code = JSON[name]
    before, began = world.kept(), time.monotonic()
    got, answer = post(world, served, body)
    assert (got, kind(answer)) == (status, code), answer[-500:]
    assert time.monotonic() - began < 5
    assert world.kept() == before


@pytest.mark.parametrize(
    "given",
    ["text/plain", "text/xml", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data;boundary=x",
     "application/javascript", "", "application/json-seq", "jsonx/application"],
)  # fmt: skip
def test_only_json_is_taken(world: Any, served: Any, given: str) -> None:
    before = world.kept()
    got, answer = post(world, served, json.dumps(PERSON).encode(), f"Content-Type: {given}")
    assert (got, kind(answer)) == (415, "wrong-content-type")
    assert world.kept() == before


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-le", "latin-1"])
def test_json_is_utf_8_whatever_its_type_says(world: Any, served: Any, encoding: str) -> None:
    body = json.dumps({**PERSON, "full_name": "Áshá"}, ensure_ascii=False).encode(encoding)
    got, answer = post(world, served, body, f"Content-Type: application/json; charset={encoding}")
    assert (got, kind(answer)) == (400, "malformed-json")


def test_a_body_without_end_is_refused_before_it_is_kept(world: Any, served: Any) -> None:
    declared = head(world, f"POST {CUSTOMERS}", "Content-Type: application/json", f"Content-Length: {10**12}")
    got, answer = served.send(declared, b"{")
    assert (got, kind(answer)) == (413, "body-too-large")
    streamed = head(world, f"POST {CUSTOMERS}", "Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    got, answer = served.send(streamed, *[chunk] * 64)
    assert got in {0, 413}, answer[-300:]  # the connection may be reset before its answer was read
    packed = head(
        world, f"POST {CUSTOMERS}", "Content-Type: application/json", "Content-Encoding: gzip", "Content-Length: 4"
    )
    assert served.send(packed, b"\x1f\x8b\x08\x00")[0] == 400, "nothing is unpacked, so no bomb is"


def forged(claims: dict[str, Any], key: Any, algorithm: str, **header: Any) -> str:
    return jwt.encode(claims, key, algorithm, headers=header)


def test_a_token_does_not_say_where_its_key_is(world: Any, served: Any) -> None:
    now = int(time.time())
    claims = {
        "iss": "ims",
        "aud": "ims-api",
        "sub": "1",
        "sid": "1",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "jti": "x",
    }
    mine = Ed25519PrivateKey.generate()
    raw = base64.urlsafe_b64encode(mine.public_key().public_bytes_raw()).rstrip(b"=").decode()
    web = {"kty": "OKP", "crv": "Ed25519", "x": raw}
    attacks = {
        "kid of a file": forged(claims, "\0", "HS256", kid="../../../../../../dev/zero"),
        "kid of a query": forged(claims, "x", "HS256", kid="x' UNION SELECT 'x"),
        "kid of a command": forged(claims, "x", "HS256", kid="|id"),
        "no text for a kid": forged(claims, mine, "EdDSA", kid=""),
        "a key of its own": forged(claims, mine, "EdDSA", jwk=web),
        "a key from elsewhere": forged(claims, mine, "EdDSA", jku="https://evil.example/keys", kid="evil"),
        "a certificate from elsewhere": forged(claims, mine, "EdDSA", x5u="https://evil.example/cert"),
        "a rule nobody knows": forged(claims, mine, "EdDSA", crit=["exp"], b64=True),
    }
    for name, token in attacks.items():
        status, answer = served.send(head(world, "GET /api/v1/account", token=token))
        assert status == 401, (name, answer[:300])


def test_a_word_is_not_taken_for_a_key(world: Any, served: Any) -> None:
    """What an address takes is told of itself, not of the records beside it."""
    for path, methods in (("expenses/categories", "GET, HEAD, OPTIONS"), ("customers/visits", "POST, OPTIONS")):
        status, answer = served.send(head(world, f"OPTIONS /api/v1/{path}"))
        assert (status, f"\r\nallow: {methods}\r\n".encode() in answer) == (204, True), answer
