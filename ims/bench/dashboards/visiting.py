"""One person with a browser: opens view after view, waits until it stands still, changes a filter.

By a click in the navigation, as whoever is there already; or by its address, as from a link or in the morning: then the
browser begins the whole site anew.

Times are milliseconds as the browser sees them; its own work is part of them. Needs playwright and Chromium.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from api.identity.sessions import COOKIE
from ims.bench.dashboards.looks import FAILED, Look, Visitor

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

PATIENCE = 120_000
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
STILL = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SECTION = '[data-testid="stTopNavSection"]'
LINKS = '[data-testid="stTopNavPopover"]'
LINK = '[data-testid="stTopNavDropdownLink"][href$="/{view}"]'
# the title is another than before
PAINTED = "before => { const h1 = document.querySelector('h1'); return h1 !== null && h1.textContent !== before }"
# what is folded away cannot be clicked
BOX = '[data-testid="stSelectbox"] input >> visible=true'
# nobody leaves a page, or chooses from a list, while it is still being drawn
IDLE = "() => new Promise(done => requestIdleCallback(() => done(), {timeout: 10000}))"
# from the next click, as the browser notes it, until the script has run once more and what it said is drawn:
# milliseconds. A run may be over before its beginning is shown: the address, which holds what is chosen, tells of it
# then, and the page's last change is its end.
REDRAWN = """() => new Promise(done => {
    const app = document.querySelector('[data-testid="stApp"]'), before = location.search, opened = performance.now()
    let began, changed, ran = false
    document.addEventListener('click', event => { began = event.timeStamp }, {capture: true, once: true})
    const end = at => { watch.disconnect(); clearInterval(patience); done(at && at - began) }
    const watch = new MutationObserver(() => {
        changed = performance.now()
        if (app.dataset.testScriptState !== 'notRunning') ran = true
        else if (ran) requestIdleCallback(() => end(performance.now()))
    })
    watch.observe(app, {attributes: true, childList: true, subtree: true})
    const patience = setInterval(() => {
        const now = performance.now(), is_over = !ran && location.search !== before && now - changed > 1000
        if (is_over || now - opened > 30000) end(is_over ? changed : null)
    }, 100)
})"""


async def visit(
    browser: Browser, address: str, visitor: Visitor, opened: list[Look], clicked: list[Look], times: int = 1
) -> None:
    """Every view once by its address, so many times by a click, in orders of their own; noted when asked for."""
    chance = random.Random(visitor.number)  # nosec B311
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    try:
        await context.add_cookies([{"name": COOKIE, "value": visitor.token, "url": address}])
        page = await context.new_page()
        # a browser that was here before has the site's scripts
        await page.goto(address, timeout=PATIENCE)
        await page.wait_for_selector(STILL, timeout=PATIENCE)
        for seen in (opened, *[clicked] * times):
            for view in _order(chance, visitor.views, page.url.rpartition("/")[2].partition("?")[0]):
                await page.evaluate(IDLE)
                seen.append(Look(view))
                await _look(page, address, seen[-1], by_click=seen is clicked)
                await asyncio.sleep(chance.uniform(0.5, 1.5) * visitor.think)
    finally:
        await context.close()


def _order(chance: random.Random, views: Sequence[str], here: str) -> list[str]:
    """Any order that does not begin where the page is: nothing would change."""
    order = chance.sample(views, len(views))
    return order if order[0] != here else [*order[1:], here]


async def _look(page: Page, address: str, look: Look, *, by_click: bool) -> None:
    from playwright.async_api import Error

    try:
        began = (await _click(page, look.view) if by_click else None) or await _open(page, address, look.view)
        look.painted = since(began)
        await page.wait_for_selector(STILL, timeout=PATIENCE)
        look.ready = since(began)
        words = await page.inner_text("body")
        look.fault = next((each for each in FAILED if each in words), None)
        if look.fault is None:
            look.filtered = await _filter(page)
    except Error as error:
        look.fault = str(error).splitlines()[0][:200]


async def _open(page: Page, address: str, view: str) -> float:
    """Come by the view's address and wait for a title; the moment when that began."""
    began = time.perf_counter()
    await page.goto(f"{address}/{view}", wait_until="commit", timeout=PATIENCE)
    await page.wait_for_selector("h1", timeout=PATIENCE)
    return began


async def _click(page: Page, view: str) -> float | None:
    """Click on the view in the navigation and wait for its title; the moment of the click. None: it is not in there."""
    link = page.locator(LINK.format(view=view))
    title = await page.inner_text("h1")
    for section in await page.locator(SECTION).all():
        await section.click(timeout=PATIENCE)
        await page.wait_for_selector(LINKS, timeout=PATIENCE)
        if await link.count():
            began = time.perf_counter()
            await link.click(timeout=PATIENCE)
            await page.wait_for_function(PAINTED, arg=title, timeout=PATIENCE)
            return began
        await page.keyboard.press("Escape")
    return None


async def _filter(page: Page) -> float | None:
    """Choose the second of what the first list offers."""
    box = page.locator(BOX).first
    if not await box.count() or not await box.is_enabled():
        return None
    await box.click(timeout=PATIENCE)
    options = page.get_by_role("option")
    await options.first.wait_for(timeout=PATIENCE)
    await page.evaluate(IDLE)
    took = asyncio.create_task(page.evaluate(REDRAWN))
    await options.nth(min(1, await options.count() - 1)).click(timeout=PATIENCE)
    found = await took
    return None if found is None else round(float(found), 1)


def since(began: float) -> float:
    """Milliseconds since a moment of `time.perf_counter`."""
    return round(1000 * (time.perf_counter() - began), 1)
