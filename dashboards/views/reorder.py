"""Reorder: what to move and what to buy now, the most money at stake first, why, and deciding on it."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from api.services.suggestion_summary import name_drafts
from api.services.suggestion_totals import SuggestionTotals, total_suggestions
from api.suggestions import list_suggestions
from dashboards.deciding.bar import may_decide, show_bar
from dashboards.deciding.dialogs import show_dialog
from dashboards.deciding.lines import DECIDED, OPEN, SHOWN, state_in_words
from dashboards.deciding.outcome import decisions, show_outcome
from dashboards.downloads import order_frame, write_csv, write_xlsx
from dashboards.files import TYPES, File, offer
from dashboards.filters import choose_one, choose_store
from dashboards.header import show_header
from dashboards.installation import operational
from dashboards.messages import say
from dashboards.order_table import pick_lines
from dashboards.passport import Passport
from dashboards.reader import read_places
from dashboards.receipt import show_receipt
from dashboards.tile_rows import Tile, show_tiles
from warehouse.formats import count_of, format_compact_money, format_money, format_number

LEAD = "What to move between stores, then what to buy, the most money at stake first. Click a line to see why."
PERMISSION, EXPORT = "suggestion:read", "suggestion:export"
MOST = 500
KINDS = {"transfer": "To move", "purchase": "To buy"}
STATE_WORDS = {"open": "Open", "approved": "Approved", "ordered": "Ordered", "refused": "Refused"}


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header("Reorder", LEAD, passport)
    chosen = _ask(passport, scope)
    filters: dict[str, Any] = {
        "publication_id": passport.publication_id,
        "stores": scope.store_codes,
        "store": chosen["store"],
        "category": chosen["category"],
        "kind": chosen["act"],
        "states": SHOWN[chosen["state"]] if chosen["state"] else (OPEN, *DECIDED),
    }
    show_outcome(user, passport.currency)
    with operational().connect() as connection:
        open_totals, totals = (
            total_suggestions(connection, **{**filters, "states": states})
            for states in ({OPEN} & {*filters["states"]}, filters["states"])
        )
        rows = _read(connection, filters)
        drafts = name_drafts(connection, [row["suggestion_id"] for row in rows if row["state"] != OPEN])
    if not rows:
        _say_why_empty(passport, any(chosen.values()))
        return
    _show_tiles(open_totals, totals, passport.currency)
    bar = st.container()
    asked = st.query_params.get("line", "")
    picked = pick_lines(
        rows,
        passport.currency,
        int(asked) if asked.isdecimal() else None,
        drafts,
        key=f"lines-{passport.publication_id}-{'-'.join(map(str, chosen.values()))}-{decisions()}",
        is_decided_on=may_decide(user),
        hidden=_say_nothing(rows, chosen, drafts),
    )
    st.query_params["line"] = str(picked.line["suggestion_id"])
    with bar:
        show_bar(user, rows, picked.ticked)
    _offer_files(user, filters, totals.lines, passport)
    show_receipt(picked.line, passport, scope, user)
    show_dialog(rows, passport.currency, scope)


def _ask(passport: Passport, scope: Scope) -> dict[str, str | None]:
    stores, categories = read_places(passport.snapshot_id, scope)
    places = st.columns(4)
    return {
        "store": choose_store(places[0], stores),
        "category": choose_one(places[1], "Category", "All categories", categories, "category"),
        "act": choose_one(places[2], "What to do", "Move and buy", list(KINDS), "act", KINDS.__getitem__),
        "state": choose_one(places[3], "State", "Open and decided", list(SHOWN), "state", STATE_WORDS.__getitem__),
    }


def _read(connection: Connection, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """The open ones on top, transfers first, for they cost least; below them what is decided."""
    wanted = {*filters["states"]}
    rows = list_suggestions(connection, **{**filters, "states": wanted & {OPEN}}, limit=MOST)
    rows.sort(key=lambda row: row["kind"] != "transfer")
    return rows + list_suggestions(connection, **{**filters, "states": wanted - {OPEN}}, limit=MOST - len(rows))


def _say_nothing(rows: list[dict[str, Any]], chosen: dict[str, str | None], drafts: dict[int, str]) -> list[str]:
    """Columns that say the same in every row."""
    is_same = {
        "store": bool(chosen["store"]),
        "category": bool(chosen["category"]),
        "state": len({state_in_words(row) for row in rows}) == 1,
        "draft": not drafts,
    }
    return [name for name, same in is_same.items() if same]


def _show_tiles(still_open: SuggestionTotals, both: SuggestionTotals, currency: str) -> None:
    """Of what is still to decide, or of what is shown where nothing is."""
    totals = still_open if still_open.lines else both
    decided = count_of(both.lines - still_open.lines, "line")
    stake = format_money(totals.money_at_stake, currency, 2)
    show_tiles(
        [
            Tile(
                "Lines to decide" if still_open.lines else "Lines decided",
                format_number(totals.lines),
                f"Store and product pairs. Beside them {decided} of this choice decided already.",
            ),
            Tile("Units", format_number(totals.units, by_lakh=currency == "INR")),
            Tile(
                "Money at stake",
                format_compact_money(totals.money_at_stake, currency),
                f"{stake}: expected lost margin less holding cost that these orders save, against ordering nothing.",
            ),
            Tile(
                "Stock-outs ahead",
                format_number(totals.stock_outs_ahead),
                "Lines that more likely than not run out before an order placed later could arrive.",
            ),
        ]
    )


def _offer_files(user: SignedIn, filters: dict[str, Any], lines: int, passport: Passport) -> None:
    def write(form: str, scope: Scope) -> tuple[bytes, int]:
        with operational().connect() as connection:
            rows = list_suggestions(connection, **{**filters, "stores": scope.store_codes})
        return write_csv(order_frame(rows)) if form == "csv" else write_xlsx(rows, passport), len(rows)

    name = f"suggestions-{passport.as_of}-snapshot-{passport.snapshot_id}"
    about = {"store": filters["store"], "category": filters["category"], "act": filters["kind"]}
    about["snapshot_id"] = passport.snapshot_id
    csv, xlsx = (
        File("suggestions", f"{name}.{form}", PERMISSION, EXPORT, partial(write, form), about) for form in TYPES
    )
    if not csv.may_be_taken(user):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        offer("CSV", csv)
        offer("Excel", xlsx)
        hidden = f"The first {MOST} are shown; the files hold " if lines > MOST else "The files hold "
        st.caption(f"{hidden}{count_of(lines, 'line')}, as filtered.")


def _say_why_empty(passport: Passport, is_filtered: bool) -> None:
    if is_filtered:
        say(
            "Nothing to order here",
            "No order is suggested for this choice: what is on hand and on order covers the expected demand. "
            "Choose another store, category or state to see the rest.",
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
