"""What a person is told when the API declines: what happened, whether anything was changed, what to do now."""

from __future__ import annotations

import re

import streamlit as st

from dashboards.api_client import Declined
from dashboards.messages import say_session_ended

UNCHANGED = "Nothing was changed."
ANEW = "The list shows how things stand now; choose again."
LATER = "Try again in a minute; your choice is kept."
TITLES: dict[int | str, str] = {
    "needs-approval": "That is above what your role approves",
    400: "This cannot be taken as it stands",
    403: "Your account may not do this",
    404: "It is not there any more",
    409: "That is not possible now",
    412: "Somebody was faster",
    422: "This cannot be taken as it stands",
    429: "Too much at once",
    503: "IMS is busy, or its database is away",
}
ADVICE: dict[int | str, str] = {
    "needs-approval": "Leave it open: whoever approves more sees the same line.",
    "own-request": "Somebody else must approve it.",
    "not-permitted": "Your administrator gives roles and stores; [your account](/account) shows which you have.",
    "store-out-of-scope": "Your administrator gives roles and stores; [your account](/account) shows which you have.",
    "key-reused": "An earlier click has done it already.",
    404: ANEW,
    409: ANEW,
    412: ANEW,
    429: LATER,
    503: LATER,
}
MARKS = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:&-])")


def show_problem(declined: Declined) -> None:
    """The message, in place of a result. Faults of single fields are shown beside the fields by whoever has them."""
    if declined.status == 401:
        say_session_ended()
        return
    title, text = words_of(declined)
    icon = ":material/sync_problem:" if declined.status in {404, 409, 412} else ":material/error:"
    st.error(f"**{title}.** {text}", icon=icon)


def words_of(declined: Declined) -> tuple[str, str]:
    """(title, Markdown) for anything but an ended session."""
    if declined.code == "no-address":
        return (
            "Nothing can be decided here",
            "This server shows figures only. Whoever runs IMS names the API to it (`IMS_API_URL`).",
        )
    if declined.status == 0:
        return "The API does not answer", f"{_what_became(declined)} {LATER}"
    title = TITLES.get(declined.code) or TITLES.get(declined.status)
    if title is None:
        more = "That is a defect in IMS, not of what you asked for; the log of the web app says more."
        return "This failed inside IMS", f"{_what_became(declined)} {more}"
    advice = ADVICE.get(declined.code) or ADVICE.get(declined.status) or ""
    return title, " ".join(part for part in (literal(declined.detail), _what_became(declined), advice) if part)


def literal(text: str) -> str:
    """Text that comes from data, as Markdown that shows it as it is: no link, picture, colour or formula of its own."""
    return MARKS.sub(r"\\\1", text)


def _what_became(declined: Declined) -> str:
    if declined.may_be_done:
        return "Whether it was done is not known: look at the list first. The same button does nothing twice."
    return UNCHANGED
