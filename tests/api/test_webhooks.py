"""Webhooks against a real HTTP server: signed, named, tried again; and the addresses they never call."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from pydantic import SecretStr

from api.services.delivery_hooks import Refused, is_public, judge
from ims.settings import get_settings

RESET = {"username": "asha", "link": "https://ims.example/reset?token=s3cret", "minutes": 30, "token": "s3cret"}
EVENT = ("kind", "entity_type", "entity_id")


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
def hooks(outbox):
    """A server for webhooks that the worker knows and may call."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hooks)
    server.calls, server.answers = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    outbox.know(webhook_secret=SecretStr("shared"), webhook_hosts="127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


def test_a_webhook_is_signed_named_and_told_no_secret(outbox, hooks):
    address = f"http://127.0.0.1:{hooks.server_port}/told?x=1"
    outbox.write("password.reset", address, RESET)
    assert outbox.deliver() == 1
    ((path, headers, body),) = hooks.calls
    ((message_id, receipt),) = outbox.query("SELECT message_id::text, receipt FROM outbox_messages")
    assert path == "/told?x=1"
    assert headers["Host"] == f"127.0.0.1:{hooks.server_port}"
    assert headers["Idempotency-Key"] == message_id
    moment, signature = (part.split("=")[1] for part in headers["X-IMS-Signature"].split(","))
    assert signature == hmac.new(b"shared", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert json.loads(body)["payload"] == {"username": "asha", "minutes": 30}
    assert receipt == {"status": 200, "answer": "thanks", "address": "127.0.0.1"}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_accept_is_tried_again_under_the_same_key(outbox, hooks, status):
    hooks.answers = [status]
    outbox.write("event.occurred", f"http://127.0.0.1:{hooks.server_port}", dict.fromkeys(EVENT, "x"))
    assert outbox.deliver() == 0
    outbox.make_due()
    assert outbox.deliver() == 1
    keys = [headers["Idempotency-Key"] for path, headers, _ in hooks.calls if path != "/elsewhere"]
    assert len(hooks.calls) == len(keys) == 2
    assert len(set(keys)) == 1


def test_webhooks_go_to_every_address_of_the_settings(outbox, hooks, monkeypatch):
    base = f"http://127.0.0.1:{hooks.server_port}"
    monkeypatch.setenv("IMS_WEBHOOK_URLS", f"{base}/a {base}/b")
    get_settings.cache_clear()
    outbox.write("event.occurred", "webhooks", dict.fromkeys(EVENT, "x"))
    assert outbox.deliver() == 2
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
    assert is_public(ipaddress.ip_address(address)) is is_open
