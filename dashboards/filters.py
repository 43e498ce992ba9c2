"""Filters that live in the page's address, so that a link shows the same view to someone else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
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


def choose_store(place: Any, stores: Mapping[str, str]) -> str | None:
    """A select box on the address's parameter `store`, of these stores by code; None means all of them."""
    return choose_one(place, "Store", "All stores", list(stores), "store", lambda code: f"{code} · {stores[code]}")


def choose_period(
    place: Any, label: str, usual: tuple[dt.date, dt.date], first: dt.date, last: dt.date
) -> tuple[dt.date, dt.date]:
    """A range of days (both included) on the address's parameters `from` and `to`; `usual` until someone chooses."""
    if "period" not in st.session_state:
        asked = [_day(st.query_params.get(key)) for key in ("from", "to")]
        begin, end = (day or fallback for day, fallback in zip(asked, usual, strict=True))
        begin, end = max(begin, first), min(end, last)
        st.session_state["period"] = (begin, end) if begin <= end else usual
    chosen = place.date_input(
        label, min_value=min(first, usual[0]), max_value=max(last, usual[1]), key="period", format="DD/MM/YYYY"
    )
    if not isinstance(chosen, tuple) or len(chosen) != 2:
        # between the first click and the second only one end is known
        return usual
    begin, end = chosen
    if chosen == usual:
        st.query_params.pop("from", None)
        st.query_params.pop("to", None)
    else:
        st.query_params["from"], st.query_params["to"] = begin.isoformat(), end.isoformat()
    return begin, end


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        return None
