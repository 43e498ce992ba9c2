"""Where tiles stand: rows of near equal length, two beside each other on a phone (style.py). Knows no figure."""

from __future__ import annotations

from typing import Any

import streamlit as st

ACROSS, LEAST_ACROSS = 5, 3


def tile_rows(count: int, name: str = "all") -> Any:
    """The place of so many tiles, each drawn into it in turn. Worked: 9 stand as 5 and 4, 11 as 4, 4 and 3."""
    rows = -(-count // ACROSS)
    across = max(-(-count // max(rows, 1)), LEAST_ACROSS)
    return st.container(horizontal=True, key=f"tiles-{across}-{name}")
