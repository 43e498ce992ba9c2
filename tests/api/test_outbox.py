"""The outbox against a real mail server and a real HTTP server: once delivered, or tried again, and never lost."""

from __future__ import annotations

import asyncio
import email
import hashlib
import hmac
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import psycopg
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from api.services import delivery
from api.services.connections import create_pool
from api.services.delivery_hooks import Refused, is_public, judge
from api.services.delivery_mail import MailServer
from api.services.outbox import UnknownTopic, enqueue, topics

READY = {"reference": "S-7", "store": "Pune"}
RESET = {"username": "asha", "link": "https://ims.example/reset?token=s3cret", "minutes": 30, "token": "s3cret"}


class Mailbox:
    """What a mail server was given; `refuse` is what it answers instead of taking the next mails."""

    def __init__(self):
        self.mails = []
        self.refuse = []
        self.pause = 0.0

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  (aiosmtpd's name)
        if self.refuse:
            return self.refuse.pop(0)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        await asyncio.sleep(self.pause)
        return "250 queued as 1"


class Hooks(BaseHTTPRequestHandler):
    """Keeps what is posted; answers what `server.answers` says, 200 after that."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.path, dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, *_):
        pass


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def mail(mailbox):
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def hooks():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hooks)
    server.calls, server.answers = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(installation, request):
    """Settings of this installation that know the servers which the test asked for."""
    known = {"webhook_hosts": "127.0.0.1", "mail_from": "IMS <ims@chain.example>"}
    if "mail" in request.fixturenames:
        known["smtp_url"] = SecretStr(f"smtp://127.0.0.1:{request.getfixturevalue('mail').port}")
    if "hooks" in request.fixturenames:
        known["webhook_secret"] = SecretStr("shared")
    return installation.settings.model_copy(update=known)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(settings, topic, recipient, payload):
    async def work():
        async with await psycopg.AsyncConnection.connect(settings.database_url.get_secret_value()) as connection:
            await enqueue(connection, topic, recipient, payload)

    asyncio.run(work())


def deliver(settings, times=1):
    async def work():
        async with create_pool(settings.database_url.get_secret_value()) as pool:
            return await asyncio.gather(*(delivery.deliver_due(pool, settings) for _ in range(times)))

    return sum(asyncio.run(work()))


def query(settings, statement, *values):
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def make_due(settings):
    """What waiting does."""
    query(settings, "UPDATE outbox_messages SET available_at = now() WHERE state = 'pending'")


def states(settings):
    return query(settings, "SELECT state, attempts FROM outbox_messages ORDER BY created_at")


def test_a_mail_is_delivered_once_and_its_receipt_is_kept(settings, mail, mailbox):
    write(settings, "order.ready", "asha@mail.example", READY)
    assert (deliver(settings), deliver(settings)) == (1, 0)
    (sent,) = mailbox.mails
    ((message_id, state, attempts, receipt),) = query(
        settings, "SELECT message_id::text, state, attempts, receipt FROM outbox_messages"
    )
    assert (sent["Subject"], sent["To"]) == ("Your order S-7 is ready", "asha@mail.example")
    assert sent["Message-ID"] == f"<{message_id}@chain.example>"
    assert sent.get_content().strip() == "Your order S-7 is ready for you at Pune."
    assert (state, attempts) == ("delivered", 1)
    assert receipt == {"server": f"127.0.0.1:{mail.port}", "answer": "queued as 1"}
    assert query(settings, "SELECT attempt, is_delivered, error, receipt FROM outbox_deliveries") == [
        (1, True, None, receipt)
    ]


def test_a_refused_mail_is_tried_again_later(settings, mail, mailbox):
    mailbox.refuse = ["451 busy, come back"]
    write(settings, "order.ready", "asha@mail.example", READY)
    assert deliver(settings) == 0
    assert deliver(settings) == 0  # not due yet
    ((error, wait),) = query(
        settings, "SELECT last_error, extract(epoch FROM available_at - now())::float FROM outbox_messages"
    )
    assert "busy, come back" in error
    assert 40 < wait < 80
    make_due(settings)
    assert deliver(settings) == 1
    assert states(settings) == [("delivered", 2)]
    tries = query(settings, "SELECT attempt, is_delivered, error IS NULL FROM outbox_deliveries ORDER BY attempt")
    assert tries == [(1, False, False), (2, True, True)]


def test_a_server_that_is_away_costs_ten_tries_then_the_message_is_dead(installation):
    settings = installation.settings.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{free_port()}")})
    write(settings, "order.ready", "asha@mail.example", READY)
    for _ in range(12):
        assert deliver(settings) == 0
        make_due(settings)
    assert states(settings) == [("dead", 10)]
    assert query(settings, "SELECT count(*) FROM outbox_deliveries WHERE NOT is_delivered") == [(10,)]


def test_a_dead_message_is_retried_by_command(settings, mail, mailbox, monkeypatch):
    write(settings, "order.ready", "asha@mail.example", READY)
    query(settings, "UPDATE outbox_messages SET state = 'dead', attempts = 10, last_error = 'away'")
    ((message_id,),) = query(settings, "SELECT message_id::text FROM outbox_messages")

    def call(*arguments):
        command = [sys.executable, "-m", "ims.cli", "outbox", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    listed = call("list", "--state", "dead").stdout
    assert message_id in listed
    assert "away" in listed
    assert call("retry", message_id).returncode == 0
    assert "1 messages wait because IMS_SMTP_URL is not set." in call("list").stdout
    refused = call("deliver")
    assert (refused.returncode, "set IMS_SMTP_URL" in refused.stderr) == (1, True)
    monkeypatch.setenv("IMS_SMTP_URL", settings.smtp_url.get_secret_value())
    assert call("deliver").stdout == "1 messages were delivered.\n"
    assert len(mailbox.mails) == 1
    again = call("retry", message_id)
    assert (again.returncode, "not delivered" in again.stderr) == (2, True)
    assert query(settings, "SELECT entity_id FROM audit_log WHERE kind = 'message.retried'") == [(message_id,)]


def test_secrets_are_blanked_once_delivered(settings, mail, mailbox):
    write(settings, "password.reset", "asha@mail.example", RESET)
    assert query(settings, "SELECT payload->>'token', subject FROM outbox_messages") == [
        ("s3cret", "Set a new password for IMS")
    ]
    assert deliver(settings) == 1
    assert RESET["link"] in mailbox.mails[0].get_content()
    assert query(settings, "SELECT payload FROM outbox_messages") == [({**RESET, "token": "…", "link": "…"},)]
    everything = query(settings, "SELECT m::text || d::text FROM outbox_messages m, outbox_deliveries d")
    assert "s3cret" not in str(everything)


def test_several_processes_deliver_each_message_once(settings, mail, mailbox):
    for each in range(40):
        write(settings, "order.ready", f"customer{each}@mail.example", READY)
    assert deliver(settings, times=6) == 40
    assert len({sent["Message-ID"] for sent in mailbox.mails}) == len(mailbox.mails) == 40


def test_a_message_of_a_transaction_undone_is_never_sent(settings, mail, mailbox):
    async def work():
        async with await psycopg.AsyncConnection.connect(settings.database_url.get_secret_value()) as connection:
            await enqueue(connection, "order.ready", "asha@mail.example", READY)
            await connection.rollback()

    asyncio.run(work())
    assert deliver(settings) == 0
    assert mailbox.mails == []


def test_killed_between_sending_and_noting_it_sends_again_under_the_same_id(settings, mail, mailbox, monkeypatch):
    write(settings, "order.ready", "asha@mail.example", READY)
    monkeypatch.setenv("IMS_SMTP_URL", settings.smtp_url.get_secret_value())
    monkeypatch.setenv("IMS_MAIL_FROM", settings.mail_from)
    mailbox.pause = 60  # the mail is taken; the answer does not come
    process = subprocess.Popen([sys.executable, "-m", "ims.cli", "outbox", "deliver"])
    wait_for(lambda: mailbox.mails)
    process.send_signal(signal.SIGKILL)
    process.wait()
    mailbox.pause = 0
    assert states(settings) == [("pending", 1)]
    assert deliver(settings) == 0  # the lease of the killed process still runs
    make_due(settings)
    assert deliver(settings) == 1
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert states(settings) == [("delivered", 2)]


def test_the_worker_wakes_when_a_message_is_written_and_stops_when_told(settings, mail, mailbox, monkeypatch):
    monkeypatch.setattr(delivery, "POLL_SECONDS", 30.0)

    async def work():
        url = settings.database_url.get_secret_value()
        stop = asyncio.Event()
        async with create_pool(url) as pool:
            worker = asyncio.create_task(delivery.run_worker(pool, settings, stop))
            await asyncio.sleep(1)
            async with await psycopg.AsyncConnection.connect(url) as connection:
                await enqueue(connection, "order.ready", "asha@mail.example", READY)
            began = time.monotonic()
            while not mailbox.mails and time.monotonic() - began < 5:
                await asyncio.sleep(0.02)
            stop.set()
            await asyncio.wait_for(worker, 5)

    asyncio.run(work())
    assert len(mailbox.mails) == 1
    assert states(settings) == [("delivered", 1)]


def test_a_webhook_is_signed_named_and_told_no_secret(settings, hooks):
    address = f"http://127.0.0.1:{hooks.server_port}/told?x=1"
    write(settings, "password.reset", address, RESET)
    assert deliver(settings) == 1
    ((path, headers, body),) = hooks.calls
    ((message_id, receipt),) = query(settings, "SELECT message_id::text, receipt FROM outbox_messages")
    assert path == "/told?x=1"
    assert headers["Host"] == f"127.0.0.1:{hooks.server_port}"
    assert headers["Idempotency-Key"] == message_id
    moment, signature = (part.split("=")[1] for part in headers["X-IMS-Signature"].split(","))
    assert signature == hmac.new(b"shared", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert json.loads(body)["payload"] == {"username": "asha", "minutes": 30}
    assert receipt == {"status": 200, "answer": "thanks", "address": "127.0.0.1"}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_accept_is_tried_again_under_the_same_key(settings, hooks, status):
    hooks.answers = [status]
    write(settings, "event.occurred", f"http://127.0.0.1:{hooks.server_port}", dict.fromkeys(EVENT, "x"))
    assert deliver(settings) == 0
    make_due(settings)
    assert deliver(settings) == 1
    keys = [headers["Idempotency-Key"] for path, headers, _ in hooks.calls if path != "/elsewhere"]
    assert len(hooks.calls) == len(keys) == 2
    assert len(set(keys)) == 1


EVENT = ("kind", "entity_type", "entity_id")


def test_webhooks_go_to_every_address_of_the_settings(settings, hooks, monkeypatch):
    from ims.settings import get_settings

    base = f"http://127.0.0.1:{hooks.server_port}"
    monkeypatch.setenv("IMS_WEBHOOK_URLS", f"{base}/a {base}/b")
    get_settings.cache_clear()
    write(settings, "event.occurred", "webhooks", dict.fromkeys(EVENT, "x"))
    assert deliver(settings) == 2
    assert {path for path, _, _ in hooks.calls} == {"/a", "/b"}


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://mail.example/", "https"),
        ("https://user:word@127.0.0.1/", "name or password"),
        ("https://127.0.0.1/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://[::ffff:10.0.0.1]/", "private network"),
        ("https://localhost:9/", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://2130706433/", "private network"),
        ("https://0x7f.1/", "private network"),
        ("https://10.1.2.3/", "private network"),
        ("http://127.0.0.1:81/", "https"),
        ("ftp://127.0.0.1:80/", "https"),
    ],
)
def test_a_webhook_does_not_reach_into_the_network(address, reason):
    with pytest.raises(Refused, match=reason):
        asyncio.run(judge(httpx.URL(address), frozenset({"127.0.0.1:80"})))


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("0.0.0.0", False),  # noqa: S104  (an address to refuse)
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address, is_open):
    import ipaddress

    assert is_public(ipaddress.ip_address(address)) is is_open


def test_messages_of_a_channel_without_settings_wait(installation):
    write(installation.settings, "order.ready", "asha@mail.example", READY)
    assert deliver(installation.settings) == 0
    assert states(installation.settings) == [("pending", 0)]


def test_what_cannot_be_told_fails_the_transaction_that_would_tell_it(installation):
    with pytest.raises(UnknownTopic):
        write(installation.settings, "order.lost", "asha@mail.example", READY)
    with pytest.raises(KeyError, match="store"):
        write(installation.settings, "order.ready", "asha@mail.example", {"reference": "S-7"})
    for recipient in ("asha", "asha@mail.example\nBcc: all@mail.example", "a@b.example,c@d.example", ""):
        with pytest.raises(ValueError, match="one mail address"):
            write(installation.settings, "order.ready", recipient, READY)


def test_no_member_of_a_payload_can_add_a_header(settings, mail, mailbox):
    write(settings, "order.ready", "asha@mail.example", {"reference": "S\r\nBcc: all@mail.example", "store": "Pune"})
    assert deliver(settings) == 1
    assert mailbox.mails[0]["Bcc"] is None
    assert mailbox.mails[0]["Subject"] == "Your order S Bcc: all@mail.example is ready"


def test_every_topic_names_its_members():
    assert all(topic.subject.template and topic.body.template for topic in topics().values())
    assert topics()["password.reset"].secrets == {"token", "link"}


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("smtp://mail.example", ("smtp", "mail.example", 25, None, None)),
        ("smtps://me%40x:p%3Aw@mail.example", ("smtps", "mail.example", 465, "me@x", "p:w")),
        ("smtp+starttls://me:w@[::1]:2525", ("smtp+starttls", "::1", 2525, "me", "w")),
    ],
)
def test_the_mail_server_of_a_setting(url, parts):
    server = MailServer.parse(url)
    assert (server.scheme, server.host, server.port, server.username, server.password) == parts


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)
