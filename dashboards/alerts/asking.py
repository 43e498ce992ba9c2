"""Acting on an alert: one question, one answer of the API, under a key that does nothing twice."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboards.api_client import Declined, ask_api, new_key
from dashboards.problems import literal, show_problem
from dashboards.told import tell
from warehouse.formats import format_day

ASKED = "alert-asking"
LONGEST_DAYS, USUAL_DAYS = 90, 7
TITLES = {"act": "What was done?", "snooze": "Until when?", "dismiss": "Why is nothing to be done?"}
DONE = {"acted": "Counted as acted on.", "snoozed": "Put off until {until_on}.", "dismissed": "Dismissed."}


@dataclass(frozen=True)
class Asking:
    """What is being asked of which alert; `key` names the write it may lead to."""

    step: str
    alert_id: int
    title: str
    key: str


def ask(step: str, alert_id: int, title: str) -> None:
    """Open the dialog with the next run: `act`, `snooze` or `dismiss`. For a button's callback."""
    st.session_state[ASKED] = Asking(step, alert_id, title, new_key())


def show_dialog(today: dt.date) -> None:
    """The dialog that was asked for, until it is answered or dismissed."""
    asking: Asking | None = st.session_state.get(ASKED)
    if asking is not None:
        st.dialog(TITLES[asking.step], on_dismiss=_forget)(_fill)(asking, today)


def _forget() -> None:
    st.session_state.pop(ASKED, None)


def _fill(asking: Asking, today: dt.date) -> None:
    st.markdown(f"**{literal(asking.title)}**")
    body: dict[str, Any] = {}
    is_ready = True
    if asking.step == "snooze":
        day = st.date_input(
            "Open again on",
            today + dt.timedelta(days=USUAL_DAYS),
            min_value=today + dt.timedelta(days=1),
            max_value=today + dt.timedelta(days=LONGEST_DAYS),
            format="DD/MM/YYYY",
            key=f"until-{asking.key}",
        )
        body["until_on"] = str(day)
    elif asking.step == "act":
        note = st.text_input("Note", max_chars=200, placeholder="If there is anything to say", key=f"did-{asking.key}")
        body |= {"note": note.strip()} if note.strip() else {}
    else:
        reason = st.text_input(
            "Reason", max_chars=200, placeholder="A holiday, no longer sold, …", key=f"no-{asking.key}"
        )
        body["reason"] = reason.strip()
        is_ready = bool(reason.strip())
        st.caption("It does not come back while it goes on.")
    label = {"act": "Done", "snooze": "Put it off", "dismiss": "Dismiss it"}[asking.step]
    if st.button(label, type="primary", disabled=not is_ready, key=f"send-{asking.key}"):
        _send(asking, body)


def _send(asking: Asking, body: dict[str, Any]) -> None:
    try:
        answer = ask_api("POST", f"/alerts/{asking.alert_id}/{asking.step}", body, key=asking.key)
    except Declined as refusal:
        show_problem(refusal)
        return
    _forget()
    until = answer.body.get("until_on")
    told = DONE[answer.body["state"]].format(until_on=format_day(dt.date.fromisoformat(until)) if until else "")
    tell("alerts", f"{literal(asking.title)}: {told}")
    st.rerun()
