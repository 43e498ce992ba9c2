"""The web app as a process, seen by a browser: sign in, pick a line, see its charts, download, follow a rollback.

Needs Chromium (`apt-get install chromium`, or IMS_CHROMIUM naming one): without it these tests fail, they never skip.
"""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, expect

from api.identity.users import reset_admin_password
from api.publications import rollback
from tests.dashboards.world import publish_world
from tests.e2e.browsing import PATIENCE, sign_in
from tests.e2e.serving import SERVE, free_port, start, stop

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.slow
def test_a_manager_signs_in_reads_downloads_and_follows_a_rollback(
    installation, browser: Browser, tmp_path: Path
) -> None:
    databases = installation.databases
    _, first = publish_world(databases, installation.settings)
    _, second = publish_world(databases, installation.settings, seed=11)
    password = reset_admin_password(databases.operational)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = start("all", port)
    try:
        context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
        page = context.new_page()
        outside: list[str] = []
        page.on("request", lambda request: outside.append(request.url) if address not in request.url else None)

        page.goto(f"{address}/reorder?store=S01")
        expect(page).to_have_title("Sign in · IMS")
        sign_in(page, page.url, "admin", password)
        expect(page.get_by_role("heading", name="Reorder")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text(f"Snapshot {second}").first).to_be_visible(timeout=PATIENCE)
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENCE)
        assert "store=S01" in page.url

        before = page.url
        grid = page.get_by_test_id("stDataFrame").first
        box = grid.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 18, box["y"] + 35 * 3.5)  # the box before the third line
        page.wait_for_function("before => location.href !== before", arg=before, timeout=PATIENCE)
        expect(page.locator(".js-plotly-plot")).to_have_count(2, timeout=PATIENCE)
        expect(page.get_by_text("is expected to save").first).to_be_visible(timeout=PATIENCE)

        with page.expect_download(timeout=PATIENCE) as waiting:
            page.get_by_role("button", name="CSV", exact=True).click()
        saved = tmp_path / "orders.csv"
        waiting.value.save_as(saved)
        rows = list(csv.DictReader(saved.read_text(encoding="utf-8-sig").splitlines()))
        assert {row["store_code"] for row in rows} == {"S01"}
        with psycopg.connect(databases.operational) as connection:
            count = connection.execute(
                "SELECT count(*) FROM suggestions JOIN stores USING (store_id) "
                "WHERE store_code = 'S01' AND state = 'proposed'"
            ).fetchone()
            taken = connection.execute("SELECT kind, format, row_count, checksum FROM data_exports").fetchall()
        assert len(rows) == count[0]
        assert taken == [("suggestions", "csv", len(rows), hashlib.sha256(saved.read_bytes()).hexdigest())]
        assert f"snapshot-{second}" in waiting.value.suggested_filename

        rollback(databases.operational, first, "test")
        # nobody touches the page: it looks at the pointer by itself
        expect(page.get_by_text(f"Snapshot {first}").first).to_be_visible(timeout=PATIENCE)

        page.get_by_role("button", name="Store", exact=True).click()
        page.get_by_role("menuitem", name="Sales").click()
        expect(page.get_by_role("heading", name="Sales", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=PATIENCE)

        page.get_by_role("link", name="Sign out").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_title("Sign in · IMS")
        page.goto(f"{address}/sales")
        expect(page).to_have_title("Sign in · IMS")
        assert outside == [], "nothing is loaded from, or told to, anywhere else"
    finally:
        log = stop(process)
    assert password not in log


def test_the_unknown_get_nothing_of_a_dashboard_and_a_taken_port_is_one_sentence(installation) -> None:
    port = free_port()
    process = start("dashboards", port)
    try:
        address = f"http://127.0.0.1:{port}"
        for path in ("/", "/_stcore/health", "/_stcore/host-config", "/static/js/x.js", "/media/x", "/component/x/y"):
            answer = httpx.get(address + path)
            assert answer.status_code == 401, path
            assert "streamlit" not in answer.text.lower()
        with httpx.stream("GET", f"{address}/_stcore/stream", headers=WEBSOCKET) as answer:
            assert answer.status_code == 403
        assert httpx.get(f"{address}/ready").status_code == 503
        second = subprocess.run(
            [sys.executable, "-c", SERVE, "api", str(port)], capture_output=True, text=True, check=False
        )
        assert second.returncode != 0
        assert f"Port {port} on 127.0.0.1 is taken by another program" in second.stderr
    finally:
        stop(process)


WEBSOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
