"""A manager decides on the week's order in a browser: another quantity, approved, refused, drafts by their numbers.

Also with the dashboards apart from the API, which is stopped and started under the open page.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from psycopg.rows import dict_row

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(400)]
WEB = runpy.run_path(str(Path(__file__).with_name("test_web.py")))
DECIDING = runpy.run_path(str(Path(__file__).parents[1] / "dashboards" / "reorder" / "test_deciding.py"))
browser, free_port, start, stop, PATIENCE = (
    WEB[name] for name in ("browser", "free_port", "start", "stop", "PATIENCE")
)
WORD = "the first sentence"
ROW = 35
TRIES = 4


@pytest.fixture
def chain(installation, make_user):
    """A published chain with a transfer to S01, a manager of S01 and S03; statements on its database."""
    WEB["WORLD"]["publish_world"](installation.databases, installation.settings)
    url = installation.databases.operational
    make_user(url, "asha", ("manager",), ("S01", "S03"), password=WORD)

    def rows(statement: str, *values: object) -> list[dict[str, object]]:
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    rows(DECIDING["MOVE"], rows(DECIDING["LINES"], "S01")[0]["sku"])
    return rows


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("User name").fill("asha")
    page.get_by_label("Password").fill(WORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=PATIENCE)
    rest(page)


def rest(page: Page) -> None:
    """Wait until the page is drawn."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)


def tick(page: Page, *numbers: int, shows: str = r"Approve {} lines?") -> None:
    """The boxes before these lines of the list, counted from 1, each until the button that counts them is there."""
    for count, number in enumerate(numbers, 1):
        button = page.get_by_role("button", name=re.compile(shows.format(count)))
        insist(lambda number=number: click(page, number, 18), button.first)


def insist(act: Callable[[], object], awaited: Locator) -> None:
    """What is clicked while the page is drawn anew may be lost: a person clicks again where nothing happens."""
    for _ in range(TRIES - 1):
        act()
        try:
            awaited.wait_for(timeout=PATIENCE / TRIES)
        except PlaywrightTimeout:
            continue
        return
    act()
    awaited.wait_for(timeout=PATIENCE)


def pick(page: Page, label: str, option: str) -> None:
    """An option of a list of several."""
    choice = page.get_by_role("option", name=option, exact=True)
    insist(page.get_by_role("combobox", name=label).last.click, choice)
    choice.click()
    page.keyboard.press("Escape")
    rest(page)


def click(page: Page, number: int, across: int) -> None:
    """This line of the list, so far from its left edge, once the list stands still."""
    grid = page.get_by_test_id("stDataFrame").first
    box = None
    for _ in range(20):
        rest(page)
        expect(grid).to_be_visible(timeout=PATIENCE)
        before, box = box, grid.bounding_box()
        if box is not None and box == before:
            break
        page.wait_for_timeout(300)
    assert box is not None
    page.mouse.click(box["x"] + across, box["y"] + ROW * (number + 0.5))
    page.wait_for_timeout(300)
    rest(page)


def dialog(page: Page) -> Locator:
    found = page.get_by_role("dialog")
    expect(found).to_be_visible(timeout=PATIENCE)
    rest(page)
    return found


def choose(page: Page, place: Locator, reason: str) -> None:
    option = page.get_by_role("option", name=reason)
    insist(place.get_by_label("Why").click, option)
    option.click()
    rest(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def test_a_manager_edits_approves_and_refuses_and_sees_the_drafts(chain, browser: Browser) -> None:
    port = free_port()
    process = start("all", port)
    frames: list[bytes] = []
    try:
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(_bytes(frame))))
        sign_in(page, f"http://127.0.0.1:{port}/reorder?store=S01")
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

        press(page, "Approve all")
        asked = dialog(page)
        chain("UPDATE user_sessions SET revoked_at = now()")
        asked.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("Your session has ended").first).to_be_visible(timeout=PATIENCE)
        assert len(chain("SELECT 1 FROM suggestions WHERE state IN ('approved', 'edited')")) == 2
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
        sign_in(page, f"http://127.0.0.1:{port}/reorder?store=S01")
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


def _bytes(frame: bytes | str) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()
