"""Whether somebody is behind what a page does: only that keeps their session from ending unused.

A page looks and draws itself anew by its own clock; what it asks of the API then says so.
"""

from __future__ import annotations

import time

import streamlit as st

ATTENDED, BY_ITSELF, NOTED = "is_attended", "drawn_by_itself", "use_noted_at"
NOTE_SECONDS = 60.0


def draw_anew() -> None:
    """Draw the whole page again without anybody's doing."""
    st.session_state[BY_ITSELF] = True
    st.rerun()


def begin_drawing() -> bool:
    """At the beginning of a page: whether a use is to be told to the API, as the page's own connection tells none."""
    st.session_state[ATTENDED] = not st.session_state.pop(BY_ITSELF, False)
    # the first drawing follows the request for the page, which told it, or a lost connection, which is nobody's doing
    if not is_attended() or time.monotonic() - st.session_state.setdefault(NOTED, time.monotonic()) < NOTE_SECONDS:
        return False
    st.session_state[NOTED] = time.monotonic()
    return True


def end_drawing() -> None:
    """Once a page is drawn: what follows on it is a person's doing."""
    st.session_state[ATTENDED] = True


def is_attended() -> bool:
    """Whether the drawing under way is a person's doing."""
    return bool(st.session_state.get(ATTENDED, True))
