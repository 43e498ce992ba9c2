"""One alert as a card: how grave, what, how much, a way to where it is looked into, and what can be done about it."""

from __future__ import annotations

from html import escape

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import stores_of
from dashboards.alerts.asking import ask
from dashboards.alerts.words import COLOURS, ICONS, KINDS, Row, address_of, say_state
from warehouse.formats import format_day, format_money, write_money_in

ACT = "alert:act"
STYLE = """<style>
.ims-alert { font-weight: 600; } .ims-alert a { color: inherit; }
.ims-alert + div { font-size: .875rem; opacity: .8; }
</style>"""
BUTTONS = (
    ("act", "Done", "check", "Something was done about it."),
    ("snooze", "Later", "snooze", "Put it off until a day."),
    ("dismiss", "No", "close", "Nothing is to be done, and why."),
)


def may_act(user: SignedIn, row: Row) -> bool:
    """Whether the reader may settle it; the API holds to the same. The chain's are for who reaches every store."""
    if not user.grants.allows(ACT):
        return False
    stores = stores_of(user, ACT)
    return stores is None or row["store_code"] in stores


def show_card(row: Row, user: SignedIn, currency: str) -> None:
    """The card; `STYLE` goes with the first."""
    with st.container(border=True), st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                st.badge(KINDS[row["kind"]], icon=ICONS[row["kind"]], color=COLOURS[row["severity"]])
                amount = float(row["at_stake_amount"])
                if amount:
                    st.markdown(f"**{format_money(amount, currency)}** at stake", width="content")
            st.html(_say_what(row, user, currency))
        if row["state"] in ("open", "snoozed") and may_act(user, row):
            _offer(row)


def _say_what(row: Row, user: SignedIn, currency: str) -> str:
    address = address_of(row, user)
    title = escape(row["title"])
    if address:
        title = f'<a href="{escape(address, quote=True)}" target="_self">{title}</a>'
    where = f"{row['store_code']} {row['store_name']}" if row["store_code"] else "The chain"
    since = None if row["first_on"] == row["day_on"] else f"since {format_day(row['first_on'])}"
    said = " · ".join(
        part for part in (where, since, write_money_in(row["detail"] or "", currency), say_state(row)) if part
    )
    return f'<div class="ims-alert">{title}</div><div>{escape(said)}</div>'


def _offer(row: Row) -> None:
    with st.container(horizontal=True, gap="small", width="content"):
        for step, label, icon, says in BUTTONS:
            st.button(
                label,
                icon=f":material/{icon}:",
                help=says,
                key=f"{step}-{row['alert_id']}",
                on_click=ask,
                args=(step, row["alert_id"], row["title"]),
            )
