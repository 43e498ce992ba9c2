"""What a page says when it has nothing to show: what is the matter, and what to do about it. Never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import quote

import duckdb
import psycopg
import streamlit as st
from sqlalchemy.exc import OperationalError
from streamlit.delta_generator import DeltaGenerator

from warehouse.lake import LakeUnavailable

logger = logging.getLogger("ims.dashboards")
AWAY = (OperationalError, psycopg.OperationalError)  # PostgreSQL, asked through SQLAlchemy or by its driver
UNAVAILABLE = (*AWAY, LakeUnavailable, duckdb.Error)


def say(title: str, text: str, icon: str) -> None:
    """One calm message in place of the page's content."""
    with st.container(border=True):
        st.subheader(f":material/{icon}: {title}", anchor=False)
        st.markdown(text)


def open_note(headline: str, icon: str, key: str, close: Callable[[], None]) -> DeltaGenerator:
    """A place below a headline, to be filled; its reader closes it."""
    place = st.container(border=True)
    with place, st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f":material/{icon}: **{headline}**", width="content")
        st.button("Close", icon=":material/close:", type="tertiary", key=key, on_click=close)
    return place


def say_session_ended() -> None:
    """The session expired or was ended elsewhere."""
    say(
        "Your session has ended", "Sign in again to go on where you were; your filters are kept in the address.", "lock"
    )
    target = quote(st.context.url.split("://", 1)[-1].partition("/")[2] if st.context.url else "", safe="")
    st.html(f'<a href="/sign-in?next=%2F{target}" target="_self">Sign in again</a>')


ELSEWHERE = {
    "Reports": "Figures leave IMS with whoever may take files: a mail is a file. Your store's day stands on "
    "[Today](/today), its month on [Store month](/store_month); your manager has them mailed.",
}


def say_not_permitted(title: str) -> None:
    """The role has no part in this page; where the same is found elsewhere, the way there."""
    say(
        f"{title} is not part of your role",
        "Your account may not see this page, so nothing of it was read. Your administrator gives roles and stores; "
        f"[your account](/account) shows which you have. {ELSEWHERE.get(title, '')}",
        "lock",
    )


def say_no_store() -> None:
    """The role sees stores that it was given, and was given none."""
    say(
        "No store is yours yet",
        "Your role sees the stores it was given, and it was given none. Your administrator gives stores; "
        "[your account](/account) shows which you have.",
        "storefront",
    )


def say_nothing_published() -> None:
    """A new installation."""
    say(
        "Nothing is published yet",
        "Once a chain is loaded and a run has passed its checks, this page shows it. In a terminal:\n\n"
        "- `ims import DIR` loads your chain folder (`docs/import-format.md` says what is in it),\n"
        "- `ims run` computes, checks and publishes,\n"
        "- or `ims demo` does both with a made-up chain.\n\n"
        "This page looks again every few seconds.",
        "inventory_2",
    )


def say_unavailable(error: Exception) -> None:
    """A database, or the lake's files, cannot be reached."""
    logger.warning("a page could not be shown", extra={"error": str(error)})
    if isinstance(error, AWAY):
        what = "PostgreSQL does not answer."
    else:
        what = "The warehouse's published snapshot cannot be read."
    say(
        "The data cannot be reached",
        f"{what} What was published is safe and will be shown unchanged. Whoever runs IMS finds the reason under "
        "`/ready` and in the log of the web app. This page tries again every few seconds.",
        "cloud_off",
    )


def say_failed(error: Exception) -> bool:
    """For errors nobody foresaw: the log gets them, the page stays calm. True: Streamlit shows nothing of its own."""
    logger.error("a page failed", exc_info=error)
    say(
        "This page failed",
        "That is a defect in IMS, not in your data. The log of the web app has the details; the other pages go on.",
        "error",
    )
    return True
