"""The second factor: set up with a QR code, asked for, each code once, backup codes, required by role, turned off."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pyotp
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.identity import second_factor
from api.identity.limits import AttemptLimit
from api.identity.second_factor import matching_step
from api.identity.sessions import COOKIE
from api.identity.users import ensure_admin
from ims.settings import get_settings

SAME = {"origin": "http://ims.test"}
FACTOR = "/account/second-factor"


@pytest.fixture
def url(installation) -> str:
    return installation.databases.operational


@pytest.fixture
def password(url: str) -> str:
    made = ensure_admin(url)
    assert made is not None
    return made


@pytest.fixture
def client(installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The app; how often one may try is the matter of test_limits."""

    async def never(*_: object) -> int:
        return 0

    monkeypatch.setattr(AttemptLimit, "wait_seconds", never)
    with TestClient(create_app(installation.databases), base_url="http://ims.test", follow_redirects=False) as client:
        yield client


class Phone:
    """An authenticator app whose clock can be put forward: a real one would make the tests wait 30 seconds a code."""

    def __init__(self, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.secret, self.ahead = secret, 0
        real = time.time
        monkeypatch.setattr(second_factor.time, "time", lambda: real() + self.ahead)

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(int(second_factor.time.time()) + 30 * steps)

    def next(self) -> str:
        self.ahead += 60
        return self.code()


def tokens(client: TestClient, password: str, **more: str) -> Any:
    return client.post("/api/v1/tokens", json={"username": "admin", "password": password, **more})


def kinds(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT kind FROM audit_log ORDER BY at").fetchall()]


def set_up(client: TestClient, password: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Phone, list[str]]:
    client.headers.update({"authorization": f"Bearer {tokens(client, password).json()['access_token']}"})
    assert client.post("/api/v1/account/totp", json={"password": "wrong"}).status_code == 403
    enrolment = client.post("/api/v1/account/totp", json={"password": password}).json()
    again = client.post("/api/v1/account/totp", json={"password": password}).json()
    assert enrolment == again, "the secret that waits stays the same"
    assert enrolment["uri"].startswith("otpauth://totp/IMS:admin?secret=" + enrolment["secret"])
    assert enrolment["qr_svg"].startswith("<svg ")
    phone = Phone(enrolment["secret"], monkeypatch)
    wrong = f"{(int(phone.code()) + 1) % 1_000_000:06}"
    assert client.post("/api/v1/account/totp/confirm", json={"code": wrong}).status_code in {401, 200}
    confirmed = client.post("/api/v1/account/totp/confirm", json={"code": phone.next()})
    assert confirmed.status_code == 200, confirmed.text
    return phone, confirmed.json()["backup_codes"]


def test_a_code_is_asked_for_and_taken_once(
    client: TestClient, password: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, codes = set_up(client, password, monkeypatch)
    assert (len(set(codes)), {len(code) for code in codes}) == (10, {19})
    used = phone.code()
    assert client.get("/api/v1/account").json()["has_second_factor"] is True
    assert client.post("/api/v1/account/totp", json={"password": password}).status_code == 409
    missing = tokens(client, password)
    assert (missing.status_code, missing.json()["type"]) == (401, "urn:ims:problem:code-required")
    assert tokens(client, password, totp=used).status_code == 401, "the code that turned it on is spent"
    fresh = phone.next()
    assert tokens(client, password, totp=f" {fresh[:3]} {fresh[3:]} ").status_code == 201
    replayed = tokens(client, password, totp=fresh)
    assert (replayed.status_code, replayed.json()["type"]) == (401, "urn:ims:problem:wrong-code")
    assert tokens(client, password, totp=phone.code(-1)).status_code == 401, "an earlier one is spent too"
    for wrong in ("000000x", "12345", "abcdef", "١٢٣٤٥٦", "", "' OR 1=1"):
        assert tokens(client, password, totp=wrong).status_code == 401, wrong
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT totp_secret FROM users").fetchone()[0]
        hashes = [row[0] for row in connection.execute("SELECT code_hash FROM backup_codes").fetchall()]
    assert phone.secret.encode() not in bytes(stored)
    assert not set(codes) & set(hashes)
    written = kinds(url)
    assert "second_factor.enabled" in written
    assert written.count("second_factor.replayed") >= 2


def test_two_requests_at_once_cannot_both_take_a_code(
    client: TestClient, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, codes = set_up(client, password, monkeypatch)
    for code in (phone.next(), codes[0]):
        statuses: list[int] = []

        def take(code: str = code, statuses: list[int] = statuses) -> None:
            statuses.append(tokens(client, password, totp=code).status_code)

        racers = [threading.Thread(target=take) for _ in range(4)]
        for each in racers:
            each.start()
        for each in racers:
            each.join()
        assert sorted(statuses) == [201, 401, 401, 401]


def test_backup_codes_work_once_and_the_factor_is_turned_off_with_the_password(
    client: TestClient, password: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, codes = set_up(client, password, monkeypatch)
    assert tokens(client, password, totp=codes[0].upper().replace("-", " ")).status_code == 201
    assert tokens(client, password, totp=codes[0]).status_code == 401
    assert tokens(client, password, totp=codes[1]).status_code == 201
    assert client.post("/api/v1/account/totp/disable", json={"password": "wrong"}).status_code == 403
    assert client.post("/api/v1/account/totp/disable", json={"password": password}).status_code == 204
    assert client.post("/api/v1/account/totp/disable", json={"password": password}).status_code == 409
    assert tokens(client, password).status_code == 201
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM backup_codes").fetchone() == (0,)
    assert {"second_factor.backup_used", "second_factor.disabled"} <= set(kinds(url))


def key_on(page: Any) -> str:
    """The key a page shows, which it does in fours."""
    parts = re.findall(r"<span>([A-Z2-7]{4})</span>", page.text)
    assert len(parts) == 8
    return "".join(parts)


def form(page: Any) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def test_the_page_asks_in_a_second_step_and_gives_no_session_before(
    client: TestClient, password: str, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    phone, codes = set_up(client, password, monkeypatch)
    del client.headers["authorization"]
    first = client.post("/sign-in", data={"username": "admin", "password": password, "next": "/sales"})
    assert (first.status_code, "set-cookie" in first.headers) == (200, False)
    carried = form(first)
    assert client.get("/api/v1/account").status_code == 401
    assert client.get("/api/v1/account", headers={"authorization": f"Bearer {carried['step']}"}).status_code == 401
    wrong = client.post("/sign-in", data={**carried, "code": "000000"})
    assert (wrong.status_code, "not right" in wrong.text, "set-cookie" in wrong.headers) == (401, True, False)
    code = phone.next()  # good with the step it was asked for, and with no other
    for forged in (carried["step"][:-9] + "AAAAAAAA=", "x", carried["step"] * 9, "é"):
        answer = client.post("/sign-in", data={**carried, "step": forged, "code": code})
        assert (answer.status_code in {401, 422}, "set-cookie" in answer.headers) == (True, False)
    good = client.post("/sign-in", data={**carried, "code": code})
    assert (good.status_code, good.headers["location"]) == (303, "/sales")
    assert client.get("/api/v1/account").status_code == 200
    client.cookies.clear()
    # the step dies with the password it was given for
    second = form(client.post("/sign-in", data={"username": "admin", "password": password}))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET password_changed_at = now()")
    assert client.post("/sign-in", data={**second, "code": codes[0]}).status_code == 401


def test_a_role_that_needs_it_sets_it_up_before_the_first_session(
    client: TestClient, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = next(each.kwargs["door"] for each in client.app.user_middleware if "door" in each.kwargs)  # type: ignore[attr-defined]
    door.settings = get_settings().model_copy(update={"require_totp_roles": frozenset({"superadmin"})})
    refused = tokens(client, password)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ims:problem:second-factor-required")
    page = client.post("/sign-in", data={"username": "admin", "password": password})
    assert (page.status_code, "<svg" in page.text, "set-cookie" in page.headers) == (200, True, False)
    phone = Phone(key_on(page), monkeypatch)
    wrong = client.post("/sign-in", data={**form(page), "code": "000000"})
    assert (wrong.status_code, phone.secret == key_on(wrong)) == (401, True)
    done = client.post("/sign-in", data={**form(page), "code": phone.next()})
    assert done.status_code == 200
    assert len(re.findall(r"<li><code>", done.text)) == 10
    assert COOKIE in client.cookies
    off = client.post(FACTOR, data={"action": "disable", "password": password}, headers=SAME)
    assert off.status_code == 403


def test_a_page_sets_it_up_and_turns_it_off(client: TestClient, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client.post("/sign-in", data={"username": "admin", "password": password})
    assert "It is off" in client.get("/account").text
    assert client.post(FACTOR, data={"action": "enrol", "password": password}).status_code == 403
    page = client.post(FACTOR, data={"action": "enrol", "password": password}, headers=SAME)
    phone = Phone(key_on(page), monkeypatch)
    policy = page.headers["content-security-policy"]
    assert "script" not in policy
    assert page.headers["cache-control"] == "no-store"
    wrong = client.post(FACTOR, data={"action": "confirm", "code": "000000"}, headers=SAME)
    assert (wrong.status_code, phone.secret == key_on(wrong)) == (401, True)
    done = client.post(FACTOR, data={"action": "confirm", "code": phone.next()}, headers=SAME)
    assert "backup codes" in done.text
    assert "It is on" in client.get("/account").text
    assert client.post(FACTOR, data={"action": "disable", "password": "no"}, headers=SAME).status_code == 403
    off = client.post(FACTOR, data={"action": "disable", "password": password}, headers=SAME)
    assert (off.status_code, off.headers["location"]) == (303, "/account?done=second-factor-off")
    assert "It is off" in client.get("/account").text


def test_new_backup_codes_void_the_earlier_ones(
    client: TestClient, password: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/api/v1/account/totp/backup-codes"
    client.headers.update({"authorization": f"Bearer {tokens(client, password).json()['access_token']}"})
    assert client.post(path, json={"password": password}).status_code == 409, "there is no second factor"
    _, codes = set_up(client, password, monkeypatch)
    assert tokens(client, password, totp=codes[0]).status_code == 201
    assert client.get("/api/v1/account").json()["backup_codes_left"] == 9
    assert client.post(path, json={"password": "wrong"}).status_code == 403
    answer = client.post(path, json={"password": password})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    renewed = answer.json()["backup_codes"]
    assert len({*renewed, *codes}) == 20
    assert client.get("/api/v1/account").json()["backup_codes_left"] == 10
    assert [tokens(client, password, totp=code).status_code for code in (codes[1], renewed[0])] == [401, 201]
    assert "second_factor.backup_renewed" in kinds(url)


def test_the_codes_are_those_of_rfc_6238() -> None:
    """Appendix B: secret 12345678901234567890, the last six digits of its eight."""
    secret = "GEZDGNBVGY3TQOJQ" * 2
    for at, code in ((1111111111, "050471"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert matching_step(secret, code, now=at) == at // 30
        assert matching_step(secret, code, now=at + 30) == at // 30
        assert matching_step(secret, code, now=at - 30) == at // 30
        assert matching_step(secret, code, now=at + 61) is None
