"""Tables whose rows are ticked or clicked: how high they stand, and which row was chosen last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

ROW_HEIGHT, LONGEST = 35, 12


def height_of(count: int) -> int:
    """Pixels for so many rows below their header; more than twelve are scrolled."""
    return ROW_HEIGHT * (min(count, LONGEST) + 1) + 3


def pick_rows(
    table: Any,
    count: int,
    columns: Mapping[str, Any],
    key: str,
    alt: str,
    *,
    is_ticked: bool,
    hidden: Collection[str] = (),
) -> tuple[int | None, list[int]]:
    """Show a table of `count` rows: the one clicked or ticked since the last look (None: no other), and all ticked.

    `hidden` names columns that are left out; without `is_ticked` at most one row is chosen.
    """
    event = st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=height_of(count),
        row_height=ROW_HEIGHT,
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"] if is_ticked else "single-row",
        column_config=columns,
        column_order=[name for name in columns if name not in hidden],
        placeholder="",
        alt=alt,
    )
    ticked = [index for index in event["selection"]["rows"] if index < count]
    cells = [index for index, _ in event["selection"].get("cells", []) if index < count]
    return _newest(f"{key}-seen", ticked, cells), ticked


def _newest(key: str, ticked: list[int], cells: list[int]) -> int | None:
    """The row that was clicked or ticked since the last look, which is kept under `key`; None when nothing was."""
    before_ticked, before_cells = st.session_state.get(key, ([], []))
    st.session_state[key] = (ticked, cells)
    if cells and cells != before_cells:
        return cells[0]
    new = [index for index in ticked if index not in before_ticked]
    return new[-1] if new else None
