"""What a person does on a page: waits until it is drawn, and clicks again where a click was lost."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

PATIENCE = 60_000
ROW = 35
TRIES = 4


def rest(page: Page) -> None:
    """Wait until the page is drawn."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)


def tick(page: Page, *numbers: int, shows: str = r"Approve {} lines?") -> None:
    """The boxes before these lines of the list, counted from 1, each until the button that counts them is there."""
    for count, number in enumerate(numbers, 1):
        button = page.get_by_role("button", name=re.compile(shows.format(count)))
        insist(lambda number=number: click(page, number, 18), seen(button.first))


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    """Go there by way of the sign-in."""
    page.goto(address)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def insist(act: Callable[[], object], wait: Callable[[float], object]) -> None:
    """What is clicked while the page is drawn anew may be lost: a person clicks again where nothing happens.

    `wait` waits for what must happen, so many milliseconds.
    """
    for _ in range(TRIES - 1):
        act()
        try:
            wait(PATIENCE / TRIES)
        except PlaywrightTimeout:
            continue
        return
    act()
    wait(PATIENCE)


def seen(awaited: Locator) -> Callable[[float], object]:
    """Wait until it can be seen."""
    return lambda milliseconds: awaited.wait_for(timeout=milliseconds)


def pick(page: Page, label: str, option: str) -> None:
    """An option of a list of several."""
    choice = page.get_by_role("option", name=option, exact=True)
    insist(page.get_by_role("combobox", name=label).last.click, seen(choice))
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
    insist(place.get_by_label("Why").click, seen(option))
    option.click()
    rest(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def keep_frames(page: Page) -> list[bytes]:
    """All that the server tells this page from now on, as it comes."""
    frames: list[bytes] = []

    def keep(frame: bytes | str) -> None:
        frames.append(frame if isinstance(frame, bytes) else frame.encode())

    page.on("websocket", lambda socket: socket.on("framereceived", keep))
    return frames
