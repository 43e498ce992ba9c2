"""Administration: who may do what, the chain's settings, and who did what. Everything is asked of the API."""

from __future__ import annotations

import streamlit as st

from api.identity.principal import SignedIn
from dashboards.admin.chain import show_settings
from dashboards.admin.people import show_people
from dashboards.admin.trail import show_trail
from dashboards.passport import Passport
from dashboards.records import CHANGED
from dashboards.told import show_told

PERMISSION = "audit:read_finance"
TITLE, LEAD = "Administration", "Who may do what, and who did what?"
SECTIONS = {"users": "Users", "settings": "Settings", "audit": "Audit trail"}
NEEDED = {"users": "user:read", "settings": "settings:read", "audit": "audit:read_finance"}


def show(passport: Passport | None, user: SignedIn) -> None:
    """The view; before the first publication, too. One section at a time, named in the address."""
    st.title(TITLE, anchor=False)
    st.markdown(LEAD)
    shown = [name for name in SECTIONS if user.grants.allows(NEEDED[name])]
    if "section" not in st.session_state:
        asked = st.query_params.get("section")
        st.session_state["section"] = asked if asked in shown else _first(shown)
    section = st.segmented_control(
        "Section", shown, format_func=SECTIONS.__getitem__, key="section", label_visibility="collapsed"
    )
    section = section or _first(shown)
    st.query_params["section"] = section
    show_told(CHANGED)
    if section == "users":
        show_people(user)
    elif section == "settings":
        show_settings(user)
    else:
        show_trail(user)


def _first(shown: list[str]) -> str:
    """Users for whoever looks after them; who may not, an accountant, came for the audit trail."""
    return "users" if "users" in shown else "audit"
