"""What became of a change: told on the next page and for a while, so that a page drawn anew half-way loses nothing.

A password that is told once would be lost with it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

SECONDS = 10.0


@dataclass(frozen=True)
class Telling:
    """Words, and what a person copies; `until` by the monotonic clock, from the moment it was first shown."""

    text: str
    to_copy: str | None
    until: float | None = None


def tell(place: str, text: str, *, to_copy: str | None = None) -> None:
    """Keep it for `show_told` of this place, instead of what was told there before."""
    st.session_state[f"told-{place}"] = Telling(text, to_copy)


def show_told(place: str, *, kind: str = "success", icon: str = ":material/check:") -> None:
    """What was last told here, unless it stood for ten seconds; a secret stands alone so that it can be copied."""
    key, now = f"told-{place}", time.monotonic()
    telling: Telling | None = st.session_state.get(key)
    if telling is None:
        return
    if telling.until is None:
        st.session_state[key] = telling = Telling(telling.text, telling.to_copy, now + SECONDS)
    elif now > telling.until:
        del st.session_state[key]
        return
    (st.info if kind == "info" else st.success)(telling.text, icon=icon)
    if telling.to_copy:
        st.code(telling.to_copy, language=None)
