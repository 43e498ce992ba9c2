"""One person with a browser: opens view after view, waits until each stands still, changes a filter, looks at it.

Times are milliseconds as the browser sees them; its own work is part of them. Needs playwright and Chromium.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.identity.sessions import COOKIE

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

PATIENCE = 120_000
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
STILL = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# what is folded away cannot be clicked
BOX = '[data-testid="stSelectbox"] input >> visible=true'
# from now until the script has run once more: milliseconds
RERUN = """() => new Promise(done => {
    const app = document.querySelector('[data-testid="stApp"]'), began = performance.now()
    let ran = false
    const watch = new MutationObserver(() => {
        if (app.dataset.testScriptState !== 'notRunning') ran = true
        else if (ran) { watch.disconnect(); done(performance.now() - began) }
    })
    watch.observe(app, {attributes: true})
    setTimeout(() => { watch.disconnect(); done(null) }, 30000)
})"""
FAILED = ("This page failed", "The data cannot be reached")


@dataclass(frozen=True)
class Look:
    """One view as one person got it; `filtered` is None where there is nothing to choose."""

    view: str
    painted: float
    ready: float
    filtered: float | None
    fault: str | None = None

    def to_data(self) -> dict[str, Any]:
        """For a JSON file."""
        return dict(vars(self))


@dataclass(frozen=True)
class Visitor:
    """Who looks, with the session of whom, at what, and how long between two views (seconds, on average)."""

    number: int
    token: str
    views: Sequence[str]
    think: float


async def visit(browser: Browser, address: str, visitor: Visitor, seen: list[Look], leave: asyncio.Event) -> None:
    """Every view once, in an order of the visitor's own, each noted in `seen`; the last stays open until `leave`."""
    chance = random.Random(visitor.number)  # nosec B311
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    await context.add_cookies([{"name": COOKIE, "value": visitor.token, "url": address}])
    page = await context.new_page()
    order = [*visitor.views]
    chance.shuffle(order)
    for view in order:
        seen.append(await _look(page, address, view))
        await asyncio.sleep(chance.uniform(0.5, 1.5) * visitor.think)
    await leave.wait()
    await context.close()


async def _look(page: Page, address: str, view: str) -> Look:
    from playwright.async_api import Error

    began = time.perf_counter()
    painted = ready = 0.0
    try:
        await page.goto(f"{address}/{view}", wait_until="commit", timeout=PATIENCE)
        await page.wait_for_selector("h1", timeout=PATIENCE)
        painted = _since(began)
        await page.wait_for_selector(STILL, timeout=PATIENCE)
        ready = _since(began)
        words = await page.inner_text("body")
        fault = next((each for each in FAILED if each in words), None)
        return Look(view, painted, ready, None if fault else await _filter(page), fault)
    except Error as error:
        return Look(view, painted, ready or _since(began), None, str(error).splitlines()[0][:200])


async def _filter(page: Page) -> float | None:
    """Choose the second of what the first list offers."""
    box = page.locator(BOX).first
    if not await box.count() or not await box.is_enabled():
        return None
    await box.click(timeout=PATIENCE)
    options = page.get_by_role("option")
    await options.first.wait_for(timeout=PATIENCE)
    took = asyncio.create_task(page.evaluate(RERUN))
    await options.nth(min(1, await options.count() - 1)).click(timeout=PATIENCE)
    found = await took
    return None if found is None else round(float(found), 1)


def _since(began: float) -> float:
    return round(1000 * (time.perf_counter() - began), 1)
