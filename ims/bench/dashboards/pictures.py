"""Pictures of every view of what is published here, on light and dark ground and on a phone, to be looked at.

python -m ims.bench.dashboards.pictures OUT [view,view] [light,dark,phone]
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import psycopg

from api.identity.sessions import COOKIE
from ims.bench.dashboards.run import PEOPLE, find_chromium, serving, sessions, views_of
from ims.bench.dashboards.visiting import FLAGS, PATIENCE, STILL
from ims.failure import Failure
from ims.postgres import connect_databases
from ims.settings import get_settings

LOOKS = {"light": (1440, 1000, "light"), "dark": (1440, 1000, "dark"), "phone": (390, 844, "light")}
TALLEST = 3400
SKELETON = "[data-testid=stSkeleton]"  # in place of a table or a chart until it is drawn
LENGTH = "document.querySelector('[data-testid=stMainBlockContainer]')?.scrollHeight ?? document.body.scrollHeight"


def take_pictures(out: Path, views: list[str], looks: list[str]) -> list[Path]:
    """One PNG for each view and look, as whoever may see most sees it; the files. No view: every one they may see."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    url = connect_databases(get_settings()).operational
    with psycopg.connect(url) as connection:
        people = connection.execute(PEOPLE).fetchall()
    if not people:
        raise Failure("Nobody can look at anything here: `ims demo` comes first.")
    user_id, roles = max(people, key=lambda person: len(views_of(person[1])))
    token, taken = secrets.token_urlsafe(32), []
    with sessions(url, [token], [user_id]), serving() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for look in looks:
            width, height, ground = LOOKS[look]
            size: Any = {"width": width, "height": height}
            context = browser.new_context(viewport=size, color_scheme="dark" if ground == "dark" else "light")
            context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
            page = context.new_page()
            for view in views or views_of(roles):
                page.set_viewport_size(size)
                page.goto(f"{address}/{view}")
                page.wait_for_selector("h1", timeout=PATIENCE)
                page.wait_for_timeout(500)
                page.wait_for_selector(STILL, timeout=PATIENCE)
                page.wait_for_selector(SKELETON, state="detached", timeout=PATIENCE)
                length = min(int(page.evaluate(LENGTH)) + 60, TALLEST)
                page.set_viewport_size({"width": width, "height": max(length, height)})
                page.wait_for_timeout(1500)  # charts are drawn anew
                taken.append(out / f"{view}-{look}.png")
                page.screenshot(path=taken[-1])
            context.close()
        browser.close()
    return taken


if __name__ == "__main__":
    given = [*sys.argv[1:], "", ""]
    wanted = [[name for name in text.split(",") if name] for text in given[1:3]]
    for path in take_pictures(Path(given[0]), wanted[0], wanted[1] or list(LOOKS)):
        print(path)
