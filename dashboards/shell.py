"""The site around the views: who is looking, what is published, navigation, and messages in a view's place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from api.identity.principal import SignedIn
from dashboards.api_client import tell_use
from dashboards.attendance import begin_drawing
from dashboards.board import boards
from dashboards.board_page import view_of
from dashboards.front_page import first_page
from dashboards.installation import operational, signed_in
from dashboards.messages import (
    UNAVAILABLE,
    say_not_permitted,
    say_nothing_published,
    say_session_ended,
    say_unavailable,
)
from dashboards.passport import Passport, read_passport
from dashboards.saved_views import Place, default_view, show_saved_views, take_wanted
from dashboards.style import STYLE
from dashboards.views import (
    administration,
    alerts,
    item,
    models,
    orders,
    pipeline,
    powers,
    quality,
    readiness,
    reorder,
    reports,
    sales,
    season,
)
from dashboards.watch import follow_pointer

# given the passport of what is served, or None where `is_always_shown`
View = Callable[[Any, SignedIn], None]


@dataclass(frozen=True)
class Offered:
    """A page of the site: `name` is its address, `group` where the navigation lists it.

    `is_always_shown`: before anything is published, too; its view is then given no passport.
    """

    name: str
    view: View
    permission: str
    title: str
    icon: str
    group: str
    is_always_shown: bool = False


def offered() -> tuple[Offered, ...]:
    """Every page there is, in the navigation's order."""
    own = (
        Offered("reorder", reorder.show, reorder.PERMISSION, "Reorder", ":material/shopping_cart:", "Store"),
        Offered("sales", sales.show, sales.PERMISSION, "Sales", ":material/monitoring:", "Store"),
        Offered("alerts", alerts.show, alerts.PERMISSION, alerts.TITLE, ":material/notifications:", "Store"),
    )
    read = (
        Offered(board.name, view_of(board), board.permission, board.title, board.icon, board.group)
        for board in boards()
    )
    data = (
        Offered("item", item.show, item.PERMISSION, item.TITLE, ":material/ssid_chart:", "Planning"),
        Offered("season", season.show, season.PERMISSION, season.TITLE, ":material/calendar_month:", "Planning"),
        Offered("orders", orders.show, orders.PERMISSION, orders.TITLE, ":material/local_shipping:", "Buying"),
        Offered("powers", powers.show, powers.PERMISSION, powers.TITLE, ":material/grid_on:", "Buying"),
        Offered("quality", quality.show, quality.PERMISSION, quality.TITLE, ":material/fact_check:", "Data", True),
        Offered(
            "pipeline", pipeline.show, pipeline.PERMISSION, pipeline.TITLE, ":material/conversion_path:", "Data", True
        ),
        Offered("reports", reports.show, reports.PERMISSION, reports.TITLE, ":material/mail:", "Data", True),
        Offered("models", models.show, models.PERMISSION, models.TITLE, ":material/model_training:", "Data"),
        Offered("readiness", readiness.show, readiness.PERMISSION, readiness.TITLE, ":material/rule:", "Data", True),
        Offered(
            "administration",
            administration.show,
            administration.PERMISSION,
            administration.TITLE,
            ":material/manage_accounts:",
            "Data",
            True,
        ),
    )
    return (*own, *read, *data)


ICON = Path(__file__).parent / "icon.png"
USER = (
    '<div class="ims-user">{name} · <a href="/account" target="_self">Account</a> · '
    '<a href="/sign-out" target="_self">Sign out</a></div>'
)


@dataclass(frozen=True)
class Situation:
    """What a page has to go on: who is looking, what is published, or why neither is known."""

    user: SignedIn | None = None
    passport: Passport | None = None
    fault: Exception | None = None


def show_site() -> None:
    """Draw the page that the address asks for."""
    st.set_page_config(page_icon=str(ICON), layout="wide")
    st.html(STYLE)
    is_due = begin_drawing()
    now = _look_around()
    if now.user and is_due:
        tell_use()
    # the same pages whatever the situation, so that an address survives an outage and a new sign-in
    pages = {each: _page(each, now) for each in offered()}
    by_name = {each.name: page for each, page in pages.items()}
    visible = [name for name, page in by_name.items() if page.visibility == "visible"]
    name = first_page(now.user.roles if now.user else (), visible)
    # the default page has no address of its own: without this one, /reorder would not be found
    first = by_name[name] if name is not None else next(iter(pages.values()))
    sections: dict[str, list[st.Page]] = {
        "": [
            st.Page(
                partial(_begin, first, by_name, now), title="IMS", url_path="home", default=True, visibility="hidden"
            )
        ]
    }
    for each, page in pages.items():
        sections.setdefault(each.group, []).append(page)
    page = st.navigation(sections, position="top" if now.user else "hidden")
    wanted = take_wanted()
    if wanted is not None:
        st.switch_page(by_name[wanted[0]], query_params=wanted[1])
    page.run()
    if now.user or now.fault:
        follow_pointer(now.passport, now.user, is_reachable=now.fault is None)


def _look_around() -> Situation:
    try:
        user = signed_in()
        return Situation(user, read_passport(operational()) if user else None)
    except UNAVAILABLE as error:
        return Situation(fault=error)


def _begin(page: st.Page, pages: dict[str, st.Page], now: Situation) -> None:
    """Where the reader begins: at the view they chose for it, else where the day of their role does."""
    view = default_view(now.user, _places()) if now.user and not now.fault and not st.query_params else None
    if view is not None:
        st.switch_page(pages[view[0]], query_params=view[1])
    st.switch_page(page, query_params=st.query_params.to_dict())


def _places() -> dict[str, Place]:
    return {each.name: Place(each.title, each.permission) for each in offered()}


def _page(each: Offered, now: Situation) -> st.Page:
    """The view as a page; out of the navigation for whoever may not see it, and then only a sentence."""
    may_see = now.user is None or now.user.grants.allows(each.permission)

    def show() -> None:
        if now.fault is not None:
            say_unavailable(now.fault)
        elif now.user is None:
            say_session_ended()
        else:
            name = escape(now.user.username)
            st.html(USER.format(name=name))
            show_saved_views(each.name, _places(), now.user)
            if may_see:
                _show_view(each, now.user, now.passport)
            else:
                say_not_permitted(each.title)

    show.__name__ = each.name
    return st.Page(
        show, title=each.title, icon=each.icon, url_path=each.name, visibility="visible" if may_see else "hidden"
    )


def _show_view(each: Offered, user: SignedIn, passport: Passport | None) -> None:
    if passport is None and not each.is_always_shown:
        say_nothing_published()
        return
    try:
        each.view(passport, user)
    except UNAVAILABLE as error:
        say_unavailable(error)
