"""What is held back, row by row: rows set aside, store-days left out, items without a suggestion."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import streamlit as st

from api.findings import spell, without_costs
from api.identity.scope import Scope
from dashboards.installation import given_databases
from dashboards.passport import Passport
from dashboards.reader import lake_at
from warehouse.formats import count_of, format_number
from warehouse.set_aside import Kind, read_set_aside

SHOWN = 1000
SAID: dict[Kind, tuple[str, str]] = {
    "store_days": ("Store-days left out", "Their sales are in no figure: missing, or there twice. Send the day again."),
    "rows": ("Rows set aside", "In no figure until they are corrected where they were written, or waived."),
    "files": (
        "Rows the import refused",
        "Correct them in their file and import it again; nothing else waits for them.",
    ),
    "pairs": ("Items without a suggestion", "Ledger and shelf disagree. Count them; then they are ordered again."),
}
LABELS: dict[str, Any] = {
    "store_code": "Store",
    "day_on": st.column_config.DateColumn("Day", format="D MMM YYYY"),
    "table_name": "Table",
    "check_names": "Which checks",
    "row": "The row",
    "file": "File",
    "line": "Line",
    "rule": "Rule it breaks",
    "column_name": "Column",
    "value": "What it says",
    "sku": "SKU",
    "name": "Product",
}


def show_held(passport: Passport, scope: Scope) -> None:
    """One table for each kind that holds something."""
    found = {kind: read_held(passport.snapshot_id, kind, scope) for kind in SAID}
    if all(frame.is_empty() for frame in found.values()):
        st.markdown(":material/check_circle: Nothing is held back: every row counts.")
        return
    for kind, frame in found.items():
        if frame.is_empty():
            continue
        title, says = SAID[kind]
        st.markdown(f"**{title}: {format_number(frame.height)}**")
        st.caption(says)
        st.dataframe(
            frame.head(SHOWN).to_pandas(),
            hide_index=True,
            height="auto",
            column_config=LABELS,
            placeholder="–",
            alt=title,
        )
        if frame.height > SHOWN:
            st.caption(f"The first {format_number(SHOWN)} of {count_of(frame.height, 'row')}.")


def read_held(snapshot_id: int, kind: Kind, scope: Scope) -> pl.DataFrame:
    """What of that kind is held back in the scope's stores; costs are left out for whoever may not see them."""
    frame = _read(given_databases().lake, snapshot_id, kind, scope.store_codes)
    if kind == "rows":
        told = [_told(text, scope) for text in frame["row"]]
        frame = frame.with_columns(pl.Series("row", told, pl.String))
    if kind == "files" and not scope.sees_cost:
        is_cost = pl.col("column_name").str.contains("cost")
        frame = frame.with_columns(pl.when(is_cost).then(None).otherwise(pl.col("value")).alias("value"))
    if "check_names" in frame.columns:
        frame = frame.with_columns(pl.col("check_names").str.replace_all("_", " "))
    return frame


def _told(text: str, scope: Scope) -> str:
    row = json.loads(text)
    return spell(row if scope.sees_cost else without_costs(row))


@st.cache_data(show_spinner=False, max_entries=200)
def _read(lake: str, snapshot_id: int, kind: Kind, stores: frozenset[str] | None) -> pl.DataFrame:
    return read_set_aside(lake_at(snapshot_id), kind, stores)
