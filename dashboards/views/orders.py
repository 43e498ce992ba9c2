"""Orders at vendors: what still has to be approved and sent, and what has not come. Everything is asked of the API."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from dashboards.filters import choose_one, choose_store
from dashboards.header import show_header
from dashboards.members import shorten
from dashboards.messages import say, say_no_store
from dashboards.orders.steps import may_move, show_bar, show_became, show_dialog
from dashboards.orders.table import pick_orders, show_order
from dashboards.orders.words import OPEN, SHOWN, SHOWN_WORDS, Row, days_late, urgency, vendor_of
from dashboards.passport import Passport
from dashboards.places import store_keys
from dashboards.reader import read_places
from dashboards.records import MOST, read_list, read_one
from dashboards.tile_rows import Tile, show_tiles
from warehouse.formats import format_number

PERMISSION, EXPORT = "purchase:read", "export:plain"
TITLE, LEAD = "Orders", "What still has to go to a vendor, and what has not come?"


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header(TITLE, LEAD, passport, scope.store_codes)
    if scope.store_codes == frozenset():
        say_no_store()
        return
    show_became()
    stores, _ = read_places(passport.snapshot_id, scope)
    left, right, wide = st.columns([1, 1, 2])
    store = choose_store(left, stores)
    state = choose_one(right, "State", "All that is open", list(SHOWN), "state", SHOWN_WORDS.__getitem__)
    statuses = SHOWN[state] if state else OPEN
    found = read_list("/purchase-orders", status=statuses, store_id=store_keys(scope).get(store) if store else None)
    if found is None:
        return
    vendors = sorted({vendor_of(row) for row in found})
    vendor = choose_one(wide, "Vendor", "All vendors", vendors, "vendor")
    rows = [row for row in found if vendor in {None, vendor_of(row)}]
    rows.sort(key=lambda row: urgency(row, passport.today))
    if not rows:
        _say_why_empty(is_filtered=bool(store or state or vendor))
        return
    _show_tiles(rows, passport)
    bar = st.container()
    same = {"store": bool(store), "vendor": bool(vendor), "note": not any(row.get("note") for row in rows)}
    same |= {"cost": not any("cost_amount" in row for row in rows), "open": not any(row["open_units"] for row in rows)}
    chosen, ticked = pick_orders(
        rows,
        shorten(stores),
        passport.currency,
        passport.today,
        key=f"orders-{store}-{state}-{vendor}-{len(rows)}",
        is_moved_on=may_move(user),
        hidden=[name for name, is_same in same.items() if is_same],
    )
    with bar:
        show_bar(user, rows, ticked)
    if len(found) >= MOST:
        st.caption(f"The newest {format_number(MOST)} of this choice: choose a store or a state to see others.")
    _offer_files(user, rows, store)
    order = read_one(f"/purchase-orders/{chosen['purchase_order_id']}")
    if order is not None:
        show_order(order.body, passport.currency, passport.today)
    show_dialog(rows, passport.currency)


def _show_tiles(rows: Sequence[Row], passport: Passport) -> None:
    late = [row for row in rows if days_late(row, passport.today)]
    tiles = []
    for name, says in (
        ("approve", "Drafts of approved suggestions, or made by hand. Somebody else than who made one approves it."),
        ("send", "Approved, and not with the vendor yet: they count for nothing until they are sent."),
        ("vendor", "Sent, and not all of it has come."),
    ):
        orders = [row for row in rows if row["status"] in SHOWN[name]]
        tiles.append(Tile(SHOWN_WORDS[name], format_number(len(orders)), says))
    show_tiles([*tiles, Tile("Late", format_number(len(late)), "With the vendor, and expected before today.")])


def _offer_files(user: SignedIn, rows: Sequence[Row], store: str | None) -> None:
    unsent = (*SHOWN["approve"], *SHOWN["send"])
    if not user.grants.allows(EXPORT) or not any(row["status"] in unsent for row in rows):
        return
    where = f"&store={store}" if store else ""
    links = " · ".join(
        f"[{words}](/api/v1/lists/orders?form={form}{where})" for form, words in (("pdf", "PDF"), ("xlsx", "Excel"))
    )
    st.markdown(f"What is not sent yet, a sheet for each vendor: {links}")


def _say_why_empty(*, is_filtered: bool) -> None:
    if is_filtered:
        say("No such order", "Choose another store, state or vendor to see others.", "check_circle")
        return
    say(
        "No order is open",
        "Suggestions that are approved under [Reorder](/reorder) become drafts here, one for each vendor and store. "
        "They are approved by somebody else, and then sent.",
        "local_shipping",
    )
