"""Saved views at the head of every page: keep the page with its filters, open one that was kept, rename, share, delete.

Written through the API in the viewer's name. What a view names that its reader may not see is left out, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlalchemy import select

from api.identity.policy import roles
from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from api.schema.settings import SavedView
from dashboards.api_client import Declined, ask_api, new_key
from dashboards.installation import operational
from dashboards.messages import AWAY
from dashboards.problems import literal, show_problem
from dashboards.records import read_list
from dashboards.told import show_told, tell

PERMISSION = "saved_view:use"
OPEN, WANTED, KEY = "views-open", "views-wanted", "views-key"
STORES = ("store", "from_store", "to_store")  # filters that name a store
# what a choice leaves beside the address's own parameters
CHOSEN = ("period", "span", "beside")
NOBODY = "Nobody else"
View = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A page of the site: its title, and the permission that opens it."""

    title: str
    permission: str


def show_saved_views(page: str, places: Mapping[str, Place], user: SignedIn) -> None:
    """The button that opens the dialog, and what became of the last choice."""
    if not user.grants.allows(PERMISSION):
        return
    show_told("views", kind="info", icon=":material/bookmark:")
    st.button("Views", icon=":material/bookmarks:", type="tertiary", key="views", on_click=_open_dialog)
    if st.session_state.get(OPEN):
        st.dialog("Saved views", on_dismiss=_close_dialog)(_fill)(page, places, user)


def take_wanted() -> tuple[str, dict[str, str]] | None:
    """The page and filters of the view that was chosen on another page, once."""
    wanted: tuple[str, dict[str, str]] | None = st.session_state.pop(WANTED, None)
    return wanted


def default_view(user: SignedIn, places: Mapping[str, Place]) -> tuple[str, dict[str, str]] | None:
    """The page and filters where this person begins; None without one, or when it is not part of their role."""
    own = select(SavedView.page, SavedView.filters).where(SavedView.user_id == user.user_id, SavedView.is_default)
    try:
        with operational().connect() as connection:
            row = connection.execute(own).one_or_none()
    except AWAY:
        return None  # the page that is drawn instead says what is the matter
    if row is None or row.page not in places or not user.grants.allows(places[row.page].permission):
        return None
    kept, dropped = within_reach(row.filters, places[row.page], user)
    _say_dropped(dropped)
    return row.page, kept


def within_reach(filters: Mapping[str, str], place: Place, user: SignedIn) -> tuple[dict[str, str], list[str]]:
    """The filters without stores that the reader may not see on that page, and the stores that were left out."""
    scope = scope_of(user, place.permission)
    dropped = [name for name in STORES if name in filters and not scope.allows(filters[name])]
    return {name: value for name, value in filters.items() if name not in dropped}, [filters[n] for n in dropped]


def _open_dialog() -> None:
    st.session_state[OPEN], st.session_state[KEY] = True, new_key()


def _close_dialog() -> None:
    st.session_state.pop(OPEN, None)


def _fill(page: str, places: Mapping[str, Place], user: SignedIn) -> None:
    views = read_list("/saved-views")
    if views is None:
        return
    known = {view["saved_view_id"]: view for view in views if view["page"] in places}
    if known:
        chosen = st.selectbox(
            "Open", list(known), format_func=lambda key: _named(known[key], places), index=None, key="view-chosen",
            placeholder="A view that was saved",
        )  # fmt: skip
        if chosen is not None:
            _show_chosen(known[chosen], page, places, user)
    st.markdown("**Keep this page as it is filtered now**")
    name = st.text_input("Name", key="view-name", max_chars=80, placeholder="Sunglasses, this month")
    shared = _choose_role("view-share", user, None)
    if st.button("Save", type="primary", key="view-save", disabled=not name.strip()):
        body = {"page": page, "name": name, "filters": st.query_params.to_dict(), "shared_role": shared}
        _write("POST", "/saved-views", body, f"{literal(name)} is saved.")


def _named(view: View, places: Mapping[str, Place]) -> str:
    whose = "" if view["is_own"] else f" · {view['username']}"
    begins = " · where you begin" if view["is_default"] else ""
    return f"{view['name']} · {places[view['page']].title}{whose}{begins}"


def _show_chosen(view: View, page: str, places: Mapping[str, Place], user: SignedIn) -> None:
    if st.button("Open it", type="primary", key="view-open"):
        _open_view(view, page, places, user)
    if not view["is_own"]:
        st.caption(f"Shared by {literal(view['username'])} with everybody who is {view['shared_role']}.")
        return
    path = f"/saved-views/{view['saved_view_id']}"
    with st.expander("Change or delete"):
        name = st.text_input("Name", view["name"], key=f"view-rename-{path}", max_chars=80)
        shared = _choose_role(f"view-share-{path}", user, view.get("shared_role"))
        begins = st.toggle("Begin here", view["is_default"], key=f"view-default-{path}")
        with st.container(horizontal=True):
            if st.button("Change", key="view-change"):
                body = {"name": name, "shared_role": shared, "is_default": begins}
                _write("PATCH", path, body, f"{literal(name)} is changed.")
            if st.button("Delete", key="view-delete", icon=":material/delete:"):
                _write("DELETE", path, None, f"{literal(view['name'])} is deleted.")


def _choose_role(key: str, user: SignedIn, now: str | None) -> str | None:
    """A role to share with: one's own, or for who looks after users any."""
    possible = [role for role in roles() if role in user.roles or role == now or user.grants.allows("user:write")]
    options = [NOBODY, *possible]
    chosen = st.selectbox("Share with", options, index=options.index(now) if now in options else 0, key=key)
    return None if chosen == NOBODY else str(chosen)


def _open_view(view: View, page: str, places: Mapping[str, Place], user: SignedIn) -> None:
    place = places[view["page"]]
    _close_dialog()
    if not user.grants.allows(place.permission):
        tell("views", f"{place.title} is not part of your role, so that view was not opened.")
        st.rerun()
    kept, dropped = within_reach(view["filters"], place, user)
    _say_dropped(dropped)
    # what is chosen on the page now would win over the address
    for name in {*st.query_params, *kept, *CHOSEN}:
        st.session_state.pop(name, None)
    if view["page"] == page:
        st.query_params.from_dict(kept)
    else:
        st.session_state[WANTED] = (view["page"], kept)
    st.rerun()


def _say_dropped(stores: list[str]) -> None:
    if stores:
        named = literal(", ".join(stores))
        tell("views", f"Left out of this view: store {named}, which your account does not cover.")


def _write(method: str, path: str, body: Mapping[str, Any] | None, said: str) -> None:
    try:
        ask_api(method, path, body, key=st.session_state.get(KEY) if method == "POST" else None)
    except Declined as refusal:
        if not refusal.may_be_done:
            st.session_state[KEY] = new_key()
        show_problem(refusal)
        return
    _close_dialog()
    tell("views", said)
    st.rerun()
