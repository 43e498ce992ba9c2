"""A run is blocked; who looks after the data sees why in a browser, lets it stand with a reason, and it publishes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from api.imports.folder import import_folder
from pipelines.run import run
from tests.e2e.browsing import PATIENCE, rest, sign_in
from tests.e2e.serving import free_port, start, stop
from tests.pipelines.conftest import write_chain
from tests.pipelines.test_run import DOUBLE, execute

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]
WORD = "the first sentence"
CHECK = "Sku is unique however it is written"


def test_a_blocked_run_is_understood_waived_and_the_next_one_publishes(
    installation, browser: Browser, make_user, tmp_path: Path
) -> None:
    url = installation.databases.operational
    import_folder(write_chain(tmp_path / "chain"), url)
    execute(url, DOUBLE)
    assert run(None).state == "blocked"
    make_user(url, "dev", ("analyst",), password=WORD)
    port = free_port()
    process = start("all", port)
    try:
        page = browser.new_context(viewport={"width": 1440, "height": 1400}).new_page()
        sign_in(page, f"http://127.0.0.1:{port}/", "dev", WORD)  # where the day of who looks after data begins
        expect(page.get_by_role("heading", name="Data quality")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Nothing has passed its checks yet")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("heading", name=CHECK)).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("What to do.")).to_be_visible()
        rest(page)

        page.get_by_text("Let it stand").first.click()
        reason = page.get_by_label("Why it may stand")
        expect(reason).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Let it stand").last.click()
        expect(page.get_by_text("Nothing was changed")).to_be_visible(timeout=PATIENCE)  # without a reason
        reason.fill("Both spellings are one product; the till is mended this week.")
        page.get_by_role("button", name="Let it stand").last.click()
        expect(page.get_by_text("may stand until").first).to_be_visible(timeout=PATIENCE)
        with psycopg.connect(url) as connection:
            (waiver,) = connection.execute(
                "SELECT table_name, check_name, reason, expires_on, username "
                "FROM check_waivers JOIN users ON user_id = waived_by"
            ).fetchall()
        assert waiver[:2] == ("raw.products", "sku_is_unique_however_it_is_written")
        assert waiver[2].startswith("Both spellings")
        assert waiver[4] == "dev"
        assert 0 < (waiver[3] - dt.date.today()).days <= 90, "it ends by itself"

        published = run(None)
        assert published.state == "published", published.message
        # nobody touches the page: it looks at the pointer by itself
        expect(page.get_by_text(f"Snapshot {published.snapshot_id}").first).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Data", exact=True).click()
        page.get_by_role("menuitem", name="Pipeline").click()
        expect(page.get_by_text("and published snapshot").first).to_be_visible(timeout=PATIENCE)
        page.context.close()
    finally:
        stop(process)
