"""One request in the viewer's name: whose session it carries, what is sent twice, and what a refusal says."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import streamlit as st

from dashboards.api_client import Declined, ask_api, new_key
from dashboards.problems import literal, words_of
from ims.settings import get_settings


@pytest.fixture
def viewer(world, site, served, monkeypatch: pytest.MonkeyPatch):
    """Secrets and context of a page, outside of one."""
    secrets = {"databases": dataclasses.asdict(world.installation.databases), "api": {"address": served.address}}
    monkeypatch.setattr(st, "secrets", secrets)
    return site


@contextmanager
def deaf() -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads requests and hangs up; its address, and what it read."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            heard.append(connection.recv(65536))
            connection.close()

    threading.Thread(target=listen, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    listener.close()


def declined(method: str, path: str, body: object = None, **more: str) -> Declined:
    with pytest.raises(Declined) as refusal:
        ask_api(method, path, body, **more)
    return refusal.value


def test_each_viewer_is_asked_for_by_their_own_session(world, viewer, served) -> None:
    for role in ("buyer", "manager"):
        viewer.sign_in(world.installation, role, ("S01",))
        assert ask_api("GET", "/account").body["username"] == role
    viewer.cookies.clear()
    assert declined("GET", "/account").status == 401, "no session is kept from one viewer to the next"
    viewer.cookies["ims_session"] = "made-up"
    assert declined("GET", "/account").status == 401


def test_a_write_passes_the_gate_once_and_names_the_viewer_to_the_audit_trail(world, viewer, served) -> None:
    viewer.sign_in(world.installation, "manager", ("S01",))
    first, second = (
        row["suggestion_id"]
        for row in served.rows(
            "SELECT suggestion_id FROM suggestions JOIN stores USING (store_id) WHERE store_code = 'S01' LIMIT 2"
        )
    )
    body, key = {"ids": [first], "reason": "enough of it", "reason_code": "OPTED_OUT"}, new_key()
    answers = [ask_api("POST", "/suggestions/refuse", body, key=key).body for _ in range(2)]
    assert answers == [{"suggestion_ids": [first]}] * 2
    (event,) = served.rows("SELECT address::text, user_agent FROM audit_log WHERE kind = 'suggestion.refused'")
    assert (event["address"].partition("/")[0], event["user_agent"]) == ("203.0.113.7", "Firefox")
    reused = declined("POST", "/suggestions/refuse", {**body, "ids": [second]}, key=key)
    assert (reused.status, reused.code) == (409, "key-reused")
    gone = declined("POST", "/suggestions/refuse", body, key=new_key())
    assert (gone.status, gone.code, gone.members["suggestion_id"]) == (409, "decided-already", first)


def test_refusals_name_fields_and_say_what_to_do(world, viewer, served) -> None:
    viewer.sign_in(world.installation, "manager", ("S01",))
    (mine,) = served.rows(
        "SELECT max(suggestion_id) AS id FROM suggestions JOIN stores USING (store_id) WHERE store_code = 'S01'"
    )
    (other,) = served.rows(
        "SELECT max(suggestion_id) AS id FROM suggestions JOIN stores USING (store_id) WHERE store_code = 'S02'"
    )
    seen = ask_api("GET", f"/suggestions/{mine['id']}")
    assert seen.tag
    invalid = declined("PATCH", f"/suggestions/{mine['id']}", {"quantity": 0, "reason": "x"}, tag=seen.tag)
    assert invalid.status == 422
    assert invalid.fault("quantity")
    assert invalid.fault("reason") is None
    ask_api("PATCH", f"/suggestions/{mine['id']}", {"quantity": 60, "reason": "x"}, tag=seen.tag)
    stale = declined("PATCH", f"/suggestions/{mine['id']}", {"quantity": 30, "reason": "x"}, tag=seen.tag)
    assert stale.status == 412
    assert "Somebody was faster" in words_of(stale)[0]
    foreign = declined("PATCH", f"/suggestions/{other['id']}", {"quantity": 30, "reason": "x"})
    assert foreign.status == 403
    assert "Nothing was changed" in words_of(foreign)[1]
    assert "S02" not in words_of(foreign)[1]


def test_only_a_write_with_a_key_is_sent_again(world, viewer, served, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer.sign_in(world.installation, "buyer")
    with deaf() as (address, heard):
        monkeypatch.setitem(st.secrets, "api", {"address": address})
        unknown = declined("PATCH", "/suggestions/1", {"quantity": 1, "reason": "x"})
        assert (unknown.status, unknown.may_be_done, len(heard)) == (0, True, 1)
        declined("POST", "/suggestions/refuse", {"ids": [1], "reason": "x"}, key="the-same-key")
        assert len(heard) == 3
        assert all(b"the-same-key" in request for request in heard[1:])
    served.stop()
    monkeypatch.setitem(st.secrets, "api", {"address": served.address})
    away = declined("POST", "/suggestions/refuse", {"ids": [1], "reason": "x"}, key=new_key())
    assert (away.status, away.may_be_done) == (0, False)
    assert "Nothing was changed" in words_of(away)[1]
    monkeypatch.setitem(st.secrets, "api", {"address": ""})
    assert declined("GET", "/account").code == "no-address"


def test_the_api_is_asked_by_a_name_that_it_answers_to(world, viewer, served, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer.sign_in(world.installation, "buyer")
    served.stop()
    monkeypatch.setenv("IMS_ALLOWED_HOSTS", "*.chain.example shop.example")
    get_settings.cache_clear()
    again = type(served)(world.installation.databases)
    monkeypatch.setitem(st.secrets, "api", {"address": again.address})
    assert ask_api("GET", "/account").body["username"] == "buyer"
    again.stop()


def test_what_data_say_is_no_markup() -> None:
    text = "[here](https://x.example) ![p](q) :red[a] $x$ <b> _i_ `c` :material/key:"
    assert literal(text).count("\\") == 23
    title, said = words_of(Declined(403, "needs-approval", "This order is worth *more*."))
    assert "above what your role approves" in title
    assert r"\*more\*" in said
