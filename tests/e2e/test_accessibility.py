"""Every page by the rules of axe-core, as a superadmin, on light and on dark ground: no serious fault."""

from __future__ import annotations

from collections import defaultdict

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.identity.sessions import COOKIE
from dashboards.shell import offered
from tests.dashboards.world import publish_world
from tests.e2e.browsing import PATIENCE, rest
from tests.e2e.serving import free_port, start, stop

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]
GRAVE = {"serious", "critical"}
VIEWS = [each.name for each in offered()] + ["administration?section=settings", "administration?section=audit"]
PAGES = ["account", "account/second-factor", "sign-out"]


@pytest.fixture
def site(installation, make_user):
    """Where the published world is served, and a superadmin's cookie."""
    publish_world(installation.databases, installation.settings)
    token = make_user(installation.databases.operational, "boss", ("superadmin",))
    port = free_port()
    process = start("all", port)
    yield f"http://127.0.0.1:{port}", token
    stop(process)


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_no_page_has_a_serious_fault(site, browser: Browser, ground: str) -> None:
    address, token = site
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, color_scheme=ground)
    found = defaultdict(list)
    look(open_page(context, f"{address}/sign-in"), "sign-in", found)
    context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
    page = context.new_page()
    for view in VIEWS:
        page.goto(f"{address}/{view}")
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(500)
        rest(page)
        assert page.get_by_text("This page failed").count() == 0, view
        assert page.get_by_test_id("stErrorElementStack").all_inner_texts() == [], view
        look(page, view, found)
    for path in PAGES:
        look(open_page(context, f"{address}/{path}"), path, found)
    assert not found, "\n".join(f"{rule} at {html}: {places}" for (rule, html), places in found.items())


def open_page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    return page


def look(page: Page, name: str, found: dict[tuple[str, str], list[str]]) -> None:
    """Note each grave fault of the page by its rule and the element."""
    for fault in Axe().run(page).response["violations"]:
        if fault["impact"] in GRAVE:
            for node in fault["nodes"]:
                found[fault["id"], node["html"][:160]].append(name)
