"""Reads what models left in the lake, at the published snapshot, kept by (lake, snapshot, table, costs)."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards.installation import given_databases
from dashboards.reader import lake_at
from warehouse.outputs import Name, read_output


def read(snapshot_id: int, name: Name, *, sees_cost: bool) -> pl.DataFrame | None:
    """The rows; None where there are none."""
    frame = _read(given_databases().lake, snapshot_id, name, sees_cost)
    return None if frame is None or frame.is_empty() else frame


@st.cache_data(show_spinner=False, max_entries=100)
def _read(lake: str, snapshot_id: int, name: Name, sees_cost: bool) -> pl.DataFrame | None:
    return read_output(lake_at(snapshot_id), name, sees_cost=sees_cost)
