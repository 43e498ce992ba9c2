"""The page of one's own account, and what a forgotten password gets: forms as a browser sends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from api.app import create_app
from api.identity import passwords
from api.identity.limits import AttemptLimit
from api.identity.sessions import COOKIE
from api.identity.users import ensure_admin
from api.routes.account_sections import describe_agent
from ims.settings import get_settings

SAME = {"origin": "http://ims.test"}
OLD, NEW = "the first sentence", "a second sentence"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Safari/604.1"


@pytest.fixture
def url(installation) -> str:
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(
            "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand) "
            "VALUES ('Drishti', 'INR', 'Asia/Kolkata', '2026-11-23', 'day', 'lost')"
        )
        connection.execute("INSERT INTO stores (store_code, name) VALUES ('S01', 'A <b> & C'), ('S02', 'Other')")
    return installation.databases.operational


@pytest.fixture
def make_client(installation, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`make_client(IMS_SMTP_URL=…)`: the app with these settings, and without limits of attempts."""

    async def never(*_: object) -> int:
        return 0

    monkeypatch.setattr(AttemptLimit, "wait_seconds", never)
    opened: list[TestClient] = []

    def make(**variables: str) -> TestClient:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        client = TestClient(create_app(installation.databases), base_url="http://ims.test", follow_redirects=False)
        client.__enter__()
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client, url: str, make_user) -> TestClient:
    """The app as Asha's browser, signed in; she manages S01."""
    make_user(url, "asha", ("manager",), ("S01",), ("prescription:write",), OLD)
    client = make_client()
    client.headers["user-agent"] = FIREFOX
    assert client.post("/sign-in", data={"username": "asha", "password": OLD}).status_code == 303
    return client


