"""Letting a failure stand, and letting it count again: forms that ask the API in the viewer's name."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from api.findings import Row
from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from dashboards.api_client import Declined, ask_api, new_key
from dashboards.places import store_keys
from dashboards.problems import show_problem
from dashboards.told import tell

PERMISSION = "quality:waive"
LONGEST_DAYS, USUAL_DAYS = 90, 30


def show_waive_form(row: Row, user: SignedIn, today: dt.date) -> None:
    """For whoever may waive, below a check that failed."""
    if not user.grants.allows(PERMISSION) or row["state"] == "passed":
        return
    name = f"{row['table_name']}:{row['check_name']}"
    stores = store_keys(scope_of(user, PERMISSION))
    with st.expander("Let it stand", icon=":material/handshake:"), st.form(f"waive-{name}", border=False):
        st.caption("It then neither stops nor warns, until the last day. The next run minds it.")
        reason = st.text_area("Why it may stand", key=f"why-{name}", max_chars=500, height=80)
        left, right = st.columns(2)
        until = left.date_input(
            "The last day",
            today + dt.timedelta(days=USUAL_DAYS),
            min_value=today,
            max_value=today + dt.timedelta(days=LONGEST_DAYS),
            format="DD/MM/YYYY",
            key=f"until-{name}",
        )
        store = right.selectbox("Where", list(stores), index=None, placeholder="In every store", key=f"where-{name}")
        if st.form_submit_button("Let it stand", type="primary"):
            body = {"table_name": row["table_name"], "check_name": row["check_name"], "reason": reason}
            body |= {"expires_on": str(until)} | ({"store_id": stores[store]} if store else {})
            _send("/checks/waivers", body, "waive")


def show_revoke_form(rows: list[Row], user: SignedIn) -> None:
    """For whoever may waive, below the waivers that hold."""
    if not rows or not user.grants.allows(PERMISSION):
        return
    names = {
        row["check_waiver_id"]: f"{row['check_waiver_id']}: {row['table_name']}, {row['check_name'].replace('_', ' ')}"
        for row in rows
    }
    with st.form("revoke", border=False):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        chosen = left.selectbox("End a waiver", list(names), index=None, format_func=names.__getitem__, key="ending")
        if right.form_submit_button("Let it count again") and chosen is not None:
            _send(f"/checks/waivers/{chosen}/revoke", None, "revoke")


def _send(path: str, body: dict[str, object] | None, what: str) -> None:
    key = st.session_state.setdefault(f"key-{what}", new_key())  # the same until it is answered: nothing twice
    try:
        answer = ask_api("POST", path, body, key=key)
    except Declined as refusal:
        if not refusal.may_be_done:
            del st.session_state[f"key-{what}"]
        show_problem(refusal)
        return
    del st.session_state[f"key-{what}"]
    waiver = answer.body
    until = f"may stand until {waiver['expires_on']}" if what == "waive" else "counts again"
    tell("waivers", f"{waiver['table_name']}: {waiver['check_name'].replace('_', ' ')} {until}. The next run minds it.")
    st.rerun()
