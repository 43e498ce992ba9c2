"""The week's order in a browser: another quantity, approved, refused by a manager; approved and sent by somebody else.

Also with the dashboards apart from the API, which is stopped and started under the open page.
"""

from __future__ import annotations

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg.rows import dict_row

from tests.dashboards.reorder.test_deciding import LINES, MOVE
from tests.dashboards.world import publish_world
from tests.e2e.browsing import PATIENCE, choose, click, dialog, keep_frames, press, rest, sign_in, tick
from tests.e2e.serving import free_port, start, stop

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(400)]
WORD = "the first sentence"


@pytest.fixture
def chain(installation, make_user):
    """A published chain with a transfer to S01, a manager of S01 and S03, an admin; statements on its database."""
    publish_world(installation.databases, installation.settings)
    url = installation.databases.operational
    make_user(url, "asha", ("manager",), ("S01", "S03"), password=WORD)
    make_user(url, "ravi", ("admin",), password=WORD)

    def rows(statement: str, *values: object) -> list[dict[str, object]]:
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    rows(MOVE, rows(LINES, "S01")[0]["sku"])
    return rows


def open_list(page: Page, port: int) -> None:
    sign_in(page, f"http://127.0.0.1:{port}/reorder?store=S01", "asha", WORD)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=PATIENCE)
    rest(page)


def test_a_manager_edits_approves_and_refuses_and_sees_the_drafts(chain, browser: Browser) -> None:
    port = free_port()
    process = start("all", port)
    try:
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        frames = keep_frames(page)
        open_list(page, port)
        before = page.url
        click(page, 2, 120)  # a cell: a look, no decision
        page.wait_for_function("before => location.href !== before", arg=before, timeout=PATIENCE)
        expect(page.get_by_role("button", name="Approve all")).to_be_visible(timeout=PATIENCE)

        tick(page, 2)
        press(page, "Change quantity")
        asked = dialog(page)
        quantity = asked.get_by_role("spinbutton")
        wanted = int(quantity.input_value()) + 1
        quantity.fill(str(wanted))
        choose(page, asked, "A season is coming")
        asked.get_by_role("button", name="Change the quantity").click()
        expect(page.get_by_text(f"{wanted} instead of").first).to_be_visible(timeout=PATIENCE)
        (edited,) = chain("SELECT suggestion_id, approved_qty FROM suggestions WHERE decision_code = 'SEASON_UPLIFT'")
        assert edited["approved_qty"] == wanted

        tick(page, 1, 2)
        press(page, "Approve 2 lines")
        asked = dialog(page)
        expect(asked.get_by_text("Move from store")).to_be_visible(timeout=PATIENCE)
        expect(asked.get_by_text("to pay")).to_have_count(0)
        asked.get_by_role("button", name="Approve 2 lines").dblclick()
        expect(page.get_by_text("2 lines approved.")).to_be_visible(timeout=PATIENCE)
        (order,) = chain("SELECT order_ref FROM purchase_orders")
        (transfer,) = chain("SELECT stock_transfer_id AS key FROM stock_transfers")
        expect(page.get_by_text(str(order["order_ref"])).first).to_be_visible()
        expect(page.get_by_text(f"Transfer {transfer['key']}").first).to_be_visible()

        tick(page, 1)
        press(page, "Refuse 1 line")
        asked = dialog(page)
        choose(page, asked, "Few sales yet")
        asked.get_by_role("button", name="Refuse 1 line").click()
        expect(page.get_by_text("1 line refused.")).to_be_visible(timeout=PATIENCE)
        (refused,) = chain("SELECT decision_code, decided_by FROM suggestions WHERE state = 'refused'")
        assert refused == {"decision_code": "LOW_EVIDENCE", "decided_by": "asha"}

        other = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        sign_in(other, f"http://127.0.0.1:{port}/orders?store=S01", "ravi", WORD)
        for verb, done in (("Approve", "1 order approved."), ("Send", "1 order sent.")):
            press(other, f"{verb} all: 1 order")
            asked = dialog(other)
            expect(asked.get_by_text(str(order["order_ref"]))).to_be_visible(timeout=PATIENCE)
            asked.get_by_role("button", name=verb, exact=True).dblclick()
            expect(other.get_by_text(done)).to_be_visible(timeout=PATIENCE)
        assert [row["status"] for row in chain("SELECT status FROM purchase_orders")] == ["sent"]

        press(page, "Approve all")
        asked = dialog(page)
        chain("UPDATE user_sessions SET revoked_at = now()")
        asked.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("Your session has ended").first).to_be_visible(timeout=PATIENCE)
        assert len(chain("SELECT 1 FROM suggestions WHERE state IN ('approved', 'edited', 'ordered')")) == 2
        received = b"".join(frames)
        assert b"Salt Lake" in received
        for secret in (b"Koregaon", b"unit_cost", b"shortage_cost", b"to pay"):
            assert secret not in received
    finally:
        log = stop(process)
    assert "ims_session" not in log


def test_the_api_is_stopped_under_the_page_and_started_again(
    chain, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, api_port = free_port(), free_port()
    monkeypatch.setenv("IMS_API_URL", f"http://127.0.0.1:{api_port}")
    processes = {"api": start("api", api_port), "dashboards": start("dashboards", port)}
    try:
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        open_list(page, port)
        tick(page, 2)
        press(page, "Approve 1 line")
        asked = dialog(page)
        stop(processes.pop("api"))
        asked.get_by_role("button", name="Approve 1 line").click()
        expect(asked.get_by_text("The API does not answer")).to_be_visible(timeout=PATIENCE)
        expect(asked.get_by_text("Nothing was changed")).to_be_visible()
        processes["api"] = start("api", api_port)
        asked.get_by_role("button", name="Approve 1 line").click()
        expect(page.get_by_text("1 line approved.")).to_be_visible(timeout=PATIENCE)
        assert len(chain("SELECT 1 FROM purchase_orders")) == 1
    finally:
        for process in processes.values():
            stop(process)
