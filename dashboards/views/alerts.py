"""Alerts: what is off, short, late or not to be believed, the most sales at stake first, and acting on it."""

from __future__ import annotations

import streamlit as st

from api.alerts import KindTotals, add_up, list_alerts, total_alerts
from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from dashboards.alerts.asking import show_dialog
from dashboards.alerts.card import STYLE, show_card
from dashboards.alerts.measured import show_measured
from dashboards.alerts.words import BEYOND, KINDS, STATES
from dashboards.filters import choose_one, choose_store
from dashboards.header import show_header
from dashboards.installation import driver, operational
from dashboards.messages import say, say_no_store
from dashboards.passport import Passport
from dashboards.reader import read_places
from dashboards.tile_rows import Tile, show_tiles
from dashboards.told import show_told
from warehouse.formats import count_of, format_compact_money, format_number, format_share

PERMISSION = "alert:read"
TITLE = "Alerts"
LEAD = "What is off, short, late or not to be believed, the most sales at stake first. What you settle stays settled."
MOST = 20
SHOWN = {**STATES, BEYOND: "Waiting"}
LEARN = """Every run looks for five things, and raises what it finds here, ranked by the sales at stake:

- **Sales off**: a store sold 30 % less or more yesterday than on the last four such weekdays (50 % is severe),
- **Stock-out ahead**: sales will be missed before an order placed now could arrive,
- **Late order**: a vendor's promised day has passed,
- **Forecast bias**: a segment was forecast too high or too low for weeks, beyond noise,
- **Data problem**: a check failed, a day is held back, or a store's file does not arrive.
"""


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header(TITLE, LEAD, passport, scope.store_codes)
    if scope.store_codes == frozenset():
        say_no_store()
        return
    names, _ = read_places(passport.snapshot_id, scope)
    places = st.columns(3)
    store = choose_store(places[0], names)
    kind = choose_one(places[1], "Kind", "All kinds", list(KINDS), "kind", KINDS.__getitem__)
    state = choose_one(places[2], "State", SHOWN["open"], list(SHOWN), "state", SHOWN.__getitem__) or "open"
    stores = scope.store_codes if store is None else frozenset({store})
    with operational().connect() as connection:
        rows = list_alerts(
            driver(connection),
            passport.today,
            stores=stores,
            kind=kind,
            state="open" if state == BEYOND else state,  # type: ignore[arg-type]  # one of STATES
            is_listed=state != BEYOND,
        )
        totals = total_alerts(driver(connection), passport.today, passport.as_of, stores=stores)
    show_told("alerts")
    _show_tiles(add_up([each for each in totals if kind in (None, each.kind)]), passport.currency)
    if not rows:
        _say_nothing(state, is_filtered=bool(store or kind))
    most = int(st.session_state.get("alerts-shown", MOST))
    st.html(STYLE)
    for row in rows[:most]:
        show_card(row, user, passport.currency)
    if len(rows) > most:
        left = count_of(len(rows) - most, "more alert")
        st.button(f"Show {left}", key="more", on_click=_show_more, args=(len(rows),))
    show_measured(totals)
    show_dialog(passport.today)


def _show_more(count: int) -> None:
    st.session_state["alerts-shown"] = count


def _show_tiles(total: KindTotals, currency: str) -> None:
    show_tiles(
        [
            Tile("Open", format_number(total.open_count), "Alerts that nobody has settled yet."),
            Tile(
                "Sales at stake",
                format_compact_money(total.open_amount, currency),
                "Sales value of the open ones, without tax: what was not sold, or will be missed. No cost is in it.",
            ),
            Tile(
                "Waiting",
                format_number(total.beyond_count),
                "A store is shown so many alerts a day (setting alerts_per_store_day). These wait for a place; the "
                "filter State shows them.",
            ),
            Tile(
                "Acted on, 4 weeks",
                format_share(total.acted_share) if total.shown_count else "–",
                f"{format_number(total.acted_count)} of {count_of(total.shown_count, 'alert')} shown in four weeks.",
            ),
        ]
    )


def _say_nothing(state: str, *, is_filtered: bool) -> None:
    if state == "open" and not is_filtered:
        say("Nothing to look at", LEARN, "check_circle")
        return
    nothing = "waiting" if state == BEYOND else STATES[state].lower()
    say(f"No alert is {nothing} here", "Choose another store, kind or state to see the rest.", "check_circle")
