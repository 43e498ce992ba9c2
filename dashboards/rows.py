"""Tables whose rows are ticked or clicked: how high they stand, and which row was chosen last."""

from __future__ import annotations

import streamlit as st

ROW_HEIGHT, LONGEST = 35, 12


def height_of(count: int) -> int:
    """Pixels for so many rows below their header; more than twelve are scrolled."""
    return ROW_HEIGHT * (min(count, LONGEST) + 1) + 3


def newest_row(key: str, ticked: list[int], cells: list[int]) -> int | None:
    """The row that was clicked or ticked since the last look, which is kept under `key`; None when nothing was."""
    before_ticked, before_cells = st.session_state.get(key, ([], []))
    st.session_state[key] = (ticked, cells)
    if cells and cells != before_cells:
        return cells[0]
    new = [index for index in ticked if index not in before_ticked]
    return new[-1] if new else None
