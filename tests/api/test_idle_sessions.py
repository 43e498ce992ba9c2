"""A browser's session that nobody uses ends, at every door; what a page does by itself is no use of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.identity import directory
from api.identity.sessions import COOKIE, UNATTENDED, hash_token, read_session
from ims.settings import get_settings

PATH, WORDS = "/api/v1/sessions", "the words of a job"
AGE = "UPDATE user_sessions SET last_seen_at = now() - %s * interval '1 minute' WHERE token_hash = %s"
AGES = "SELECT extract(epoch FROM now() - last_seen_at)::int FROM user_sessions WHERE token_hash = %s"


class Viewer:
    """A browser with one user's cookie, and how long ago their session was used."""

    def __init__(self, client: TestClient, url: str, token: str) -> None:
        self.client, self.url, self.token = client, url, token
        client.cookies.set(COOKIE, token)

    def age(self, minutes: float) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(AGE, (minutes, hash_token(self.token)))

    def use(self) -> None:
        """Ask for something, and wait until that is noted: an age that is set before would be undone."""
        assert self.client.get(PATH).status_code == 200
        assert self.seconds_soon(30) <= 30

    def seconds(self) -> int | None:
        with psycopg.connect(self.url) as connection:
            return connection.execute(AGES, (hash_token(self.token),)).fetchone()[0]

    def seconds_soon(self, most: int) -> int | None:
        """The seconds, once the process has noted what was used."""
        for _ in range(100):
            found = self.seconds()
            if found is not None and found <= most:
                break
            time.sleep(0.02)
        return found


@pytest.fixture
def asha(installation, make_user, monkeypatch: pytest.MonkeyPatch) -> Iterator[Viewer]:
    monkeypatch.setattr(directory, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(directory, "OLDEST_SECONDS", 0)  # what is remembered is read anew after a minute: here at once
    url = installation.databases.operational
    with TestClient(create_app(installation.databases), base_url="http://ims.test", follow_redirects=False) as client:
        yield Viewer(client, url, make_user(url, "asha"))


def test_a_session_that_nobody_used_for_two_hours_ends_at_every_door(asha: Viewer, installation) -> None:
    asha.age(119)
    with psycopg.connect(asha.url) as connection:
        assert read_session(connection, asha.token) is not None
    asha.use()
    asha.age(121)
    with psycopg.connect(asha.url) as connection:
        assert read_session(connection, asha.token) is None, "the dashboards' door"
    assert asha.client.get(PATH).status_code == 401
    assert asha.client.get(PATH, headers={"authorization": f"Bearer {asha.token}"}).status_code == 401
    page = asha.client.get("/reorder", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=%2Freorder")
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as other:
        assert other.get(PATH, cookies={COOKIE: asha.token}).status_code == 401, "another process"


def test_the_limit_is_a_setting(asha: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMS_SESSION_IDLE_MINUTES", "30")
    get_settings.cache_clear()
    asha.age(29)
    asha.use()
    asha.age(31)
    assert asha.client.get(PATH).status_code == 401


def test_a_session_that_ended_unused_is_not_listed_as_open(asha: Viewer, make_user: Any) -> None:
    asha.age(121)
    token = make_user(asha.url, "asha")
    asha.client.cookies.set(COOKIE, token)
    assert [each["is_current"] for each in asha.client.get(PATH).json()["items"]] == [True]


def test_a_program_is_not_ended_by_its_silence(asha: Viewer, make_user: Any) -> None:
    make_user(asha.url, "night-job", password=WORDS)
    asha.client.cookies.clear()
    body = {"username": "night-job", "password": WORDS}
    tokens = asha.client.post("/api/v1/tokens", json=body).json()
    with psycopg.connect(asha.url) as connection:
        connection.execute("UPDATE user_sessions SET last_seen_at = now() - interval '1 day' WHERE kind = 'api'")
    assert asha.client.get(PATH, headers={"authorization": f"Bearer {tokens['access_token']}"}).status_code == 200


def test_only_what_somebody_does_counts_and_is_written_once_a_minute(
    asha: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "OLDEST_SECONDS", 60)  # most requests are answered from memory
    asha.age(60)
    for path, headers in (
        (PATH, {UNATTENDED: "1"}),
        ("/_stcore/health", {}),
        ("/media/a.png", {"accept": "image/*"}),
    ):
        asha.client.get(path, headers=headers)
    time.sleep(0.3)
    assert asha.seconds() >= 3600, "an open page keeps no session"
    asha.use()
    asha.age(0.5)
    asha.client.get(PATH)
    time.sleep(0.3)
    assert asha.seconds() >= 30, "not written again within a minute"
    asha.age(1.5)
    asha.client.get("/account", headers={"accept": "text/html"})
    assert asha.seconds_soon(30) <= 30, "a page that is opened is a use"
