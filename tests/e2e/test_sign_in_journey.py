"""One's own account, by people with a browser: a second factor, backup codes, sessions ended from afar, a forgotten
password by mail. Real chromium, a real `ims serve`, a real SMTP server; codes are those of RFC 6238, by the clock.
"""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pyotp
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e import browsing
from tests.e2e.mailbox import Mailbox
from tests.e2e.serving import begin, free_port, stop

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]
IMS = Path(sys.executable).parent / "ims"
WORD, NEW = "the first sentence", "a second sentence"
STEP_SECONDS = 30


@dataclass
class Web:
    """The web app, where it is, its users' database, its mail."""

    address: str
    url: str
    mailbox: Mailbox


@pytest.fixture(scope="module")
def web(server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """`ims serve` as a process on a database of this module, with a mail server to send by."""
    names = [f"journey_{os.getpid()}{suffix}" for suffix in ("", "_lake", "_dagster")]
    parts = urlsplit(server.operational)
    template, admin = parts.path[1:], urlunsplit(parts._replace(path="/postgres"))
    urls = [urlunsplit(parts._replace(path=f"/{name}")) for name in names]
    with psycopg.connect(admin, autocommit=True) as connection:
        for name, source in zip(names, (template, "template1", "template1"), strict=True):
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    mailbox, port, mail_port = Mailbox(), free_port(), free_port()
    smtp = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
    smtp.start()
    variables = {
        "IMS_HOME": str(tmp_path_factory.mktemp("journey")),
        "IMS_PORT": str(port),
        "IMS_SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
        **dict(zip(("IMS_DATABASE_URL", "IMS_LAKE_DATABASE_URL", "IMS_DAGSTER_DATABASE_URL"), urls, strict=True)),
    }
    try:
        process = begin([IMS, "serve"], port, **variables)
        yield Web(f"http://127.0.0.1:{port}", urls[0], mailbox)
        output = stop(process)
    finally:
        smtp.stop()
        with psycopg.connect(admin, autocommit=True) as connection:
            for name in names:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    for secret in (WORD, NEW, "reset-password?token="):
        assert secret not in output


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def rest(web: Web) -> None:
    """What a minute of waiting does: attempts are no longer counted."""
    with psycopg.connect(web.url) as connection:
        connection.execute("DELETE FROM rate_limits")


def sign_in(page: Page, web: Web, name: str, password: str) -> None:
    browsing.sign_in(page, f"{web.address}/sign-in?next=/account", name, password)


def enter(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def next_code(key: str, spent: str) -> str:
    """The app's code, once it is another than the one that was spent."""
    for _ in range(STEP_SECONDS * 4):
        code = pyotp.TOTP(key).now()
        if code != spent:
            return code
        time.sleep(0.5)
    raise AssertionError("the clock stands still")


def wrong_code(key: str) -> str:
    """Six digits that are no code of the minutes around now."""
    near = {pyotp.TOTP(key).at(int(time.time()) + STEP_SECONDS * step) for step in range(-3, 6)}
    return next(f"{number:06}" for number in range(100) if f"{number:06}" not in near)


def expect_heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_a_second_factor_from_its_key_to_a_backup_code(web: Web, context: BrowserContext, make_user) -> None:
    make_user(web.url, "asha", ("admin",), password=WORD)
    page = context.new_page()
    sign_in(page, web, "asha", WORD)
    expect_heading(page, "Your account")
    expect(page.get_by_text("It is off.")).to_be_visible()
    page.get_by_label("Your password", exact=True).fill(WORD)
    page.get_by_role("button", name="Set up").click()
    expect_heading(page, "Set up the second factor")
    expect(page.locator(".qr svg")).to_be_visible()
    key = "".join(page.locator(".key span").all_inner_texts())
    assert re.fullmatch(r"[A-Z2-7]{32}", key)
    page.get_by_label("Code").fill(wrong_code(key))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    spent = pyotp.TOTP(key).now()
    page.get_by_label("Code").fill(spent)
    page.get_by_role("button", name="Turn on").click()
    expect_heading(page, "Your backup codes")
    backup = page.locator(".codes code").all_inner_texts()
    assert len(set(backup)) == 10
    page.get_by_role("link", name="I have noted them").click()
    expect(page.get_by_text("10 backup codes are left.")).to_be_visible()

    rest(web)
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, web, "asha", WORD)
    expect_heading(page, "Enter the code")
    page.goto(f"{web.address}/account")
    expect_heading(page, "Sign in")
    sign_in(page, web, "asha", WORD)
    enter(page, wrong_code(key))
    expect(page.get_by_role("alert")).to_contain_text("not right")
    enter(page, spent)
    expect(page.get_by_role("alert")).to_contain_text("used already")
    enter(page, next_code(key, spent))
    expect_heading(page, "Your account")

    rest(web)
    context.clear_cookies()
    sign_in(page, web, "asha", WORD)
    enter(page, backup[0].upper().replace("-", " "))
    expect(page.get_by_text("9 backup codes are left.")).to_be_visible()
    page.get_by_label("Your password", exact=True).fill(WORD)
    page.get_by_role("button", name="New backup codes").click()
    expect(page.get_by_text("Your earlier codes are void.")).to_be_visible()
    renewed = page.locator(".codes code").all_inner_texts()
    assert not set(renewed) & set(backup)
    page.get_by_role("link", name="I have noted them").click()
    expect(page.get_by_text("10 backup codes are left.")).to_be_visible()
    page.get_by_label("Your password", exact=True).fill(WORD)
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("status")).to_have_text("Your second factor is off.")