def audited(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT kind FROM audit_log ORDER BY at").fetchall()]


def test_the_page_says_who_i_am_and_shows_nothing_of_others(client: TestClient, url: str, make_user) -> None:
    make_user(url, "ravi", ("superadmin",))
    page = client.get("/account")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "script" not in page.headers["content-security-policy"]
    for said in ("asha", "Manager", "S01 · A &lt;b&gt; &amp; C", "prescription:write", "It is off", "IST</time>"):
        assert said in page.text, said
    for other in ("S02", "ravi", "Every store", "<b> &"):
        assert other not in page.text
    assert "Firefox on Linux" in page.text
    assert page.text.count("This one") == 1
    assert client.get("/second-factor").headers["location"] == "/account#second-factor"
    token = make_user(url, "boss", ("admin",))
    client.cookies.set(COOKIE, token)
    assert "Every store" in client.get("/account").text


def test_a_page_for_nobody_and_forms_from_elsewhere(client: TestClient) -> None:
    for path in ("/account/password", "/account/second-factor", "/account/sessions"):
        assert client.post(path, data={}).status_code == 403, "no proof that a page of this site sent it"
        assert client.post(path, data={}, headers={"origin": "http://evil.test"}).status_code == 403
    client.cookies.clear()
    answer = client.get("/account", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Faccount")
    assert client.post("/account/password", data={}, headers={"accept": "text/html"}).status_code == 303


def test_the_password_is_changed_with_the_current_one_typed_twice(client: TestClient, url: str, make_user) -> None:
    other = make_user(url, "asha", ("manager",), ("S01",), (), OLD)

    def change(current: str, password: str, again: str) -> Any:
        form = {"current": current, "password": password, "again": again}
        return client.post("/account/password", data=form, headers=SAME)

    for form, status, said in (
        (("wrong", NEW, NEW), 403, "not right"),
        ((OLD, NEW, NEW + "x"), 422, "differ"),
        ((OLD, "short", "short"), 422, "at least 12"),
        ((OLD, "", ""), 422, "at least 12"),
        ((OLD, "x" * 2000, "x" * 2000), 422, "not filled in"),
    ):
        page = change(*form)
        assert (page.status_code, said in page.text) == (status, True), form[1][:20]
        assert 'role="alert"' in page.text or status == 422
    done = change(OLD, NEW, NEW)
    assert (done.status_code, done.headers["location"]) == (303, "/account?done=password")
    page = client.get("/account?done=password")
    assert (page.status_code, "Your new password holds" in page.text) == (200, True)
    assert "<script" not in client.get("/account", params={"done": "<script>x"}).text
    headers = {"authorization": f"Bearer {other}"}
    client.cookies.clear()
    assert client.get("/api/v1/account", headers=headers).status_code == 401
    assert client.post("/sign-in", data={"username": "asha", "password": NEW}).status_code == 303


def test_sessions_are_ended_from_the_page_one_or_all_but_mine(client: TestClient, url: str, make_user) -> None:
    stranger = make_user(url, "ravi", ("manager",), ("S02",))
    program = client.post("/api/v1/tokens", json={"username": "asha", "password": OLD}).json()["access_token"]
    first, second = (make_user(url, "asha", ("manager",), ("S01",), (), OLD) for _ in range(2))
    page = client.get("/account").text
    assert len(re.findall(r"<li>", page)) == 5
    assert "A program (Mozilla/5.0)" in page
    with psycopg.connect(url) as connection:
        ((theirs,), *_) = connection.execute(
            "SELECT session_id FROM user_sessions JOIN users USING (user_id) WHERE username = 'ravi'"
        ).fetchall()
    mine = [int(number) for number in re.findall(r'name="session_id" value="(\d+)"', page)]
    assert theirs not in mine

    def end(session_id: object, password: str = "") -> Any:
        return client.post("/account/sessions", data={"session_id": session_id, "password": password}, headers=SAME)

    for wrong in (theirs, 0, "x", "", "1 OR 1=1", 10**18, "9" * 20):
        assert end(wrong).status_code == 404, wrong
    assert "no open session" in end(theirs).text

    def is_open(token: str) -> bool:
        headers = {"authorization": f"Bearer {token}"}
        return client.get("/api/v1/account", headers=headers).status_code == 200

    newest = max(mine)
    with psycopg.connect(url) as connection:  # what was begun long ago may have been left open by its owner
        connection.execute("UPDATE user_sessions SET created_at = created_at - interval '11 minutes'")
    for each in (newest, "others"):
        assert "Sign in again" in end(each).text
        assert "not right" in end(each, "not hers").text
    assert is_open(second)
    assert end(newest, OLD).headers["location"] == "/account?done=session"
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE user_sessions SET created_at = now()")
    assert end(newest).status_code == 404
    assert [is_open(token) for token in (second, first, program, stranger)] == [False, True, True, True]
    assert end("others").headers["location"] == "/account?done=sessions"
    assert [is_open(token) for token in (first, program, stranger)] == [False, False, True]
    assert client.get("/account").text.count("<li>") == 1
    assert audited(url).count("session.revoked") == 4


def test_a_forgotten_password_is_a_link_where_mail_is_sent(make_client, url: str, make_user) -> None:
    make_user(url, "asha", password=OLD)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET email = 'asha@chain.example'")
    without = make_client()
    assert "/forgot-password" not in without.get("/sign-in").text
    assert "administrator" in without.get("/forgot-password").text
    assert without.post("/forgot-password", data={"username": "asha"}).status_code == 409
    client = make_client(IMS_SMTP_URL="smtp://127.0.0.1:9")
    assert "/forgot-password" in client.get("/sign-in").text
    assert "/forgot-password" in client.post("/sign-in", data={"username": "asha", "password": "no"}).text
    assert 'name="username"' in client.get("/forgot-password").text
    assert client.post("/forgot-password", data={"username": " "}).status_code == 422
    assert client.post("/forgot-password", data={"username": "asha"}, headers={"origin": "http://x"}).status_code == 403
    answers = {client.post("/forgot-password", data={"username": name}).text for name in ("asha", "nobody")}
    # each page has a nonce of its own and is otherwise the same
    assert len({re.sub(r'nonce="[^"]+"', "", text) for text in answers}) == 1
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT recipient, topic FROM outbox_messages").fetchall()
    assert rows == [("asha@chain.example", "password.reset")]


def test_a_hash_of_other_parameters_is_made_anew_when_its_password_is_at_hand(client: TestClient, url: str) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024).hash(OLD)

    def stored() -> str:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT password_hash FROM users WHERE username = 'asha'").fetchone()[0]

    before = stored()
    assert client.post("/sign-in", data={"username": "asha", "password": OLD}).status_code == 303
    assert stored() == before, "a hash of today's parameters stays"
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET password_hash = %s", (weak,))
    assert passwords.needs_rehash(weak)
    assert client.post("/sign-in", data={"username": "asha", "password": "wrong"}).status_code == 401
    assert stored() == weak
    assert client.get("/account").status_code == 200
    assert client.post("/sign-in", data={"username": "asha", "password": OLD}).status_code == 303
    assert stored() != weak
    assert not passwords.needs_rehash(stored())
    assert passwords.verify_password(stored(), OLD)
    assert client.post("/api/v1/tokens", json={"username": "asha", "password": OLD}).status_code == 201


def test_the_first_admin_is_audited_without_its_password(url: str) -> None:
    password = ensure_admin(url)
    assert ensure_admin(url) is None
    with psycopg.connect(url) as connection:
        ((kind, after),) = connection.execute("SELECT kind, after FROM audit_log").fetchall()
    assert (kind, after["username"], after["roles"]) == ("user.created", "admin", ["superadmin"])
    assert password is not None
    assert password not in str(after)


@pytest.mark.parametrize(
    ("kind", "agent", "said"),
    [
        ("browser", FIREFOX, "Firefox on Linux"),
        ("browser", EDGE, "Edge on Windows"),
        ("browser", IPHONE, "Safari on iPhone"),
        ("api", "curl/8.5.0", "A program (curl/8.5.0)"),
        ("api", "python-httpx/0.28.1 more", "A program (python-httpx/0.28.1)"),
        ("api", None, "A program"),
        ("browser", "<script>", "A browser"),
        ("browser", "", "A browser"),
    ],
)
def test_a_session_is_described_as_its_owner_knows_it(kind: str, agent: str | None, said: str) -> None:
    assert describe_agent(kind, agent) == said
