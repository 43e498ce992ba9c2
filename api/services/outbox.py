"""Messages to the world outside, written in the transaction that causes them; `delivery` sends them afterwards.

A topic is a text file in `messages/`: its subject, which members are secret, and the body with `$member`s. A guarded
one (figures by mail) leaves only while its recipient may see what it holds (`report_mail`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any, Literal
from uuid import UUID

import psycopg

from ims.settings import get_settings

Channel = Literal["smtp", "webhook"]
HIDDEN = "…"  # stands for a secret once the message is delivered
HOOKS = "webhooks"  # the recipient that stands for every address in IMS_WEBHOOK_URLS
FOLDER = Path(__file__).parent / "messages"
INSERT = """
    INSERT INTO outbox_messages (topic, channel, recipient, subject, payload)
    VALUES (%s, %s, %s, %s, %s::jsonb)
"""
ATTACH = "INSERT INTO outbox_attachments (message_id, name, media_type, content) VALUES (%s, %s, %s, %s)"


class UnknownTopic(LookupError):
    """A message of a topic that has no text."""


@dataclass(frozen=True)
class Topic:
    """A kind of message: subject and body as templates, and the members that are blanked once it is delivered."""

    name: str
    subject: Template
    body: Template
    secrets: frozenset[str]
    is_guarded: bool = False

    def render(self, payload: Mapping[str, Any]) -> tuple[str, str]:
        """Subject (one line) and body. Raises KeyError for a member the payload lacks."""
        return " ".join(self.subject.substitute(payload).split()), self.body.substitute(payload)


@dataclass(frozen=True)
class File:
    """What goes with a mail: its name, its type (`application/pdf`), its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """A message that a process has claimed to deliver; `attempts` counts this one."""

    message_id: UUID
    topic: str
    channel: Channel
    recipient: str
    subject: str
    payload: Mapping[str, Any]
    attempts: int
    created_at: dt.datetime


async def enqueue(
    connection: psycopg.AsyncConnection[Any], topic: str, recipient: str, payload: Mapping[str, Any]
) -> None:
    """Write a message to a mail address, an http(s) address, or to every `webhooks` address of the settings.

    It is rendered here once, so that a payload without a member its text needs fails the transaction, not the worker.
    """
    subject, _ = find_topic(topic).render(payload)
    content = json.dumps(payload, default=str)
    recipients = get_settings().webhook_urls.split() if recipient == HOOKS else [recipient]
    for each in recipients:
        await connection.execute(INSERT, (topic, channel_of(each), each, subject, content))


def enqueue_now(
    connection: psycopg.Connection[Any], topic: str, recipient: str, payload: Mapping[str, Any], files: Sequence[File]
) -> UUID:
    """`enqueue` of one mail with its files, for what IMS does by itself; the message's id."""
    subject, _ = find_topic(topic).render(payload)
    values = (topic, channel_of(recipient), recipient, subject, json.dumps(payload, default=str))
    row = connection.execute(f"{INSERT} RETURNING message_id", values).fetchone()
    assert row is not None
    for each in files:
        connection.execute(ATTACH, (row[0], each.name, each.media_type, each.content))
    return UUID(str(row[0]))


def channel_of(recipient: str) -> Channel:
    """How a recipient is reached. Raises ValueError for what is no address."""
    if recipient.startswith(("https://", "http://")):
        return "webhook"
    name, at, host = recipient.rpartition("@")
    if not (name and at and host) or any(sign.isspace() or sign in "<>,;\"'\x00" for sign in recipient):
        raise ValueError("a recipient is one mail address or one http(s) address")
    return "smtp"


def find_topic(name: str) -> Topic:
    """The topic of this name; raises UnknownTopic."""
    try:
        return topics()[name]
    except KeyError:
        raise UnknownTopic(f"{name!r} is no topic; add messages/{name}.txt beside {__name__}") from None


@lru_cache(maxsize=1)
def topics() -> Mapping[str, Topic]:
    """Every topic by name."""
    return {path.stem: _parse(path) for path in sorted(FOLDER.glob("*.txt"))}


def _parse(path: Path) -> Topic:
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines())
    secrets = frozenset(headers.get("Secret", "").split())
    return Topic(path.stem, Template(headers["Subject"]), Template(body), secrets, "Guarded" in headers)
