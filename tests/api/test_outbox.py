"""The outbox against a real mail server: once delivered, or tried again, and never lost."""

from __future__ import annotations

import asyncio
import email
import signal
import socket
import subprocess
import sys
import time
from email.policy import default

import psycopg
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from api.services import delivery
from api.services.connections import create_pool
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


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def mail(mailbox, outbox):
    """A mail server that the worker knows."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    outbox.know(smtp_url=SecretStr(f"smtp://127.0.0.1:{controller.port}"))
    yield controller
    controller.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_mail_is_delivered_once_and_its_receipt_is_kept(outbox, mail, mailbox):
    outbox.write("order.ready", "asha@mail.example", READY)
    assert (outbox.deliver(), outbox.deliver()) == (1, 0)
    (sent,) = mailbox.mails
    ((message_id, state, attempts, receipt),) = outbox.query(
        "SELECT message_id::text, state, attempts, receipt FROM outbox_messages"
    )
    assert (sent["Subject"], sent["To"]) == ("Your order S-7 is ready", "asha@mail.example")
    assert sent["Message-ID"] == f"<{message_id}@chain.example>"
    assert sent.get_content().strip() == "Your order S-7 is ready for you at Pune."
    assert (state, attempts) == ("delivered", 1)
    assert receipt == {"server": f"127.0.0.1:{mail.port}", "answer": "queued as 1"}
    assert outbox.query("SELECT attempt, is_delivered, error, receipt FROM outbox_deliveries") == [
        (1, True, None, receipt)
    ]


def test_a_refused_mail_is_tried_again_later(outbox, mail, mailbox):
    mailbox.refuse = ["451 busy, come back"]
    outbox.write("order.ready", "asha@mail.example", READY)
    assert outbox.deliver() == 0
    assert outbox.deliver() == 0  # not due yet
    ((error, wait),) = outbox.query(
        "SELECT last_error, extract(epoch FROM available_at - now())::float FROM outbox_messages"
    )
    assert "busy, come back" in error
    assert 40 < wait < 80
    outbox.make_due()
    assert outbox.deliver() == 1
    assert outbox.states() == [("delivered", 2)]
    tries = outbox.query("SELECT attempt, is_delivered, error IS NULL FROM outbox_deliveries ORDER BY attempt")
    assert tries == [(1, False, False), (2, True, True)]


def test_a_server_that_is_away_costs_ten_tries_then_the_message_is_dead(outbox):
    outbox.know(smtp_url=SecretStr(f"smtp://127.0.0.1:{free_port()}"))
    outbox.write("order.ready", "asha@mail.example", READY)
    for _ in range(12):
        assert outbox.deliver() == 0
        outbox.make_due()
    assert outbox.states() == [("dead", 10)]
    assert outbox.query("SELECT count(*) FROM outbox_deliveries WHERE NOT is_delivered") == [(10,)]


def test_a_dead_message_is_retried_by_command(outbox, mail, mailbox, monkeypatch):
    outbox.write("order.ready", "asha@mail.example", READY)
    outbox.query("UPDATE outbox_messages SET state = 'dead', attempts = 10, last_error = 'away'")
    ((message_id,),) = outbox.query("SELECT message_id::text FROM outbox_messages")

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
    monkeypatch.setenv("IMS_SMTP_URL", outbox.settings.smtp_url.get_secret_value())
    assert call("deliver").stdout == "1 messages were delivered.\n"
    assert len(mailbox.mails) == 1
    again = call("retry", message_id)
    assert (again.returncode, "not delivered" in again.stderr) == (2, True)
    assert outbox.query("SELECT entity_id FROM audit_log WHERE kind = 'message.retried'") == [(message_id,)]


def test_secrets_are_blanked_once_delivered(outbox, mail, mailbox):
    outbox.write("password.reset", "asha@mail.example", RESET)
    assert outbox.query("SELECT payload->>'token', subject FROM outbox_messages") == [
        ("s3cret", "Set a new password for IMS")
    ]
    assert outbox.deliver() == 1
    assert RESET["link"] in mailbox.mails[0].get_content()
    assert outbox.query("SELECT payload FROM outbox_messages") == [({**RESET, "token": "…", "link": "…"},)]
    everything = outbox.query("SELECT m::text || d::text FROM outbox_messages m, outbox_deliveries d")
    assert "s3cret" not in str(everything)


def test_several_processes_deliver_each_message_once(outbox, mail, mailbox):
    for each in range(40):
        outbox.write("order.ready", f"customer{each}@mail.example", READY)
    assert outbox.deliver(workers=6) == 40
    assert len({sent["Message-ID"] for sent in mailbox.mails}) == len(mailbox.mails) == 40


def test_a_message_of_a_transaction_undone_is_never_sent(outbox, mail, mailbox):
    outbox.write("order.ready", "asha@mail.example", READY, commit=False)
    assert outbox.deliver() == 0
    assert mailbox.mails == []


def test_killed_between_sending_and_noting_it_sends_again_under_the_same_id(outbox, mail, mailbox, monkeypatch):
    outbox.write("order.ready", "asha@mail.example", READY)
    monkeypatch.setenv("IMS_SMTP_URL", outbox.settings.smtp_url.get_secret_value())
    monkeypatch.setenv("IMS_MAIL_FROM", outbox.settings.mail_from)
    mailbox.pause = 60  # the mail is taken; the answer does not come
    process = subprocess.Popen([sys.executable, "-m", "ims.cli", "outbox", "deliver"])
    wait_for(lambda: mailbox.mails)
    process.send_signal(signal.SIGKILL)
    process.wait()
    mailbox.pause = 0
    assert outbox.states() == [("pending", 1)]
    assert outbox.deliver() == 0  # the lease of the killed process still runs
    outbox.make_due()
    assert outbox.deliver() == 1
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert outbox.states() == [("delivered", 2)]


def test_the_worker_wakes_when_a_message_is_written_and_stops_when_told(outbox, mail, mailbox, monkeypatch):
    monkeypatch.setattr(delivery, "POLL_SECONDS", 30.0)

    async def work():
        url = outbox.url
        stop = asyncio.Event()
        async with create_pool(url) as pool:
            worker = asyncio.create_task(delivery.run_worker(pool, outbox.settings, stop))
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
    assert outbox.states() == [("delivered", 1)]


def test_messages_of_a_channel_without_settings_wait(outbox):
    outbox.write("order.ready", "asha@mail.example", READY)
    assert outbox.deliver() == 0
    assert outbox.states() == [("pending", 0)]


def test_what_cannot_be_told_fails_the_transaction_that_would_tell_it(outbox):
    with pytest.raises(UnknownTopic):
        outbox.write("order.lost", "asha@mail.example", READY)
    with pytest.raises(KeyError, match="store"):
        outbox.write("order.ready", "asha@mail.example", {"reference": "S-7"})
    for recipient in ("asha", "asha@mail.example\nBcc: all@mail.example", "a@b.example,c@d.example", ""):
        with pytest.raises(ValueError, match="one mail address"):
            outbox.write("order.ready", recipient, READY)


def test_no_member_of_a_payload_can_add_a_header(outbox, mail, mailbox):
    outbox.write("order.ready", "asha@mail.example", {"reference": "S\r\nBcc: all@mail.example", "store": "Pune"})
    assert outbox.deliver() == 1
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