def test_another_session_is_ended_from_the_account_page(
    web: Web, context: BrowserContext, browser: Browser, make_user
) -> None:
    rest(web)
    make_user(web.url, "ravi", ("manager",), password=WORD)
    mine, elsewhere = context.new_page(), browser.new_context(user_agent="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    other = elsewhere.new_page()
    sign_in(other, web, "ravi", WORD)
    expect_heading(other, "Your account")
    # a page of the dashboards stays open there
    other.goto(f"{web.address}/sales")
    expect(other.get_by_text("Nothing is published yet")).to_be_visible(timeout=60_000)
    sign_in(mine, web, "ravi", WORD)
    line = mine.get_by_role("listitem").filter(has_text="Firefox on Windows")
    expect(line).to_have_count(1)
    expect(mine.get_by_role("listitem").filter(has_text="This one")).to_contain_text("Chrome on Linux")
    mine.get_by_label("Your password, to end one").fill(WORD)
    line.get_by_role("button", name=re.compile("End the session of Firefox on Windows")).press("Enter")
    expect(mine.get_by_role("status")).to_have_text("The session was ended.")
    expect(line).to_have_count(0)
    # it looks every five seconds by itself, and finds that it has ended
    expect(other.get_by_text("Your session has ended")).to_be_visible(timeout=60_000)
    other.goto(f"{web.address}/account")
    expect_heading(other, "Sign in")
    elsewhere.close()
    mine.reload()
    expect_heading(mine, "Your account")


def test_a_forgotten_password_is_set_anew_by_the_link_in_the_mail(web: Web, context: BrowserContext, make_user) -> None:
    token = make_user(web.url, "usha", ("buyer",), password=WORD)
    with psycopg.connect(web.url) as connection:
        connection.execute("UPDATE users SET email = 'usha@chain.example' WHERE username = 'usha'")
    rest(web)
    before = len(web.mailbox.letters)
    page = context.new_page()
    page.goto(f"{web.address}/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("User name").fill("usha")
    page.get_by_role("button", name="Send the link").click()
    expect_heading(page, "Look into your mail")
    letter = web.mailbox.wait(before + 1)
    assert letter["To"] == "usha@chain.example"
    text = email.message_from_bytes(letter.as_bytes()).get_payload(decode=True).decode()
    (link,) = re.findall(r"http://\S+", text)
    assert link.startswith(f"{web.address}/reset-password?token=")

    page.goto(link)
    expect_heading(page, "Choose a new password")

    def choose(password: str, again: str) -> None:
        page.get_by_label("New password", exact=True).fill(password)
        page.get_by_label("New password, once more").fill(again)
        page.get_by_role("button", name="Set password").click()

    choose(NEW, NEW + "x")
    expect(page.get_by_role("alert")).to_contain_text("differ")
    choose(NEW, NEW)
    expect_heading(page, "Your new password holds")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, web, "usha", WORD)
    expect(page.get_by_role("alert")).to_contain_text("not right")
    sign_in(page, web, "usha", NEW)
    expect_heading(page, "Your account")
    headers = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{web.address}/api/v1/account", headers=headers).status_code == 401, "earlier sessions ended"
    page.goto(link)
    choose(WORD, WORD)
    expect(page.get_by_role("alert")).to_contain_text("used already")


def test_the_examples_for_programs_in_the_docs_work(web: Web, make_user) -> None:
    rest(web)
    make_user(web.url, "buyer", ("admin",), password=WORD)
    text = (Path(__file__).parents[2] / "docs" / "web.md").read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    assert examples.count("curl") >= 6
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", examples],
        env={**os.environ, "IMS": web.address, "PASSWORD": WORD, "USERNAME": "buyer"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    replies = re.findall(r"HTTP/1.1 (\d{3})", done.stdout)
    assert replies == ["201", "201", "304", "200", "412"], done.stdout
    with psycopg.connect(web.url) as connection:
        rows = connection.execute("SELECT store_code, city FROM stores").fetchall()
    assert rows == [("S90", "Pune")], "the second POST with the same key made nothing"
