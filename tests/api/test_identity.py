"""Signing in: what opens the door, what does not, and what another site can do with a browser that is signed in."""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.identity.origin import local_path
from api.identity.passwords import generate_password, hash_password, verify_password
from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from api.identity.sessions import COOKIE, SECURE_COOKIE, hash_token
from api.identity.users import add_user, ensure_admin, list_users, reset_admin_password, reset_password
from ims.failure import WrongInput

OPEN = ("/health", "/ready", "/metrics", "/sign-in", "/reset-password")
BROWSER = {"accept": "text/html"}
SAME = {"origin": "http://ims.test", "sec-fetch-site": "same-origin"}


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


def status_soon(client: TestClient, wanted: int, path: str = "/api/v1/sessions") -> int:
    """The status, once the process was told of a change made behind its back; that takes milliseconds."""
    for _ in range(100):
        status = client.get(path).status_code
        if status == wanted:
            break
        time.sleep(0.02)
    return status


def sign_in(client: TestClient, password: str, **fields: str) -> int:
    form = {"username": "admin", "password": password, **fields}
    return client.post("/sign-in", data=form).status_code


def test_the_first_start_makes_one_admin_and_the_second_nobody(installation, password: str) -> None:
    url = installation.databases.operational
    assert ensure_admin(url) is None
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT username, role, password_hash FROM users JOIN user_roles USING (user_id)"
        ).fetchall()
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
    assert client.get("/api/v1/sessions").status_code == 200
    signed_out = client.post("/sign-out", headers=SAME)
    assert signed_out.status_code == 303
    assert signed_out.headers["clear-site-data"] == '"storage"'
    client.cookies.set(COOKIE, token)
    assert client.get("/api/v1/sessions").status_code == 401


