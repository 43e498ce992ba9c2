"""New passwords: the rules, one's own change, and the one-time token that is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import Type, extract_parameters
from fastapi.testclient import TestClient

from api.app import create_app
from api.identity.limits import AttemptLimit
from api.identity.password_rules import fault_of
from api.identity.passwords import hash_password
from ims.failure import WrongInput
from ims.settings import get_settings

OLD, NEW = "the first sentence", "a second sentence"


@pytest.fixture
def url(installation) -> str:
    return installation.databases.operational


@pytest.fixture
def client(installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The app; how often one may try is the matter of test_limits."""

    async def never(*_: object) -> int:
        return 0

    monkeypatch.setattr(AttemptLimit, "wait_seconds", never)
    with TestClient(create_app(installation.databases), base_url="http://ims.test", follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, word: str) -> Any:
    return client.post("/api/v1/tokens", json={"username": "asha", "password": word})


def outbox(url: str) -> list[tuple[str, dict[str, Any]]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT recipient, payload FROM outbox_messages ORDER BY created_at").fetchall()


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "asha", "AshaAshaAsha1", "passwordpassword", "PassWord1234", "aaaaaaaaaaaa",
     "121212121212", "x" * 1025, "with a \x00 in it"],
)  # fmt: skip
def test_weak_passwords_are_refused(password: str) -> None:
    assert fault_of(password, "asha") is not None


@pytest.mark.parametrize("password", ["a sentence of mine", "चश्मे की दुकान में", "tashasha-in-the-rain", "x9$Kd02!mmQp"])
def test_good_passwords_are_not(password: str) -> None:
    assert fault_of(password, "asha") is None


@pytest.mark.usefixtures("real_passwords")
def test_a_hash_costs_at_least_what_is_recommended() -> None:
    made = extract_parameters(hash_password(NEW))
    assert made.type is Type.ID
    assert made.memory_cost >= 19 * 1024
    assert made.time_cost >= 2


def test_a_changed_password_ends_every_other_session(client: TestClient, url: str, make_user) -> None:
    mine = {"authorization": f"Bearer {make_user(url, 'asha', password=OLD)}"}
    other = {"authorization": f"Bearer {sign_in(client, OLD).json()['access_token']}"}
    path = "/api/v1/account/password"
    assert client.patch(path, json={"current_password": "no", "new_password": NEW}, headers=mine).status_code == 403
    weak = client.patch(path, json={"current_password": OLD, "new_password": "asha12345678"}, headers=mine)
    assert (weak.status_code, weak.json()["faults"][0]["where"]) == (422, "new_password")
    assert client.patch(path, json={"current_password": OLD, "new_password": NEW}, headers=mine).status_code == 204
    assert [client.get("/api/v1/account", headers=each).status_code for each in (mine, other)] == [200, 401]
    assert [sign_in(client, word).status_code for word in (OLD, NEW)] == [401, 201]


def test_what_the_installation_knows_as_breached_is_refused(
    installation, make_user, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = tmp_path / "pwned.txt"
    hashes.write_text(f"{hashlib.sha1(NEW.encode(), usedforsecurity=False).hexdigest().upper()}:3\n")
    monkeypatch.setenv("IMS_BREACHED_PASSWORDS_FILE", str(hashes))
    get_settings.cache_clear()
    mine = {"authorization": f"Bearer {make_user(installation.databases.operational, 'asha', password=OLD)}"}
    body = {"current_password": OLD, "new_password": NEW}
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as client:
        refused = client.patch("/api/v1/account/password", json=body, headers=mine)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:ims:problem:weak-password")
        assert "leak of another site" in refused.json()["detail"]
        hashes.unlink()
        unsure = client.patch("/api/v1/account/password", json=body, headers=mine)
        assert (unsure.status_code, unsure.json()["type"]) == (503, "urn:ims:problem:no-breached-passwords")
        assert sign_in(client, OLD).status_code == 201
    with pytest.raises(WrongInput, match="IMS_BREACHED_PASSWORDS_FILE"):
        create_app(installation.databases)


def test_a_reset_token_is_sent_works_once_and_tells_nothing(client: TestClient, url: str, make_user) -> None:
    token = make_user(url, "asha", password=OLD)
    make_user(url, "without-address", password=OLD)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET email = 'asha@chain.example' WHERE username = 'asha'")
    answers = []
    for name in ("asha", "without-address", "nobody"):
        forged = {"host": "evil.example", "x-forwarded-host": "evil.example"}
        answer = client.post("/api/v1/password-resets", json={"username": name}, headers=forged)
        answers.append((answer.status_code, answer.content))
    assert answers == [(202, b"")] * 3
    ((recipient, payload),) = outbox(url)
    assert recipient == "asha@chain.example"
    assert payload["link"].startswith("http://127.0.0.1:8000/reset-password?token=")
    secret = payload["token"]
    with psycopg.connect(url) as connection:
        assert secret not in str(connection.execute("SELECT * FROM password_resets").fetchall())
        assert secret not in str(connection.execute("SELECT before, after FROM audit_log").fetchall())

    def confirm(token: str, word: str) -> int:
        body = {"token": token, "password": word}
        return client.post("/api/v1/password-resets/confirm", json=body).status_code

    assert [confirm("nonsense", NEW), confirm(secret, "short"), confirm(secret, NEW)] == [403, 422, 204]
    assert confirm(secret, OLD) == 403
    assert client.get("/api/v1/account", headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert [sign_in(client, word).status_code for word in (OLD, NEW)] == [401, 201]

    # a newer request ends the earlier one, and half an hour every one
    for _ in range(2):
        client.post("/api/v1/password-resets", json={"username": "asha"})
    first, second = (each[1]["token"] for each in outbox(url)[1:])
    assert confirm(first, OLD) == 403
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE password_resets SET expires_at = now()")
    assert confirm(second, OLD) == 403


def test_the_page_of_the_link_sets_the_password(client: TestClient, url: str, make_user) -> None:
    make_user(url, "asha", password=OLD)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET email = 'asha@chain.example'")
    client.post("/api/v1/password-resets", json={"username": "asha"})
    secret = outbox(url)[0][1]["token"]
    page = client.get(f"/reset-password?token={secret}")
    assert (page.status_code, secret in page.text, page.headers["cache-control"]) == (200, True, "no-store")
    assert "<script>" not in client.get("/reset-password", params={"token": '"><script>x'}).text
    weak = client.post("/reset-password", data={"token": secret, "password": "short"})
    assert (weak.status_code, "at least 12" in weak.text) == (422, True)
    assert client.post("/reset-password", data={"token": secret, "password": NEW}).status_code == 200
    again = client.post("/reset-password", data={"token": secret, "password": NEW})
    assert (again.status_code, "too old" in again.text) == (403, True)
    assert sign_in(client, NEW).status_code == 201
