"""The morning check in a browser: what is off, the figures, down to the order lines behind one, an alert settled."""

from __future__ import annotations

import datetime as dt
import re

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg.rows import dict_row

from api.alerts import write_alerts
from api.database import create_engine
from tests.dashboards.world import publish_world
from tests.e2e.browsing import PATIENCE, ROW, insist, rest, seen, sign_in
from tests.e2e.serving import free_port, start, stop

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(400)]
AS_OF = dt.date(2026, 11, 23)
WORD = "the first sentence"
TITLE = "Sales on Sunday were 41 % below usual"


@pytest.fixture
def chain(installation, make_user):
    """A published chain with an open alert for each store, and a manager of S01; what people did about alerts."""
    publication, _ = publish_world(installation.databases, installation.settings)
    url = installation.databases.operational
    make_user(url, "asha", ("manager",), ("S01",), password=WORD)
    engine = create_engine(url)
    with engine.begin() as connection:
        write_alerts(connection, [alert("S01", 4000), alert("S02", 9000)], publication, AS_OF)
    engine.dispose()

    def actions() -> list[dict[str, object]]:
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute("SELECT alert_ref, action, until_on FROM alert_actions").fetchall()

    return actions


def alert(store: str, amount: int) -> dict[str, object]:
    about = {"alert_ref": f"SALES_OFF:{store}", "kind": "SALES_OFF", "store_code": store, "subject": "2026-11-22"}
    said = {"title": TITLE, "detail": "INR 8,000 on 22 November.", "severity": "warn", "at_stake_amount": amount}
    return {**about, **said, "first_on": AS_OF, "rank_in_store": 1, "view": "sales", "filters": '{"store": "S01"}'}


def dig(page: Page, level: str) -> None:
    """Choose the first row of the last table, until the address says that its member is fixed."""
    grid = page.get_by_test_id("stDataFrame").last

    def choose() -> None:
        rest(page)
        grid.scroll_into_view_if_needed(timeout=PATIENCE)
        box = grid.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 18, box["y"] + ROW * 1.5)

    insist(choose, lambda milliseconds: page.wait_for_url(re.compile(f"[?&]{level}="), timeout=milliseconds))


def test_a_manager_sees_what_is_off_digs_to_the_order_lines_and_puts_an_alert_off(chain, browser: Browser) -> None:
    port = free_port()
    process = start("all", port)
    try:
        page = browser.new_context(viewport={"width": 1440, "height": 1400}).new_page()
        sign_in(page, f"http://127.0.0.1:{port}/today", "asha", WORD)
        expect(page.get_by_role("heading", name="Today")).to_be_visible(timeout=PATIENCE)
        top = page.get_by_role("link", name=TITLE)
        expect(top).to_have_count(1, timeout=PATIENCE)  # theirs, not the other store's
        expect(page.get_by_text("₹4,000")).to_be_visible()
        expect(page.locator(".ims-tile").first).to_contain_text("₹", timeout=PATIENCE)
        expect(page.get_by_text(re.compile(r"^Net sales: ₹")).first).to_be_visible()

        # from the month's figure to the order lines behind it
        page.goto(f"http://127.0.0.1:{port}/store_month?store=S01&span=last_13_weeks")
        expect(page.get_by_test_id("stDataFrame").last).to_be_visible(timeout=PATIENCE)
        dig(page, "category")
        expect(page.get_by_role("button", name="CSV").first).to_be_visible(timeout=PATIENCE)
        page.goto(f"{page.url}&sku=CL-3001")
        expect(page.get_by_role("button", name="Item: CL-3001")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_test_id("stDataFrame").last).to_be_visible(timeout=PATIENCE)
        rest(page)
        with page.expect_download(timeout=PATIENCE) as taken:
            page.get_by_role("button", name="CSV").last.click()
        head, *lines = taken.value.path().read_text("utf-8-sig").splitlines()
        assert head.startswith("order_line,net_sales")
        assert len(lines) > 1

        page.goto(f"http://127.0.0.1:{port}/today")
        expect(top).to_be_visible(timeout=PATIENCE)
        rest(page)
        top.click()
        expect(page.get_by_role("heading", name="Alerts", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("₹8,000 on 22 November")).to_be_visible(timeout=PATIENCE)
        asked = page.get_by_role("dialog")
        insist(lambda: page.get_by_role("button", name="Later").first.click(), seen(asked))
        rest(page)
        told = page.get_by_text("Put off until")
        insist(lambda: asked.get_by_role("button", name="Put it off").click(), seen(told.first))
        (done,) = chain()
        assert (done["alert_ref"], done["action"]) == ("SALES_OFF:S01", "snoozed")
        assert done["until_on"] is not None

        page.goto(f"http://127.0.0.1:{port}/today")
        expect(page.get_by_text("No alert is open.")).to_be_visible(timeout=PATIENCE)
        page.context.close()
    finally:
        stop(process)
