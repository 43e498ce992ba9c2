"""Reorder: what to order now, the most money at stake first, and why."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from api.services.suggestion_totals import SuggestionTotals, total_suggestions
from api.suggestions import list_suggestions
from dashboards.downloads import order_frame, write_csv, write_xlsx
from dashboards.files import TYPES, File, offer
from dashboards.filters import choose_one
from dashboards.header import show_header
from dashboards.installation import operational
from dashboards.messages import say
from dashboards.order_table import pick_line
from dashboards.passport import Passport
from dashboards.reader import read_places
from dashboards.receipt import show_receipt
from warehouse.formats import count_of, format_compact_money, format_money, format_number

LEAD = "What to order now, the most money at stake first. Pick a line to see why."
PERMISSION, EXPORT = "suggestion:read", "suggestion:export"
STATES = ("proposed", "approved", "edited", "ordered")
SHOWN = 500


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header("Reorder", LEAD, passport)
    store, category = _ask(passport, scope)
    filters: dict[str, Any] = {
        "publication_id": passport.publication_id,
        "stores": scope.store_codes,
        "store": store,
        "category": category,
        "states": STATES,
    }
    with operational().connect() as connection:
        totals = total_suggestions(connection, **filters)
        rows = list_suggestions(connection, **filters, limit=SHOWN)
    if not rows:
        _say_why_empty(passport, store, category)
        return
    _show_tiles(totals, passport.currency)
    chosen = st.query_params.get("line", "")
    line = pick_line(
        rows,
        passport.currency,
        int(chosen) if chosen.isdecimal() else None,
        key=f"lines-{passport.publication_id}-{store}-{category}",
        hidden=_say_nothing(rows, store, category),
    )
    st.query_params["line"] = str(line["suggestion_id"])
    _offer_files(user, filters, totals.lines, passport)
    show_receipt(line, passport, scope)


def _ask(passport: Passport, scope: Scope) -> tuple[str | None, str | None]:
    stores, categories = read_places(passport.snapshot_id, scope)
    left, right, _ = st.columns([1, 1, 2])
    store = choose_one(left, "Store", "All stores", list(stores), "store", lambda code: f"{code} · {stores[code]}")
    category = choose_one(right, "Category", "All categories", categories, "category")
    return store, category


def _say_nothing(rows: list[dict[str, Any]], store: str | None, category: str | None) -> list[str]:
    """Columns that say the same in every row."""
    is_same = {"store": bool(store), "category": bool(category), "state": len({row["state"] for row in rows}) == 1}
    return [name for name, same in is_same.items() if same]


def _show_tiles(totals: SuggestionTotals, currency: str) -> None:
    tiles = st.columns(4)
    tiles[0].metric("Lines to order", format_number(totals.lines), border=True, help="Store and product pairs.")
    tiles[1].metric("Units", format_number(totals.units, by_lakh=currency == "INR"), border=True)
    tiles[2].metric(
        "Money at stake",
        format_compact_money(totals.money_at_stake, currency),
        border=True,
        help=f"{format_money(totals.money_at_stake, currency, 2)}: expected lost margin less holding cost that these "
        "orders save, against ordering nothing.",
    )
    tiles[3].metric(
        "Stock-outs ahead",
        format_number(totals.stock_outs_ahead),
        border=True,
        help="Lines that more likely than not run out before an order placed later could arrive.",
    )


def _offer_files(user: SignedIn, filters: dict[str, Any], lines: int, passport: Passport) -> None:
    def write(form: str, scope: Scope) -> tuple[bytes, int]:
        with operational().connect() as connection:
            rows = list_suggestions(connection, **{**filters, "stores": scope.store_codes})
        return write_csv(order_frame(rows)) if form == "csv" else write_xlsx(rows, passport), len(rows)

    name = f"suggestions-{passport.as_of}-snapshot-{passport.snapshot_id}"
    about = {key: filters[key] for key in ("store", "category")} | {"snapshot_id": passport.snapshot_id}
    csv, xlsx = (
        File("suggestions", f"{name}.{form}", PERMISSION, EXPORT, partial(write, form), about) for form in TYPES
    )
    if not csv.may_be_taken(user):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        offer("CSV", csv)
        offer("Excel", xlsx)
        hidden = f"The {SHOWN} dearest are shown; the files hold " if lines > SHOWN else "The files hold "
        st.caption(f"{hidden}{count_of(lines, 'line')}, as filtered.")


def _say_why_empty(passport: Passport, store: str | None, category: str | None) -> None:
    if store or category:
        say(
            "Nothing to order here",
            "No order is suggested for this choice: what is on hand and on order covers the expected demand. "
            "Choose another store or category to see the rest.",
            "check_circle",
        )
        return
    reasons = "\n".join(f"- {note}" for note in passport.notes)
    say(
        "Nothing to order",
        "Either everything is well stocked, or IMS lacks what an order needs. It needs, in the chain folder:\n\n"
        "- `stock.csv`: what is on hand at the opening of the as-of day,\n"
        "- `supply.csv`: who supplies each product, with lead time, review period and lots,\n"
        "- and, so that nothing is ordered twice, `open_orders.csv`.\n\n"
        f"Load them with `ims import DIR` and run again with `ims run`.\n\n{reasons}",
        "inventory_2",
    )
