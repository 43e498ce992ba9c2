"""The dashboards as a browser sees them, without one, over a small published world (world.py)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from api.identity.sessions import COOKIE
from dashboards import copies
from tests.dashboards.world import World, publish_world


@pytest.fixture(scope="session", autouse=True)
def close_the_lake(server) -> Iterator[None]:
    """Before the server goes: what is left open of the lake then aborts the process at its end."""
    from dashboards.reader import let_go

    yield
    let_go()


class Site:
    """A browser's cookies, and the whole site run by Streamlit's own test runner."""

    def __init__(self, make_user) -> None:
        self.cookies: dict[str, str] = {}
        self.api = ""
        self._make_user = make_user

    def sign_in(
        self, installation, role: str = "superadmin", stores: tuple[str, ...] = (), grants: tuple[str, ...] = ()
    ) -> str:
        """Give this browser a session of a new user of that role, with these stores and grants; its token."""
        token = self._make_user(installation.databases.operational, role, (role,), stores, grants)
        self.cookies[COOKIE] = token
        return token

    def open(self, installation, **parameters: str) -> AppTest:
        """The site at its front page, with these parameters in its address."""

        def run() -> None:
            from dashboards.shell import show_site

            show_site()

        return self._run(run, installation, parameters)

    def open_view(self, installation, name: str, **parameters: str) -> AppTest:
        """One page of the site by its name: the test runner cannot follow an address."""

        def run(name: str) -> None:
            import streamlit as st
            from streamlit.runtime import get_instance

            from dashboards import shell

            now = shell._look_around()
            pages = [shell._page(each, now) for each in shell.offered()]
            st.navigation([next(page for page in pages if page.title == name)], position="hidden").run()
            # what a browser would have in its navigation, and get from a click on each button for a file
            st.session_state["offered"] = [page.title for page in pages if page.visibility == "visible"]
            buttons = get_instance().media_file_mgr._deferred_callables.values()
            st.session_state["files"] = {button["filename"]: button["callable"] for button in buttons}

        return self._run(run, installation, parameters, name)

    def open_sales(self, installation, **parameters: str) -> AppTest:
        """The Sales view of a superadmin."""
        self.sign_in(installation)
        return self.open_view(installation, "Sales", **parameters)

    @staticmethod
    def words(page: AppTest) -> str:
        """All text on a page."""
        parts = [*page.title, *page.subheader, *page.markdown, *page.caption]
        return "\n".join(str(part.value) for part in parts)

    def _run(self, script, installation, parameters: dict[str, str], *args: str) -> AppTest:
        page = AppTest.from_function(script, default_timeout=60, args=args)
        page.secrets["databases"] = dataclasses.asdict(installation.databases)
        page.secrets["api"] = {"address": self.api}
        for name, value in parameters.items():
            page.query_params[name] = value
        return page.run()


@pytest.fixture
def original(request, originals, original):
    """A published installation for who asks for a world: published once in this process, and copied."""
    worlds = {"world": publish_full, "bare_world": publish_bare}
    asked = next((name for name in worlds if name in request.fixturenames), None)
    return originals(asked, worlds[asked]) if asked else original


def publish_full(installation) -> tuple[int, int]:
    return publish_world(installation.databases, installation.settings)


def publish_bare(installation) -> tuple[int, int]:
    return publish_world(installation.databases, installation.settings, with_stock=False)


@pytest.fixture
def world(installation, original) -> World:
    """A published installation."""
    return World(installation, *original.value)


@pytest.fixture
def bare_world(installation, original) -> World:
    """A published installation in which no stock is known."""
    return World(installation, *original.value)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, make_user) -> Site:
    """The dashboards as a browser sees them, without one."""
    found = Site(make_user)
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: found.cookies))
    st.cache_data.clear()
    st.cache_resource.clear()
    copies.let_go()
    return found
