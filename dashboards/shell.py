"""The site around the views: who is looking, what is published, navigation, and messages in a view's place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from api.identity.scope import Scope, scope_for
from api.identity.sessions import SignedIn
from dashboards.installation import operational, signed_in
from dashboards.messages import UNAVAILABLE, say_nothing_published, say_session_ended, say_unavailable
from dashboards.passport import Passport, read_passport
from dashboards.views import reorder, sales
from dashboards.watch import follow_pointer

View = Callable[[Passport, Scope], None]
ICON = Path(__file__).parent / "icon.png"
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.4rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stMetric"] { padding: .85rem 1.1rem; }
.ims-user { text-align: right; font-size: .85rem; opacity: .75; margin-bottom: -2.2rem; }
.ims-user a { color: inherit; }
@media (max-width: 640px) { .ims-user { margin-bottom: -.5rem; } }
</style>"""


def show_site() -> None:
    """Draw the page that the address asks for."""
    st.set_page_config(page_title="IMS", page_icon=str(ICON), layout="wide")
    st.html(STYLE)
    try:
        user = signed_in()
        passport = read_passport(operational()) if user else None
    except UNAVAILABLE as error:
        st.navigation([st.Page(partial(say_unavailable, error), title="IMS", url_path="away")], position="hidden").run()
        follow_pointer(None, is_reachable=False)
        return
    if user is None:
        st.navigation([st.Page(say_session_ended, title="IMS")], position="hidden").run()
        return
    orders = st.Page(_page(reorder.show, user, passport), title="Reorder", icon=":material/shopping_cart:")
    sold = st.Page(_page(sales.show, user, passport), title="Sales", icon=":material/monitoring:")
    # the default page has no address of its own: without this one, /reorder would not be found
    home = st.Page(partial(_go_to, orders), title="IMS", url_path="home", default=True, visibility="hidden")
    page = st.navigation([home, orders, sold], position="top")
    page.run()
    follow_pointer(passport)


def _go_to(page: st.Page) -> None:
    st.switch_page(page, query_params=st.query_params.to_dict())


def _page(view: View, user: SignedIn, passport: Passport | None) -> Callable[[], None]:
    def show() -> None:
        st.html(
            f'<div class="ims-user">{escape(user.username)} · <a href="/sign-out" target="_self">Sign out</a></div>'
        )
        if passport is None:
            say_nothing_published()
            return
        try:
            view(passport, scope_for(user.role))
        except UNAVAILABLE as error:
            say_unavailable(error)

    show.__name__ = view.__module__.rpartition(".")[2]
    return show
