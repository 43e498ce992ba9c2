"""The buttons above the list: what the reader may do with the ticked lines, or with all that are shown."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from api.identity.principal import SignedIn
from dashboards.deciding.dialogs import ask
from dashboards.deciding.lines import Row, decidable
from warehouse.formats import count_of

EDIT, APPROVE = "suggestion:edit", "suggestion:approve"


def may_decide(user: SignedIn) -> bool:
    """Whether there is anything for the user to press."""
    return user.grants.allows(EDIT) or user.grants.allows(APPROVE)


def show_bar(user: SignedIn, rows: Sequence[Row], ticked: Sequence[Row]) -> None:
    """Nothing at all for whoever may decide nothing."""
    if not may_decide(user):
        return
    every, chosen = decidable(user, APPROVE, rows), decidable(user, APPROVE, ticked)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not ticked:
            if every:
                _offer("approve", every, f"Approve all {count_of(len(every), 'line')} shown", "done_all")
            st.caption("Tick lines to decide on them; click a line to see why.")
            return
        if chosen:
            lines = count_of(len(chosen), "line")
            _offer("approve", chosen, f"Approve {lines}", "check", is_first=True)
            _offer("refuse", chosen, f"Refuse {lines}", "block")
        if len(ticked) == 1:
            show_edit_button(user, ticked[0])
        if len(chosen) < len(ticked):
            left = count_of(len(ticked) - len(chosen), "ticked line")
            st.caption(f"{left} decided already, or not yours to decide, and left alone.")


def show_edit_button(user: SignedIn, row: Row, place: str = "bar") -> None:
    """The way to another quantity, where the line is open and the reader may change it."""
    if decidable(user, EDIT, [row]):
        _offer("edit", [row], "Change quantity", "edit", place=place)


def _offer(
    step: str, rows: Sequence[Row], label: str, icon: str, *, is_first: bool = False, place: str = "bar"
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        type="primary" if is_first else "secondary",
        key=f"{place}-{step}",
        on_click=ask,
        args=(step, tuple(row["suggestion_id"] for row in rows)),
    )
