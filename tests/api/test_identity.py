"""Signing in: what opens the door, what does not, and what another site can do with a browser that is signed in."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.identity.limits import ATTEMPTS, MOST_KEYS, SignInLimit
from api.identity.origin import local_path
from api.identity.passwords import generate_password, hash_password, verify_password
from api.identity.scope import scope_for
from api.identity.sessions import COOKIE, hash_token
from api.identity.users import ensure_admin, reset_admin_password

OPEN = ("/health", "/ready", "/metrics", "/sign-in")
BROWSER = {"accept": "text/html"}


@pytest.fixture
def password(installation) -> str:
    made = ensure_admin(installation.databases.operational)
    assert made is not None
    return made


@pytest.fixture
def client(installation) -> Iterator[TestClient]:
    app = create_app(installation.databases)
    with TestClient(app, base_url="http://ims.test", follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, password: str, **fields: str) -> int:
    form = {"username": "admin", "password": password, **fields}
    return client.post("/sign-in", data=form).status_code


def test_the_first_start_makes_one_admin_and_the_second_nobody(installation, password: str) -> None:
    url = installation.databases.operational
    assert ensure_admin(url) is None
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT username, role, password_hash FROM users").fetchall()
    assert [(row[0], row[1]) for row in rows] == [("admin", "superadmin")]
    assert password not in rows[0][2]
    assert rows[0][2].startswith("$argon2id$")


def test_everything_but_the_open_paths_asks_for_a_session(client: TestClient) -> None:
    for path in OPEN:
        assert client.get(path).status_code in {200, 503}, path
    for path in ("/", "/api/v1/suggestions", "/api/v1/publication", "/api/v1/openapi.json", "/api/nothing", "/docs"):
        answer = client.get(path)
        assert answer.status_code == 401, path
    answer = client.get("/api/v1/suggestions")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:ims:problem:sign-in-required"
    page = client.get("/reorder?store=S01", headers=BROWSER)
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=%2Freorder%3Fstore%3DS01")


def test_a_path_that_only_looks_open_is_closed(client: TestClient) -> None:
    for path in ("/sign-in/", "//sign-in", "/health/../api/v1/publication", "/%2e/health", "/HEALTH"):
        assert client.get(f"http://ims.test{path}").status_code == 401, path


def test_signing_in_opens_and_signing_out_closes(client: TestClient, password: str, installation) -> None:
    answer = client.post("/sign-in", data={"username": " admin ", "password": password, "next": "/sales?days=7"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sales?days=7")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    token = client.cookies[COOKIE]
    with psycopg.connect(installation.databases.operational) as connection:
        stored = connection.execute("SELECT token_hash FROM user_sessions").fetchall()
    assert stored == [(hash_token(token),)]
    assert client.get("/api/v1/openapi.json").status_code == 200
    assert client.post("/sign-out").status_code == 303
    client.cookies.set(COOKIE, token)
    assert client.get("/api/v1/openapi.json").status_code == 401


def test_a_bearer_token_opens_and_the_cookie_is_secure_under_https(client: TestClient, password: str) -> None:
    answer = client.post("https://ims.test/sign-in", data={"username": "admin", "password": password})
    assert "Secure" in answer.headers["set-cookie"]
    token = answer.cookies[COOKIE]
    client.cookies.clear()
    assert client.get("/api/v1/openapi.json", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert client.get("/api/v1/openapi.json", headers={"authorization": f"Bearer {token}x"}).status_code == 401


def test_a_session_that_ended_opens_nothing(client: TestClient, password: str, installation) -> None:
    for ending in (
        "UPDATE user_sessions SET expires_at = now() - interval '1 second'",
        "UPDATE user_sessions SET revoked_at = now()",
        "UPDATE users SET is_active = false",
    ):
        assert sign_in(client, password) == 303
        assert client.get("/api/v1/openapi.json").status_code == 200
        with psycopg.connect(installation.databases.operational) as connection:
            connection.execute(ending)
        assert client.get("/api/v1/openapi.json").status_code == 401, ending
    assert sign_in(client, password) == 401


def test_a_new_password_ends_the_sessions_of_the_old_one(client: TestClient, password: str, installation) -> None:
    assert sign_in(client, password) == 303
    renewed = reset_admin_password(installation.databases.operational)
    assert client.get("/api/v1/openapi.json").status_code == 401
    assert sign_in(client, password) == 401
    assert sign_in(client, renewed) == 303


def test_what_is_wrong_is_not_told_apart(client: TestClient, password: str) -> None:
    known = client.post("/sign-in", data={"username": "admin", "password": "x"})
    unknown = client.post("/sign-in", data={"username": "nobody", "password": "x"})
    assert known.status_code == unknown.status_code == 401
    without_nonce = [answer.text.split("</style>")[1].replace("nobody", "admin") for answer in (known, unknown)]
    assert without_nonce[0] == without_nonce[1]


def test_the_sixth_try_within_a_minute_waits(client: TestClient, password: str) -> None:
    assert [sign_in(client, "wrong") for _ in range(ATTEMPTS)] == [401] * ATTEMPTS
    assert sign_in(client, password) == 429
    assert client.post("/sign-in", data={"username": "other", "password": "x"}).status_code == 401


def test_the_window_slides_and_memory_is_bounded() -> None:
    limit = SignInLimit()
    assert [limit.wait_seconds("a", "1", now=float(second)) for second in range(6)] == [0] * 5 + [56]
    assert limit.wait_seconds("a", "1", now=60.5) == 0
    for number in range(MOST_KEYS + 10):
        limit.wait_seconds(f"a{number}", "1", now=1000.0 + number)
    assert len(limit._attempts) < 100


def test_another_site_can_write_nothing(client: TestClient, password: str) -> None:
    form = {"username": "admin", "password": password}
    assert sign_in(client, password) == 303
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ):
        assert client.post("/sign-in", data=form, headers=headers).status_code == 403
        assert client.post("/sign-out", headers=headers).status_code == 403
        assert client.get("/api/v1/openapi.json").status_code == 200
    assert client.post("/sign-out", headers={"origin": "http://ims.test", "sec-fetch-site": "same-origin"}).is_redirect


@given(st.text(max_size=40) | st.sampled_from(["/", "//", "/\\", "https:", "javascript:", "@", "evil.example"]))
def test_next_never_leaves_this_site(tail: str) -> None:
    for target in (tail, "/" + tail, "//" + tail, "/\\" + tail, "https://" + tail):
        kept = local_path(target)
        assert kept.startswith("/")
        assert not kept.startswith(("//", "/\\"))
        assert "\\" not in kept
        assert not any(ord(character) < 32 for character in kept)


def test_next_keeps_a_view_with_its_filters() -> None:
    assert local_path("/reorder?store=S01&category=Sun%20glasses") == "/reorder?store=S01&category=Sun%20glasses"
    assert local_path(None) == "/"


def test_a_name_is_text_on_the_page_not_markup(client: TestClient, password: str) -> None:
    answer = client.post("/sign-in", data={"username": '"><script>x', "password": "y", "next": '/"><script>'})
    assert "<script>" not in answer.text


def test_no_password_and_no_token_reaches_the_log(
    client: TestClient, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        sign_in(client, "wrong-guess")
        sign_in(client, password)
        client.get("/api/v1/openapi.json")
    written = "\n".join(str(vars(record)) for record in caplog.records if record.name == "ims.web")
    assert "signed in" in written
    for secret in (password, "wrong-guess", client.cookies[COOKIE]):
        assert secret not in written


def test_passwords_are_salted_long_and_typed_without_doubt() -> None:
    password = generate_password()
    assert len(password.replace("-", "")) == 20
    assert not set(password) & set("ilo01")
    hashed = hash_password(password)
    assert hashed != hash_password(password)
    assert verify_password(hashed, password)
    assert not verify_password(hashed, password + "x")
    assert not verify_password(None, password)
    assert not verify_password(hashed, "x" * 100_000)


def test_cost_and_stores_follow_the_role() -> None:
    assert scope_for("admin").store_codes is None
    manager = scope_for("manager", frozenset({"S01"}))
    assert (manager.allows("S01"), manager.allows("S02"), manager.sees_cost) == (True, False, False)
    assert scope_for("staff").store_codes == frozenset()
    assert {role for role in ("superadmin", "admin", "buyer", "accountant") if not scope_for(role).sees_cost} == set()
    assert not scope_for("analyst").sees_cost
