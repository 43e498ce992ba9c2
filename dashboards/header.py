"""The top of every view: its name, and the passport of the figures below it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import streamlit as st

from dashboards.passport import Passport
from ims.settings import get_settings
from warehouse.formats import count_of, format_day

Colour = Literal["green", "orange", "red"]
FRESH_DAYS, OLD_DAYS = 1, 7
MOST_DAYS = 5
Stores = frozenset[str] | None


def show_header(title: str, lead: str, passport: Passport, stores: Stores = frozenset()) -> None:
    """Title, one sentence, the badges of the passport, and a banner for days of these stores that are left out."""
    st.title(title, anchor=False)
    st.markdown(lead)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        text, colour = describe_freshness(passport)
        st.badge(
            text, icon=":material/schedule:", color=colour, help="Up to which opening the chain's data are complete."
        )
        text, colour, details = describe_checks(passport.checks)
        st.badge(text, icon=":material/verified:", color=colour, help=details)
        st.badge(
            f"Snapshot {passport.snapshot_id}",
            icon=":material/photo_camera:",
            color="gray",
            help=f"Figures of {format_day(passport.as_of)}, published {passport.published_at:%Y-%m-%d %H:%M} UTC, "
            f"metrics version {passport.metric_version}. Everything on this page comes from this snapshot.",
        )
        st.badge(
            passport.currency, icon=":material/payments:", color="gray", help="Money without tax, in this currency."
        )
    if get_settings().read_only:
        st.info("IMS is read-only for now: everything can be read and nothing changed.", icon=":material/lock:")
    for note in passport.notes:
        st.caption(f":material/info: {note}")
    banner = describe_blocked_days(passport.checks, stores)
    if banner is not None:
        st.warning(banner, icon=":material/event_busy:")


def describe_blocked_days(checks: dict[str, Any], stores: Stores) -> str | None:
    """What is said of store-days whose sales are not believed, in these stores (None: all); None without any."""
    days = [
        day for day in checks.get("held_back", {}).get("store_days", []) if stores is None or day["store"] in stores
    ]
    if not days:
        return None
    named = ", ".join(f"{day['store']} on {format_day(dt.date.fromisoformat(day['day']))}" for day in days[:MOST_DAYS])
    more = f" and {count_of(len(days) - MOST_DAYS, 'more day')}" if len(days) > MOST_DAYS else ""
    return f"Left out of every figure, because the sales of the day are missing or came twice: {named}{more}."


def describe_freshness(passport: Passport) -> tuple[str, Colour]:
    """(words, colour) for the age of the data."""
    days = passport.age_days
    age = "today" if days == 0 else f"{count_of(days, 'day')} old"
    colour: Colour = "green" if days <= FRESH_DAYS else "orange" if days <= OLD_DAYS else "red"
    return f"Data as of {format_day(passport.data_as_of)} · {age}", colour


def describe_checks(checks: dict[str, Any]) -> tuple[str, Colour, str]:
    """(words, colour, details) for what the checks said when this was published: passed, warnings, failed."""
    passed, warned = int(checks.get("passed", 0)), int(checks.get("warnings", 0))
    base = f"{count_of(passed, 'check')} passed"
    if not warned:
        return base, "green", "Every check passed before this was published."
    lines = [f"- {failed.get('table')}: {failed.get('what_to_do')}" for failed in checks.get("failed", [])]
    return f"{base}, {count_of(warned, 'warning')}", "orange", "\n".join(["Published with warnings:", "", *lines])
