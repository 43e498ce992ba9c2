"""The audit trail: who did what to what, when, and what it was before."""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st

from api.identity.principal import SignedIn
from api.services.audit_kinds import kinds
from dashboards.filters import choose_one
from dashboards.records import read_list

SEVERITIES = ("info", "warning", "critical")


def show_trail(user: SignedIn) -> None:
    """Filters, the newest events, and the picked one in full. Without `audit:read`, those about money, as the API has
    it."""
    may_all = user.grants.allows("audit:read")
    told = [name for name, kind in kinds().items() if may_all or kind.is_money]
    if not may_all:
        st.markdown(
            "What was done with money: orders, discounts, payments, prices, vendors, purchases, invoices, expenses."
        )
    left, middle, right = st.columns(3)
    kind = choose_one(left, "What", "Everything", sorted(told, key=_says), "kind", _says)
    severity = choose_one(middle, "Severity", "All", SEVERITIES, "grave", str.capitalize)
    day = right.date_input("Since", value=None, key="since", format="DD/MM/YYYY")
    since = f"{day.isoformat()}T00:00:00Z" if isinstance(day, dt.date) else None
    events = read_list("/audit", kind=kind, severity=severity, since=since)
    if events is None:
        return
    if not events:
        st.markdown("Nothing of that kind happened.")
        return
    event = st.dataframe(
        [_line(each) for each in events],
        key=f"trail-{kind}-{severity}-{since}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "at": "When (UTC)",
            "who": "Who",
            "kind": st.column_config.TextColumn("What", width="large"),
            "of": "To what",
            "severity": "Severity",
            "address": "From",
        },
        alt="Events, the newest first",
    )
    st.caption(
        f"The newest {len(events)}. Tick one to see what changed. `ims audit verify` proves that none is missing."
    )
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(events):
        _show(events[rows[0]])


def _says(kind: str) -> str:
    return kinds()[kind].says if kind in kinds() else kind


def _line(each: dict[str, Any]) -> dict[str, str]:
    return {
        "at": each["at"][:19].replace("T", " "),
        "who": each.get("username") or "IMS",
        "kind": _says(each["kind"]),
        "of": f"{each.get('entity_type') or ''} {each.get('entity_id') or ''}".strip(),
        "severity": each["severity"],
        "address": each.get("address") or "",
    }


def _show(each: dict[str, Any]) -> None:
    with st.container(border=True):
        st.caption(f"{each['kind']} · {each['at']} · request {each.get('request_id') or '–'}")
        before, after = st.columns(2, gap="large")
        for place, title, value in ((before, "Before", each.get("before")), (after, "After", each.get("after"))):
            with place:
                st.markdown(f"**{title}**")
                st.json(value or {}, expanded=True)
