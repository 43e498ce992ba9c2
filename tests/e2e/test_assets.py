"""What a browser loads first: the page is asked for anew; its scripts are packed, and kept for a year.

Whoever shows the page in a frame of theirs gives it no orders.
"""

from __future__ import annotations

import re

import httpx
import pytest

from api.identity.sessions import COOKIE
from tests.e2e.serving import free_port, start, stop

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_assets_are_packed_and_kept_and_the_page_that_names_them_is_not(installation, make_user) -> None:
    token = make_user(installation.databases.operational, "boss", ("superadmin",))
    port = free_port()
    process = start("all", port)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies={COOKIE: token}) as browser:
            page = browser.get("/reorder")
            assert page.headers["cache-control"] == "no-cache"
            assert browser.get("/reorder", headers={"if-none-match": page.headers["etag"]}).status_code in {200, 304}
            assets = re.findall(r'(?:src|href)="[./]*(static/(?:js|css)/[^"]+)"', page.text)
            assert assets
            sent = whole = 0
            for asset in assets:
                got = browser.get(f"/{asset}")
                if len(got.content) < 1024:  # not worth it
                    continue
                assert got.headers["content-encoding"] == "gzip", asset
                sent, whole = sent + int(got.headers["content-length"]), whole + len(got.content)
                assert "immutable" in got.headers["cache-control"]
                assert "max-age=31536000" in got.headers["cache-control"]
                again = browser.get(f"/{asset}", headers={"if-none-match": got.headers["etag"]})
                assert (again.status_code, again.content) == (304, b"")
            assert sent < 0.4 * whole
            assert browser.get("/_stcore/host-config").json()["allowedOrigins"] == []
        assert httpx.get(f"http://127.0.0.1:{port}/{assets[0]}").status_code == 401, "nothing of it for the unknown"
    finally:
        stop(process)
