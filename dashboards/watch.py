"""Keeps an open page true: looks now and then, and shows the page anew when the pointer moved or the reader changed.

A session that ended elsewhere, or another role, takes effect on a page that nobody touches.
"""

from __future__ import annotations

import streamlit as st
from sqlalchemy.exc import OperationalError

from api.identity.principal import SignedIn
from dashboards.attendance import draw_anew, end_drawing
from dashboards.installation import operational, signed_in
from dashboards.passport import Passport, read_passport

CALM_SECONDS, WAITING_SECONDS = 20, 5
LOOKED = "pointer_is_looked_at"


def follow_pointer(shown: Passport | None, reader: SignedIn | None, *, is_reachable: bool = True) -> None:
    """Look again every 20 seconds, every 5 while there is nothing to show."""
    end_drawing()
    st.session_state[LOOKED] = False
    seconds = CALM_SECONDS if shown and is_reachable else WAITING_SECONDS
    st.fragment(_look, run_every=seconds)(shown, reader, is_reachable)


def _look(shown: Passport | None, reader: SignedIn | None, was_reachable: bool) -> None:
    # the first call belongs to drawing the page, which has just looked
    if not st.session_state.get(LOOKED):
        st.session_state[LOOKED] = True
        return
    try:
        now, reading = read_passport(operational()), signed_in()
    except OperationalError:
        if was_reachable:
            draw_anew()
        return
    if not was_reachable or now != shown or reading != reader:
        draw_anew()
