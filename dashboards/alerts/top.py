"""The first few open alerts on a board, each a way into the list."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import streamlit as st

from api.alerts import list_alerts
from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from dashboards.alerts.words import KINDS, Row
from dashboards.installation import driver, operational
from dashboards.passport import Passport
from warehouse.formats import format_money

PERMISSION = "alert:read"
STYLE = """<style>.ims-top { display: flex; gap: .6rem; padding: .35rem 0; align-items: baseline; }
.ims-top + .ims-top { border-top: 1px solid rgba(138, 154, 150, .25); }
.ims-top .dot { width: .6rem; height: .6rem; border-radius: 50%; flex: none; background: #b9874a; }
.ims-top .dot.severe { background: #d0604a; }
.ims-top a { flex: 1; color: inherit; } .ims-top .more { opacity: .8; }</style>"""
LINE = (
    '<div class="ims-top"><span class="dot {severity}"></span><a href="/alerts?{query}" target="_self">{title}</a>'
    '<span class="more">{where}</span><strong>{amount}</strong></div>'
)


def show_top(passport: Passport, user: SignedIn, most: int, store: str | None = None) -> None:
    """Nothing for whoever may not read alerts; a sentence where none is open."""
    if not user.grants.allows(PERMISSION):
        return
    stores = scope_of(user, PERMISSION).store_codes
    wanted = stores if store is None else frozenset({store}) & stores if stores is not None else frozenset({store})
    with operational().connect() as connection:
        rows = list_alerts(driver(connection), passport.today, stores=wanted, limit=most)
    st.markdown("**To look at first**", help="Open alerts, the most sales at stake first.")
    if not rows:
        st.caption(":material/check_circle: No alert is open.")
        return
    st.html(STYLE + "".join(_line(row, passport.currency) for row in rows))


def _line(row: Row, currency: str) -> str:
    chosen = {"kind": row["kind"], "store": row["store_code"]}
    amount = float(row["at_stake_amount"])
    return LINE.format(
        severity=row["severity"],
        query=escape(urlencode({name: value for name, value in chosen.items() if value}), quote=True),
        title=escape(row["title"]),
        where=escape(f"{KINDS[row['kind']]} · {row['store_code'] or 'the chain'}"),
        amount=escape(format_money(amount, currency)) if amount else "",
    )
