"""Waivers: which failures may stand, where, why, who said so and until when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st

from api.findings import Row, waivers
from api.identity.principal import SignedIn
from api.identity.scope import Scope
from dashboards.installation import driver, operational
from dashboards.quality.waiving import show_revoke_form

SOON_DAYS = 7
LEARN = """Nothing is waived. A failure that is known and accepted, a store shut for stock-taking say, is waived by
whoever may (analyst, superadmin), with a reason and a last day:

    ims checks waive raw.stores no_day_of_sales_is_missing --store CODE --until DAY --by YOU --reason "shut"
"""


def show_waivers(scope: Scope, user: SignedIn, today: dt.date) -> None:
    """Those that hold today, and behind a switch those that ended."""
    rows = read_waivers(scope, today)
    if not rows:
        st.markdown(LEARN)
        return
    lines = [_line(row, today) for row in rows]
    ended = [line for line in lines if line["state"] in {"Expired", "Revoked"}]
    shown = lines
    if ended and not st.toggle(f"Show the {len(ended)} that ended", key="ended"):
        shown = [line for line in lines if line not in ended]
    if not shown:
        st.markdown("Nothing is waived today.")
        return
    st.dataframe(
        shown,
        hide_index=True,
        height="auto",
        column_config={
            "number": st.column_config.NumberColumn("No.", width="small"),
            "state": st.column_config.TextColumn("State", width="small"),
            "until": st.column_config.DateColumn("Until", format="D MMM YYYY"),
            "store": st.column_config.TextColumn("Store", width="small"),
            "check": st.column_config.TextColumn("What may stand", width="large"),
            "reason": st.column_config.TextColumn("Why", width="large"),
            "by": st.column_config.TextColumn("Who said so"),
        },
        alt="Waivers",
    )
    st.caption("A waived failure neither stops nor warns. The day after its last it counts again.")
    show_revoke_form([row for row in rows if not row["revoked_at"] and row["expires_on"] >= today], user)


def read_waivers(scope: Scope, today: dt.date) -> list[Row]:
    """Every waiver of the scope's stores, and those of all stores; the newest first."""
    with operational().connect() as connection:
        rows = waivers(driver(connection), today, is_active=False)
    return [row for row in reversed(rows) if row["store_code"] is None or scope.allows(row["store_code"])]


def _line(row: Row, today: dt.date) -> dict[str, Any]:
    left = (row["expires_on"] - today).days
    state = "Revoked" if row["revoked_at"] else "Expired" if left < 0 else "Ends soon" if left < SOON_DAYS else "Holds"
    return {
        "number": row["check_waiver_id"],
        "state": state,
        "until": row["expires_on"],
        "store": row["store_code"] or "All",
        "check": f"{row['table_name']}: {row['check_name'].replace('_', ' ')}",
        "reason": row["reason"],
        "by": row["waived_by"],
    }
