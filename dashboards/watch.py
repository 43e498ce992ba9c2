"""Keeps an open page true: looks at the pointer now and then, and shows the page anew when it moved."""

from __future__ import annotations

import streamlit as st
from sqlalchemy.exc import OperationalError

from dashboards.installation import operational
from dashboards.passport import Passport, read_passport

CALM_SECONDS, WAITING_SECONDS = 20, 5
LOOKED = "pointer_is_looked_at"


def follow_pointer(shown: Passport | None, *, is_reachable: bool = True) -> None:
    """Look again every 20 seconds, every 5 while there is nothing to show."""
    st.session_state[LOOKED] = False
    seconds = CALM_SECONDS if shown and is_reachable else WAITING_SECONDS
    st.fragment(_look, run_every=seconds)(shown, is_reachable)


def _look(shown: Passport | None, was_reachable: bool) -> None:
    # the first call belongs to drawing the page, which has just looked
    if not st.session_state.get(LOOKED):
        st.session_state[LOOKED] = True
        return
    try:
        now = read_passport(operational())
    except OperationalError:
        if was_reachable:
            st.rerun()
        return
    if not was_reachable or now != shown:
        st.rerun()
