"""The checks of the newest run as a table to pick from, and the picked one: what it means, what to do, its rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from api.findings import Row, failed_rows, without_costs
from api.identity.principal import SignedIn
from api.identity.scope import Scope
from dashboards.downloads import write_csv, write_table
from dashboards.files import TYPES, File, offer
from dashboards.installation import driver, operational
from dashboards.passport import Passport
from dashboards.rows import ROW_HEIGHT, height_of
from warehouse.formats import count_of, format_number
from warehouse.wording import HELD, SAYS

PERMISSION, EXPORT = "quality:read", "export:plain"
SHOWN = 500
SEVERITIES = {"blocking": "Stops publishing", "warning": "Warns", "info": "Tells"}


def pick_check(rows: Sequence[Row], chosen: str | None) -> Row:
    """Show the results; the picked one (at first `chosen`, as `table:check`, else the first)."""
    start = next((at for at, row in enumerate(rows) if name_of(row) == chosen), 0)
    event = st.dataframe(
        pl.DataFrame([_line(row) for row in rows]).to_pandas(),
        key=f"checks-{len(rows)}-{rows[0]['check_result_id']}",
        hide_index=True,
        height=height_of(len(rows)),
        row_height=ROW_HEIGHT,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [start]}},
        column_config={
            "says": st.column_config.TextColumn("Says", width="small"),
            "layer": st.column_config.TextColumn("Layer", width="small"),
            "table": st.column_config.TextColumn("Table"),
            "check": st.column_config.TextColumn("What must hold", width="large"),
            "rows": st.column_config.NumberColumn("Rows that break it", width="small", format="localized"),
            "owner": st.column_config.TextColumn("Who looks after it"),
        },
        alt="Checks of the newest run, the gravest first",
    )
    picked = event["selection"]["rows"]
    return rows[picked[0]] if picked and picked[0] < len(rows) else rows[start]


def name_of(row: Row) -> str:
    """`table:check`, as the address names it."""
    return f"{row['table_name']}:{row['check_name']}"


def _line(row: Row) -> dict[str, Any]:
    layer, _, table = row["table_name"].partition(".")
    says = SEVERITIES[row["severity"]] if row["state"] == "failed" else row["state"].capitalize()
    return {
        "says": says,
        "layer": layer,
        "table": table,
        "check": row["check_name"].replace("_", " "),
        "rows": row["shown_count"],
        "owner": row["owner"],
    }


def show_check(row: Row, run_id: str, passport: Passport | None, user: SignedIn, scope: Scope) -> None:
    """The picked check: its meaning, what to do, and the rows that broke it."""
    with st.container(border=True):
        st.subheader(row["check_name"].replace("_", " ").capitalize(), anchor=False)
        word = "WAIVED" if row["state"] == "waived" else "PASSED" if row["state"] == "passed" else SAYS[row["severity"]]
        st.caption(f"{word} · {row['table_name']} · looked after by the {row['owner']}")
        st.markdown(f"**What to do.** {row['what_to_do']}")
        if row["holds_back"] and row["state"] == "failed":
            st.markdown(f"**Until then.** {HELD[row['holds_back']]}")
        if row["state"] == "passed":
            st.markdown("It holds: no row breaks it.")
            return
        _show_rows(row, run_id, passport, user, scope)


def _show_rows(row: Row, run_id: str, passport: Passport | None, user: SignedIn, scope: Scope) -> None:
    frame = read_rows(row["check_result_id"], scope, SHOWN)
    if frame.is_empty():
        st.markdown(f"**What broke it.** {row['observed']}. No rows of it are kept.")
        return
    count = row["shown_count"]
    told = f"{count_of(count, 'row')} break{'s' if count == 1 else ''} it"
    more = f"; the first {format_number(frame.height)} are shown" if count > frame.height else ""
    st.markdown(f"**What broke it.** {told}{more}.")
    named = {name: name.removesuffix("_code").replace("_", " ").capitalize() for name in frame.columns}
    st.dataframe(
        frame.to_pandas(), hide_index=True, height="auto", column_config=named, alt="Rows that broke the check"
    )
    if passport is not None:
        _offer_rows(row, run_id, passport, user)


def read_rows(check_result_id: int, scope: Scope, limit: int = 10_000) -> pl.DataFrame:
    """The kept rows that broke a check, in the scope's stores, one column for each of their members, as text."""
    with operational().connect() as connection:
        found = failed_rows(driver(connection), check_result_id, scope.store_codes, limit)
    rows = [row if scope.sees_cost else without_costs(row) for row, _ in found]
    names = dict.fromkeys(name for row in rows for name in row)
    values = [{name: None if row.get(name) is None else str(row[name]) for name in names} for row in rows]
    return pl.DataFrame(values, schema=dict.fromkeys(names, pl.String))


def _offer_rows(row: Row, run_id: str, passport: Passport, user: SignedIn) -> None:
    about = {"table": row["table_name"], "check": row["check_name"], "run_id": run_id}

    def write(form: str, scope: Scope) -> tuple[bytes, int]:
        rows = read_rows(row["check_result_id"], scope)
        return write_csv(rows) if form == "csv" else write_table(rows, {}, passport, about), rows.height

    stem = f"{row['table_name']}-{row['check_name']}"
    files = [File("check-rows", f"{stem}.{form}", PERMISSION, EXPORT, partial(write, form), about) for form in TYPES]
    if not files[0].may_be_taken(user):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, file in zip(("CSV", "Excel"), files, strict=True):
            offer(label, file)
        st.caption("Send it to whoever looks after the rows. People are pseudonyms in it.")