def test_a_bearer_token_opens_and_the_cookie_is_secure_under_https(client: TestClient, password: str) -> None:
    answer = client.post("https://ims.test/sign-in", data={"username": "admin", "password": password})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    token = answer.cookies[SECURE_COOKIE]
    assert client.get("https://ims.test/api/v1/sessions").status_code == 200
    client.cookies.clear()
    assert client.get("/api/v1/sessions", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert client.get("/api/v1/sessions", headers={"authorization": f"Bearer {token}x"}).status_code == 401


def test_a_session_that_ended_opens_nothing(client: TestClient, password: str, installation) -> None:
    for ending in (
        "UPDATE user_sessions SET expires_at = now() - interval '1 second'",
        "UPDATE user_sessions SET revoked_at = now()",
        "UPDATE users SET is_active = false",
    ):
        assert sign_in(client, password) == 303
        assert client.get("/api/v1/sessions").status_code == 200
        with psycopg.connect(installation.databases.operational) as connection:
            connection.execute(ending)
        assert status_soon(client, 401) == 401, ending
    assert sign_in(client, password) == 401


def test_a_new_password_ends_the_sessions_of_the_old_one(client: TestClient, password: str, installation) -> None:
    assert sign_in(client, password) == 303
    renewed = reset_admin_password(installation.databases.operational)
    assert status_soon(client, 401) == 401
    assert sign_in(client, password) == 401
    assert sign_in(client, renewed) == 303


def test_what_is_wrong_is_not_told_apart(client: TestClient, password: str) -> None:
    known = client.post("/sign-in", data={"username": "admin", "password": "x"})
    unknown = client.post("/sign-in", data={"username": "nobody", "password": "x"})
    assert known.status_code == unknown.status_code == 401
    without_nonce = [answer.text.split("</style>")[1].replace("nobody", "admin") for answer in (known, unknown)]
    assert without_nonce[0] == without_nonce[1]


def test_signing_in_anew_changes_the_token_and_ends_the_old_session(client: TestClient, password: str) -> None:
    client.cookies.set(COOKIE, "planted-by-somebody", domain="ims.test")
    assert client.get("/api/v1/sessions").status_code == 401
    tokens = []
    for _ in range(2):
        answer = client.post("/sign-in", data={"username": "admin", "password": password})
        tokens.append(answer.cookies[COOKIE])
    assert len({*tokens, "planted-by-somebody"}) == 3
    client.cookies.clear()
    opened = [
        client.get("/api/v1/sessions", headers={"authorization": f"Bearer {token}"}).status_code
        for token in ("planted-by-somebody", *tokens)
    ]
    assert opened == [401, 401, 200]


def test_headers_cannot_be_smuggled_in(client: TestClient, password: str) -> None:
    form = {"username": "admin", "password": password, "next": "/sales\r\nSet-Cookie: ims_session=evil"}
    answer = client.post("/sign-in", data=form)
    assert answer.headers["location"] == "/"
    assert "evil" not in str(answer.headers)
    client.cookies.clear()
    for bearer in (b"\x00", b"a b", b"..", b"a.b.c", b"\xff" * 40, b"x" * 5000, b"a.b.c\r\nx-user: admin"):
        answer = client.get("/api/v1/sessions", headers=[(b"authorization", b"Bearer " + bearer)])
        assert answer.status_code == 401, bearer


def test_a_cookie_alone_writes_nothing_a_bearer_needs_no_proof(client: TestClient, password: str) -> None:
    assert sign_in(client, password) == 303
    token = client.cookies[COOKIE]
    refused = client.post("/sign-out")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ims:problem:cross-origin")
    assert client.get("/api/v1/sessions").status_code == 200
    client.cookies.clear()
    assert client.delete("/api/v1/tokens/current", headers={"authorization": f"Bearer {token}"}).status_code == 204
    assert client.get("/api/v1/sessions", headers={"authorization": f"Bearer {token}"}).status_code == 401


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
        assert client.get("/api/v1/sessions").status_code == 200
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
        client.get("/api/v1/sessions")
    written = "\n".join(str(vars(record)) for record in caplog.records if record.name == "ims.web")
    assert "session.opened" in written
    assert "session.refused" in written
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


def user(*roles: str, stores: tuple[str, ...] = (), grants: tuple[str, ...] = ()) -> SignedIn:
    ids = frozenset(range(1, len(stores) + 1))
    end = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    return SignedIn(1, "asha", frozenset(roles), 1, end, ids, frozenset(stores), frozenset(grants))


def test_cost_and_stores_follow_the_roles_and_what_was_given() -> None:
    assert scope_of(user("admin")).store_codes is None
    manager = scope_of(user("manager", stores=("S01",)))
    assert (manager.allows("S01"), manager.allows("S02"), manager.sees_cost) == (True, False, False)
    assert scope_of(user("staff")).store_codes == frozenset()
    assert scope_of(user()).store_codes == frozenset()
    assert {
        role for role in ("superadmin", "admin", "buyer", "accountant") if not scope_of(user(role)).sees_cost
    } == set()
    assert not scope_of(user("analyst")).sees_cost
    assert scope_of(user("analyst", grants=("cost:read",))).sees_cost
    assert scope_of(user("manager", "buyer", stores=("S01",))).store_codes is None
    assert scope_of(user("accountant"), "suggestion:read").store_codes == frozenset()


def test_the_command_line_adds_lists_and_resets(installation, client: TestClient) -> None:
    url = installation.databases.operational
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO stores (store_code, name) VALUES ('S01', 'One'), ('S02', 'Two')")
    first = add_user(url, "asha", ["manager", "buyer"], ["S02", "S01"])
    assert list_users(url) == [("asha", ["buyer", "manager"], ["S02", "S01"], True)]
    for wrong in (
        ("asha", ["manager"], []),
        ("x", ["king"], []),
        ("x", [], []),
        ("x", ["staff"], ["S99"]),
        (" x", ["staff"], []),
    ):
        with pytest.raises(WrongInput):
            add_user(url, *wrong)
    assert len(list_users(url)) == 1
    # a password that somebody else made is changed before it opens anything
    page = client.post("/sign-in", data={"username": "asha", "password": first})
    assert (page.status_code, COOKIE in page.cookies) == (200, False)
    step = re.search(r'name="step" value="([^"]+)"', page.text)[1]
    weak = client.post("/sign-in", data={"step": step, "password": "asha12345678"})
    assert (weak.status_code, "user name" in weak.text) == (422, True)
    answer = client.post("/sign-in", data={"step": step, "password": "a sentence of my own", "next": "/sales"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sales")
    assert client.get("/api/v1/account").json()["store_codes"] == ["S01", "S02"]
    again = client.post("/sign-in", data={"step": step, "password": "another sentence of mine"})
    assert again.status_code == 401, "the step is spent: the password changed"
    renewed = reset_password(url, "asha")
    assert status_soon(client, 401) == 401
    assert client.post("/api/v1/tokens", json={"username": "asha", "password": renewed}).status_code == 403
    with pytest.raises(WrongInput):
        reset_password(url, "nobody")
