"""Programs: how they sign in, what their tokens open and for how long, and what forged, old or stolen ones do."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.identity.keys import load_key_ring, load_vault
from api.identity.tokens import AUDIENCE, ISSUER, MOST, AccessTokens, RefusedToken
from api.identity.users import ensure_admin
from ims.failure import WrongInput
from ims.settings import Settings

PATH = "/api/v1/account"


@pytest.fixture
def password(installation) -> str:
    made = ensure_admin(installation.databases.operational)
    assert made is not None
    return made


@pytest.fixture
def client(installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation.databases), base_url="http://ims.test", follow_redirects=False) as client:
        yield client


@pytest.fixture
def tokens(client: TestClient, password: str) -> dict[str, str]:
    answer = client.post("/api/v1/tokens", json={"username": "admin", "password": password})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def opens(client: TestClient, token: str) -> int:
    return client.get(PATH, headers=bearer(token)).status_code


def kinds(installation) -> list[str]:
    with psycopg.connect(installation.databases.operational) as connection:
        return [row[0] for row in connection.execute("SELECT kind FROM audit_log ORDER BY at").fetchall()]


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_an_access_token_says_who_and_until_when_and_no_more(client: TestClient, tokens: dict[str, str]) -> None:
    header = jwt.get_unverified_header(tokens["access_token"])
    said = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (header["alg"], set(said)) == ("EdDSA", {"iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"})
    assert said["exp"] - said["iat"] == tokens["expires_in"] == 900
    assert (tokens["token_type"], said["iss"], said["aud"]) == ("Bearer", ISSUER, AUDIENCE)
    answer = client.get(PATH, headers=bearer(tokens["access_token"]))
    assert (answer.json()["username"], answer.json()["roles"]) == ("admin", ["superadmin"])
    assert answer.json()["permissions"]["cost:read"] == "all"


def test_a_refresh_token_works_once_and_its_second_use_ends_the_session(
    client: TestClient, tokens: dict[str, str], installation
) -> None:
    first = tokens["refresh_token"]
    second = client.post("/api/v1/tokens/refresh", json={"refresh_token": first}).json()
    third = client.post("/api/v1/tokens/refresh", json={"refresh_token": second["refresh_token"]}).json()
    assert opens(client, third["access_token"]) == 200
    stolen = client.post("/api/v1/tokens/refresh", json={"refresh_token": first})
    assert (stolen.status_code, stolen.json()["type"]) == (401, "urn:ims:problem:wrong-refresh-token")
    assert [opens(client, each["access_token"]) for each in (tokens, second, third)] == [401] * 3
    assert client.post("/api/v1/tokens/refresh", json={"refresh_token": third["refresh_token"]}).status_code == 401
    assert client.post("/api/v1/tokens/refresh", json={"refresh_token": "nonsense"}).status_code == 401
    assert kinds(installation).count("token.reused") == 1
    with psycopg.connect(installation.databases.operational) as connection:
        stored = connection.execute("SELECT token_hash FROM refresh_tokens").fetchall()
        reason = connection.execute("SELECT revoked_reason FROM user_sessions").fetchone()
    assert first not in {row[0] for row in stored}
    assert reason == ("refresh token reused",)


def test_of_two_simultaneous_refreshes_one_is_the_thief(client: TestClient, tokens: dict[str, str]) -> None:
    statuses: list[int] = []

    def refresh() -> None:
        body = {"refresh_token": tokens["refresh_token"]}
        statuses.append(client.post("/api/v1/tokens/refresh", json=body).status_code)

    both = [threading.Thread(target=refresh) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(statuses) == [200, 401]
    assert opens(client, tokens["access_token"]) == 401


def test_signing_out_revokes_both_tokens_at_once(client: TestClient, tokens: dict[str, str]) -> None:
    assert opens(client, tokens["access_token"]) == 200
    assert client.delete("/api/v1/tokens/current", headers=bearer(tokens["access_token"])).status_code == 204
    assert opens(client, tokens["access_token"]) == 401
    body = {"refresh_token": tokens["refresh_token"]}
    assert client.post("/api/v1/tokens/refresh", json=body).status_code == 401


def test_wrong_names_and_passwords_get_one_answer(client: TestClient, password: str, installation) -> None:
    answers = []
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("INSERT INTO users (username, password_hash, is_active) VALUES ('off', 'x', false)")
    for name, word in (("admin", "x"), ("nobody", "x"), ("off", "x")):
        answer = client.post("/api/v1/tokens", json={"username": name, "password": word})
        answers.append((answer.status_code, answer.json()))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401
    faulty = ({}, {"username": "admin"}, {"username": 1, "password": 2}, {"username": "a", "password": "b", "x": 1}, [])
    for body in faulty:
        assert client.post("/api/v1/tokens", json=body).status_code == 422
    for body in (r'{"username": "ad\u0000min", "password": "\u0000"}', r'{"username": "\ud800", "password": "\udfff"}'):
        answer = client.post("/api/v1/tokens", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in {401, 422}, answer.text


def forge(token: str, key: object, algorithm: str | None, **changes: object) -> str:
    said = jwt.decode(token, options={"verify_signature": False}) | changes
    header = {"kid": jwt.get_unverified_header(token)["kid"]}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm, headers=header)  # type: ignore[arg-type]


def test_forged_tokens_open_nothing_and_are_audited(client: TestClient, tokens: dict[str, str], installation) -> None:
    token, ring = tokens["access_token"], load_key_ring(installation.settings)
    public = ring.verifying[ring.kid]
    head, body, signature = token.split(".")
    now = int(time.time())

    def encode(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    none = encode({"alg": "none", "typ": "JWT", "kid": ring.kid})
    hmac_header = encode({"alg": "HS256", "typ": "JWT", "kid": ring.kid})
    confused = []
    for secret in (public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), public.public_bytes_raw()):
        mac = hmac.new(secret, f"{hmac_header}.{body}".encode(), hashlib.sha256).digest()
        confused.append(f"{hmac_header}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")
    longer = encode({**json.loads(base64.urlsafe_b64decode(body + "==")), "exp": now + 10**6})
    attacks = {
        "alg none": f"{none}.{body}.",
        "alg none, old signature": f"{none}.{body}.{signature}",
        "HS256 with the public key as PEM": confused[0],
        "HS256 with the public key raw": confused[1],
        "another key": forge(token, Ed25519PrivateKey.generate(), "EdDSA"),
        "a longer life": f"{head}.{longer}.{signature}",
        "expired": forge(token, ring.signing, "EdDSA", exp=now - 60, iat=now - 960, nbf=now - 960),
        "not yet": forge(token, ring.signing, "EdDSA", nbf=now + 600),
        "another audience": forge(token, ring.signing, "EdDSA", aud="another-api"),
        "several audiences": forge(token, ring.signing, "EdDSA", aud=[AUDIENCE, "another-api"]),
        "another issuer": forge(token, ring.signing, "EdDSA", iss="https://evil.example"),
        "without an end": forge(token, ring.signing, "EdDSA", exp=None),
        "without a session": forge(token, ring.signing, "EdDSA", sid=None),
        "a session that is text": forge(token, ring.signing, "EdDSA", sid="1 OR 1=1"),
        "a session too large": forge(token, ring.signing, "EdDSA", sid=2**70),
        "another user's name on it": forge(token, ring.signing, "EdDSA", sub="999"),
        "garbage": "a.b.c",
        "too long": f"{head}.{'A' * 5000}.{signature}",
    }
    opened = {name: opens(client, attack) for name, attack in attacks.items()}
    assert opened == dict.fromkeys(attacks, 401)
    assert opens(client, token) == 200, "the real one still works"
    assert kinds(installation).count("token.refused") == 10, "a flood of them does not fill the trail"


def test_a_token_of_the_right_key_and_another_session_opens_only_what_that_is(
    client: TestClient, tokens: dict[str, str], installation, make_user
) -> None:
    ring = load_key_ring(installation.settings)
    make_user(installation.databases.operational, "asha", ("manager",))
    with psycopg.connect(installation.databases.operational) as connection:
        browser = connection.execute("SELECT session_id FROM user_sessions WHERE kind = 'browser'").fetchone()
    assert opens(client, forge(tokens["access_token"], ring.signing, "EdDSA", sid=browser[0])) == 401


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE user_sessions SET revoked_at = now()",
        "UPDATE user_sessions SET expires_at = now()",
        "UPDATE users SET is_active = false",
        "DELETE FROM user_sessions",
    ],
)
def test_a_session_that_another_process_ends_is_forgotten_here(
    client: TestClient, tokens: dict[str, str], installation, ending: str
) -> None:
    assert [opens(client, tokens["access_token"]) for _ in range(3)] == [200] * 3
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(ending)
    deadline = time.monotonic() + 2
    while opens(client, tokens["access_token"]) != 401:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_given_or_taken_holds_at_once(client: TestClient, tokens: dict[str, str], installation) -> None:
    def permissions() -> dict[str, str]:
        return client.get(PATH, headers=bearer(tokens["access_token"])).json()["permissions"]

    assert "user:write" in permissions()
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("UPDATE user_roles SET role = 'staff'")
    deadline = time.monotonic() + 2
    while "user:write" in permissions():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_remembered_session_costs_no_query_and_no_signature_check(
    client: TestClient, tokens: dict[str, str], installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = client.app.user_middleware  # type: ignore[attr-defined]
    door = next(each.kwargs["door"] for each in directory if "door" in each.kwargs)
    deadline = time.monotonic() + 5
    while not door.directory.is_listening:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert opens(client, tokens["access_token"]) == 200
    reads: list[object] = []
    monkeypatch.setattr("api.identity.directory.find_session", lambda *each: reads.append(each))
    monkeypatch.setattr(jwt, "decode", lambda *each, **_: reads.append(each))
    unknown = {**bearer(tokens["access_token"]), "accept": "application/json"}
    assert client.get("/api/v1/nothing-here", headers=unknown).status_code == 404
    assert reads == []


def test_while_postgresql_does_not_tell_changes_nothing_is_remembered(
    client: TestClient, tokens: dict[str, str], installation
) -> None:
    door = next(each.kwargs["door"] for each in client.app.user_middleware if "door" in each.kwargs)  # type: ignore[attr-defined]
    deadline = time.monotonic() + 5
    while not door.directory.is_listening:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert opens(client, tokens["access_token"]) == 200
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' "
            "AND datname = current_database()"
        )
        while door.directory.is_listening:
            assert time.monotonic() < deadline + 5
            time.sleep(0.005)
        connection.execute("UPDATE user_sessions SET revoked_at = now()")
    assert opens(client, tokens["access_token"]) == 401
    while not door.directory.is_listening:
        assert time.monotonic() < deadline + 10
        time.sleep(0.05)


def test_own_sessions_are_listed_and_ended_others_are_unknown(
    client: TestClient, tokens: dict[str, str], password: str, installation, make_user
) -> None:
    token = make_user(installation.databases.operational, "asha", ("manager",))
    mine = client.get("/api/v1/sessions", headers=bearer(tokens["access_token"])).json()["items"]
    assert [(each["kind"], each["is_current"]) for each in mine] == [("api", True)]
    assert "token" not in str(mine)
    theirs = client.get("/api/v1/sessions", headers=bearer(token)).json()["items"][0]["session_id"]
    for unknown in (theirs, 2**52):
        answer = client.delete(f"/api/v1/sessions/{unknown}", headers=bearer(tokens["access_token"]))
        assert answer.status_code == 404
    assert client.delete("/api/v1/sessions/0", headers=bearer(tokens["access_token"])).status_code == 422
    other = client.post("/api/v1/tokens", json={"username": "admin", "password": password}).json()["access_token"]
    url = f"/api/v1/sessions/{mine[0]['session_id']}"
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("UPDATE user_sessions SET created_at = created_at - interval '11 minutes'")
    assert client.delete(url, headers=bearer(other)).json()["type"].endswith("sign-in-again")
    assert opens(client, tokens["access_token"]) == 200
    other = client.post("/api/v1/tokens", json={"username": "admin", "password": password}).json()["access_token"]
    ended = client.delete(url, headers=bearer(other))
    assert (ended.status_code, opens(client, tokens["access_token"]), opens(client, other)) == (204, 401, 200)
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("UPDATE user_sessions SET created_at = created_at - interval '11 minutes'")
    open_now = client.get("/api/v1/sessions", headers=bearer(other)).json()["items"]
    own = next(each for each in open_now if each["is_current"])
    assert client.delete(f"/api/v1/sessions/{own['session_id']}", headers=bearer(other)).status_code == 204


def test_keys_are_made_once_by_whoever_comes_first_and_kept_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)
    found: list[str] = []
    racers = [threading.Thread(target=lambda: found.append(load_key_ring(settings).kid)) for _ in range(8)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()
    assert (len(found), len(set(found))) == (8, 1)
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert load_vault(settings, "a").decrypt(load_vault(settings, "a").encrypt(b"x")) == b"x"


def test_a_new_key_in_front_signs_and_the_old_one_still_verifies(tmp_path: Path) -> None:
    old, new = pem(Ed25519PrivateKey.generate()), pem(Ed25519PrivateKey.generate())

    def tokens(*keys: str) -> AccessTokens:
        return AccessTokens(
            load_key_ring(Settings(home=tmp_path, jwt_key=SecretStr("".join(keys)), _env_file=None)), 15
        )

    token = tokens(old).issue(1, 2)
    assert tokens(new, old).verify(token).session_id == 2
    assert jwt.get_unverified_header(tokens(new, old).issue(1, 2))["kid"] != jwt.get_unverified_header(token)["kid"]
    with pytest.raises(RefusedToken, match="unknown key"):
        tokens(new).verify(token)


def test_hs256_is_a_setting_and_an_eddsa_key_is_no_secret_of_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, jwt_algorithm="HS256", _env_file=None)
    tokens = AccessTokens(load_key_ring(settings), 15)
    assert tokens.verify(tokens.issue(7, 8)).user_id == 7
    eddsa = AccessTokens(load_key_ring(Settings(home=tmp_path, _env_file=None)), 15)
    with pytest.raises(RefusedToken, match="another algorithm"):
        tokens.verify(eddsa.issue(7, 8))
    for key in ("short", pem(Ed25519PrivateKey.generate())):
        with pytest.raises(WrongInput, match="IMS_JWT_KEY") as caught:
            load_key_ring(settings.model_copy(update={"jwt_key": SecretStr(key)}))
        assert key not in str(caught.value)
    with pytest.raises(WrongInput, match="cannot be read"):
        load_key_ring(settings.model_copy(update={"jwt_key_file": tmp_path / "nothing"}))


def test_what_is_remembered_of_tokens_is_bounded_and_ends_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.identity.tokens.MOST", 5)
    assert MOST > 5
    tokens = AccessTokens(load_key_ring(Settings(home=tmp_path, _env_file=None)), 15)
    issued = [tokens.issue(1, number) for number in range(1, 20)]
    for each in issued:
        tokens.verify(each)
    assert len(tokens._verified) == 5
    later = time.time() + 901
    monkeypatch.setattr("api.identity.tokens.time.time", lambda: later)
    with pytest.raises(RefusedToken, match="expired"):
        tokens.verify(issued[-1])
    assert dt.datetime.now(dt.UTC).timestamp() < later
