"""Why otherwise than suggested: a reason that can be counted, or one in the reader's own words."""

from __future__ import annotations

import streamlit as st

from api.schema.planning import DECISION_CODES
from warehouse.wording import reason_in_words

OTHER = "OTHER"
LONGEST = 200


def ask_reason(key: str) -> dict[str, str] | None:
    """The members `reason` and, where it is one of the known, `reason_code`; None while there is no reason."""
    code = st.selectbox(
        "Why",
        [*DECISION_CODES, OTHER],
        index=None,
        placeholder="Choose a reason",
        format_func=lambda code: "Another reason" if code == OTHER else reason_in_words(code),
        key=f"why-{key}",
    )
    hint = "Say which" if code == OTHER else "If there is more to say"
    said = st.text_input("In your words", max_chars=LONGEST, placeholder=hint, key=f"said-{key}").strip()
    if code is None or (code == OTHER and not said):
        return None
    return {"reason": said} if code == OTHER else {"reason": said or reason_in_words(code), "reason_code": code}
