"""Filters that live in the page's address, so that a link shows the same view to someone else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st


def choose_one(
    place: Any, label: str, everything: str, options: Sequence[str], key: str, words: Callable[[str], str] = str
) -> str | None:
    """A select box on the address's parameter `key`; None means everything."""
    if key not in st.session_state:
        asked = st.query_params.get(key)
        st.session_state[key] = asked if asked in options else None
    choice: str | None = place.selectbox(label, options, placeholder=everything, format_func=words, key=key, index=None)
    if choice is None:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = choice
    return choice
