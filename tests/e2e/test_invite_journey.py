"""An admin adds a user in a browser; the invitation comes by mail, and who follows it sees their own stores alone."""

from __future__ import annotations

import email
import re

import psycopg
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, expect

from tests.dashboards.world import publish_world
from tests.e2e.browsing import PATIENCE, keep_frames, pick, rest, sign_in, tick
from tests.e2e.mailbox import Mailbox
from tests.e2e.serving import free_port, start, stop

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]
WORD, NEW = "the first sentence", "a second sentence"


def test_who_is_invited_sets_a_password_and_sees_only_their_stores(
    installation, browser: Browser, make_user, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_world(installation.databases, installation.settings)
    url = installation.databases.operational
    make_user(url, "boss", ("superadmin",), password=WORD)
    mailbox, port, mail_port = Mailbox(), free_port(), free_port()
    smtp = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
    smtp.start()
    monkeypatch.setenv("IMS_SMTP_URL", f"smtp://127.0.0.1:{mail_port}")
    monkeypatch.setenv("IMS_PORT", str(port))
    process, address = start("all", port), f"http://127.0.0.1:{port}"
    try:
        page = browser.new_context(viewport={"width": 1440, "height": 1200}).new_page()
        sign_in(page, f"{address}/administration", "boss", WORD)
        expect(page.get_by_role("heading", name="Administration")).to_be_visible(timeout=PATIENCE)
        rest(page)
        page.get_by_text("Add a user").click()
        page.get_by_label("User name").fill("asha")
        page.get_by_label("Name", exact=True).fill("Asha Rao")
        page.get_by_label("E-mail").fill("asha@chain.example")
        pick(page, "Stores", "S01")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("asha is added.")).to_be_visible(timeout=PATIENCE)
        with psycopg.connect(url) as connection:
            stores = connection.execute(
                "SELECT store_code FROM user_stores JOIN users USING (user_id) JOIN stores USING (store_id) "
                "WHERE username = 'asha'"
            ).fetchall()
        assert stores == [("S01",)]

        letter = mailbox.wait(1)
        assert letter["To"] == "asha@chain.example"
        (link,) = re.findall(
            r"http://\S+", email.message_from_bytes(letter.as_bytes()).get_payload(decode=True).decode()
        )
        assert link.startswith(f"{address}/reset-password?token=")

        tick(page, 1, shows="Give these roles")  # the newest user
        pick(page, "Roles", "manager")
        page.get_by_role("button", name="Give these roles").click()
        expect(page.get_by_text("asha has other roles now.")).to_be_visible(timeout=PATIENCE)

        theirs = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        frames = keep_frames(theirs)
        theirs.goto(link)
        theirs.get_by_label("New password", exact=True).fill(NEW)
        theirs.get_by_label("New password, once more").fill(NEW)
        theirs.get_by_role("button", name="Set password").click()
        sign_in(theirs, f"{address}/", "asha", NEW)
        expect(theirs.get_by_role("heading", name="Reorder", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(theirs.get_by_test_id("stDataFrame").first).to_be_visible(timeout=PATIENCE)
        rest(theirs)
        theirs.goto(f"{address}/sales?store=S02")
        expect(theirs.get_by_role("heading", name="Sales", exact=True)).to_be_visible(timeout=PATIENCE)
        rest(theirs)
        theirs.goto(f"{address}/administration")
        expect(theirs.get_by_text("Administration is not part of your role")).to_be_visible(timeout=PATIENCE)
        received = b"".join(frames)
        assert b"Indiranagar" in received
        for other in (b"Koregaon", b"Salt Lake"):
            assert other not in received
    finally:
        log = stop(process)
        smtp.stop()
    for secret in (WORD, NEW, "reset-password?token="):
        assert secret not in log
