"""Asks the API for lists, and for changes whose outcome is told on the page that is drawn next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from dashboards.api_client import Answer, Declined, ask_api, new_key
from dashboards.problems import show_problem
from dashboards.told import tell

CHANGED = "changes"
PAGE, MOST = 200, 500


def read_list(path: str, sought: str = "", **wanted: Any) -> list[dict[str, Any]] | None:
    """The first 500 of a list, page by page, or of those `sought`; None, and the refusal shown, where the API declines.

    Who is sought goes in the body: an address may be logged on the way.
    """
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(items) < MOST:
        given = {
            name: value
            for name, value in {**wanted, "limit": PAGE, "cursor": cursor}.items()
            if value not in {None, ""}
        }
        try:
            query = urlencode(given, doseq=True)
            asked = ("POST", f"{path}/search?{query}", {"q": sought}) if sought else ("GET", f"{path}?{query}")
            body = ask_api(*asked).body
        except Declined as refusal:
            show_problem(refusal)
            return None
        items += body["items"]
        cursor = body.get("next_cursor")
        if cursor is None:
            break
    return items


def read_one(path: str) -> Answer | None:
    """One thing with its ETag; None, and the refusal shown, where the API declines."""
    try:
        return ask_api("GET", path)
    except Declined as refusal:
        show_problem(refusal)
        return None


def change(
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
    said: str,
    *,
    tag: str | None = None,
    told: str | None = None,
) -> None:
    """Ask for a change; `said` is shown on the next page, with the member `told` of the answer.

    The key of the request stays until it is answered, so that a second click does nothing twice.
    """
    name = f"key-{method}-{path}"
    key = st.session_state.setdefault(name, new_key()) if method == "POST" else None
    try:
        answer = ask_api(method, path, body, key=key, tag=tag)
    except Declined as refusal:
        if not refusal.may_be_done:
            st.session_state.pop(name, None)
        show_problem(refusal)
        for path_of, rule in refusal.faults.items():
            st.caption(f":material/error: {path_of.removeprefix('body.')} {rule}")
        return
    st.session_state.pop(name, None)
    tell(CHANGED, said, to_copy=str(answer.body[told]) if told else None)
    st.rerun()
