"""Reports: figures by mail. Whoever may take figures away subscribes, sends one now, and sees what was sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st

from api.identity.principal import SignedIn
from dashboards.passport import Passport
from dashboards.problems import literal
from dashboards.records import CHANGED, change, read_list
from dashboards.told import show_told

PERMISSION = "subscription:read"
TITLE, LEAD = "Reports", "Which figures come by mail, when, and what was sent?"
CADENCES = {"daily": "Every day", "weekly": "Every week", "monthly": "Every month"}
FORMS = {"pdf": "PDF to read", "xlsx": "Workbook (XLSX)", "both": "Both"}
WEEKDAYS = {1: "Monday", 2: "Tuesday", 3: "Wednesday", 4: "Thursday", 5: "Friday", 6: "Saturday", 7: "Sunday"}
STATES = {
    "wanted": "Is being made",
    "queued": "On its way",
    "delivered": "Delivered",
    "failed": "Not delivered",
    "withheld": "Withheld",
}
SAYS = {"figures": "Figures", "why_not": "Why there are none"}
EXPLAINED = (
    "A pack holds the figures of the last whole day, week or month of the stores you may see, beside the period before "
    "and a year earlier, with the passport of its data. If the night's checks stop the data, the mail says so and "
    "holds no figures. What you may see is asked again when it leaves."
)
Schedule = dict[str, Any]


def show(passport: Passport | None, user: SignedIn) -> None:
    """The view; before the first publication, too."""
    st.title(TITLE, anchor=False)
    st.markdown(LEAD)
    show_told(CHANGED)
    schedules = read_list("/reports/schedules", user_id=user.user_id)
    stores = read_list("/stores", fields="store_id,store_code,name") if schedules is not None else None
    if schedules is None or stores is None:
        return
    may_write = user.grants.allows("subscription:write")
    st.subheader("Yours", anchor=False)
    if not schedules:
        st.markdown("You are not sent figures yet.")
    for schedule in schedules:
        _show_schedule(schedule, may_write=may_write)
    if may_write:
        _show_form({row["store_id"]: f"{row['store_code']} · {row['name']}" for row in stores})
    _show_log(user)


def words_of(schedule: Schedule) -> str:
    """Worked: `Every week on Monday at 07:00 · PDF to read · all stores`."""
    when = CADENCES[schedule["cadence"]]
    if schedule["cadence"] == "weekly":
        when += f" on {WEEKDAYS[schedule['weekday']]}"
    elif schedule["cadence"] == "monthly":
        when += f" on day {schedule['month_day']}"
    stores = ", ".join(schedule.get("store_codes") or ["all stores"])
    return f"{when} at {schedule['at_hour']:02}:00 · {FORMS[schedule['form']]} · {stores}"


def _show_schedule(schedule: Schedule, *, may_write: bool) -> None:
    key, is_active = schedule["report_schedule_id"], schedule["is_active"]
    path = f"/reports/schedules/{key}"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        after = f"next on {_moment(schedule['next_at'])}" if is_active else "ended"
        to = schedule.get("address") or "no e-mail address"
        st.markdown(f"**{literal(words_of(schedule))}**  \n{literal(f'{after}, to {to}')}")
        if not may_write:
            return
        if not is_active:
            if st.button("Begin again", key=f"begin-{key}"):
                change("PATCH", path, {"is_active": True}, "It is sent again.")
            return
        if st.button("Send one now", key=f"send-{key}", icon=":material/send:"):
            change("POST", f"{path}/send", {}, "It is made and sent within a minute or two; the list below says when.")
        if st.button("End it", key=f"end-{key}", icon=":material/notifications_off:"):
            change("PATCH", path, {"is_active": False}, "It is not sent any more.")


def _show_form(stores: dict[int, str]) -> None:
    with st.expander("Have figures sent", icon=":material/forward_to_inbox:"):
        st.caption(EXPLAINED)
        left, middle, right = st.columns(3)
        cadence = left.selectbox("How often", list(CADENCES), format_func=CADENCES.__getitem__, key="cadence", index=1)
        body: dict[str, Any] = {"cadence": cadence}
        if cadence == "weekly":
            body["weekday"] = middle.selectbox("On", list(WEEKDAYS), format_func=WEEKDAYS.__getitem__, key="weekday")
        elif cadence == "monthly":
            body["month_day"] = middle.number_input("On day", 1, 28, 1, key="month-day")
        body["at_hour"] = right.number_input("At the hour (the chain's clock)", 0, 23, 7, key="hour")
        body["form"] = left.selectbox("As", list(FORMS), format_func=FORMS.__getitem__, key="form")
        chosen = middle.multiselect(
            "Stores", list(stores), format_func=stores.__getitem__, placeholder="All I may see", key="stores"
        )
        if st.button("Subscribe", type="primary", key="subscribe"):
            change(
                "POST", "/reports/schedules", body | ({"store_ids": chosen} if chosen else {}), "You are subscribed."
            )


def _show_log(user: SignedIn) -> None:
    sent = read_list("/reports/deliveries")
    if not sent:
        return
    is_of_all = user.grants.scope(PERMISSION) == "all"
    st.subheader("What was sent", anchor=False)
    st.dataframe(
        [
            {
                "at": _moment(each["created_at"]),
                **({"user": each["username"]} if is_of_all else {}),
                "period": _period(each),
                "says": SAYS.get(each.get("says") or "", ""),
                "stores": ", ".join(each.get("store_codes") or ["all"]) if each.get("says") else "",
                "state": STATES[each["state"]],
                "told": (each.get("receipt") or {}).get("answer") or each.get("error") or "",
            }
            for each in sent
        ],
        hide_index=True,
        column_config={
            "at": "When (UTC)",
            "user": "To",
            "period": "Of",
            "says": "Says",
            "stores": "Stores",
            "state": "State",
            "told": st.column_config.TextColumn("What the mail server said, or why not", width="large"),
        },
        alt="What was sent, the newest first",
    )


def _period(each: dict[str, Any]) -> str:
    begin, end = each.get("begins_on"), each.get("ends_on")
    return "" if begin is None else str(begin) if begin == end else f"{begin} to {end}"


def _moment(text: str) -> str:
    """A moment as a person reads it: `Mon 30 Nov 2026, 07:00`."""
    moment = dt.datetime.fromisoformat(text)
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M}"
