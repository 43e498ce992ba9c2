"""An open page that draws itself anew keeps no session from ending; a person who clicks on it does."""

from __future__ import annotations

import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from api.identity import directory
from api.identity.sessions import hash_token
from dashboards.attendance import BY_ITSELF, NOTED

AGE = "UPDATE user_sessions SET last_seen_at = now() - interval '1 hour' WHERE token_hash = %s"
IS_USED = "SELECT last_seen_at > now() - interval '1 minute' AS is_used FROM user_sessions WHERE token_hash = %s"


@pytest.fixture(autouse=True)
def note_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "TICK_SECONDS", 0.05)


def is_used(served: Any, token: str, wanted: bool) -> bool:
    """Whether the session is noted as used, which is a matter of moments; that it is not is waited for in vain."""
    for _ in range(100 if wanted else 10):
        (row,) = served.rows(IS_USED, hash_token(token))
        if row["is_used"] == wanted and wanted:
            break
        time.sleep(0.05)
    return bool(row["is_used"])


def run_later(page: AppTest, *, by_itself: bool) -> None:
    """The page drawn again after more than a minute."""
    page.session_state[NOTED] = time.monotonic() - 61
    if by_itself:
        page.session_state[BY_ITSELF] = True
    page.run()
    assert not page.exception


def test_the_site_tells_what_a_person_does_and_not_what_it_does_itself(world, site, served) -> None:
    token = site.sign_in(world.installation)
    page = site.open(world.installation)
    served.rows(AGE, hash_token(token))
    run_later(page, by_itself=True)
    assert not is_used(served, token, False)
    run_later(page, by_itself=False)
    assert is_used(served, token, True)


def test_what_a_page_asks_while_it_draws_itself_is_no_use(world, site, served) -> None:
    def ask() -> None:
        from dashboards.api_client import ask_api
        from dashboards.attendance import begin_drawing, end_drawing

        begin_drawing()
        ask_api("GET", "/stores")
        end_drawing()

    token = site.sign_in(world.installation)
    page = site._run(ask, world.installation, {})
    assert is_used(served, token, True)
    served.rows(AGE, hash_token(token))
    run_later(page, by_itself=True)
    assert not is_used(served, token, False)
    page.run()
    assert is_used(served, token, True)


def test_a_look_at_the_pointer_draws_the_page_by_itself(world, site) -> None:
    def look() -> None:
        import streamlit as st

        from dashboards import watch
        from dashboards.attendance import begin_drawing, is_attended

        begin_drawing()
        st.markdown("by a person" if is_attended() else "by itself")
        if st.session_state.pop("clock", False):
            st.session_state[watch.LOOKED] = True
            watch._look(None, None, True)  # something is published by now

    site.sign_in(world.installation)
    page = site._run(look, world.installation, {})
    assert site.words(page) == "by a person"
    page.session_state["clock"] = True
    assert site.words(page.run()) == "by itself"
    assert site.words(page.run()) == "by a person"
