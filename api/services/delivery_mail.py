"""Mail by SMTP: one message to one server, with the time it may take and what the server said to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from api.services.outbox import File, Message, find_topic

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
SECONDS = 10.0


@dataclass(frozen=True)
class MailServer:
    """Where mail goes: smtp (TLS where the server offers it), smtp+starttls (TLS demanded), smtps (TLS at once)."""

    scheme: str
    host: str
    port: int
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """The server in IMS_SMTP_URL, whose form the settings have checked."""
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        username = unquote(parts.username) if parts.username else None
        return cls(
            parts.scheme, parts.hostname or "", port, username, unquote(parts.password or "") if username else None
        )


async def send_mail(server: MailServer, sender: str, message: Message, files: Sequence[File] = ()) -> dict[str, Any]:
    """Send it with its files; the receipt is what the server answered. Raises aiosmtplib.SMTPException and OSError.

    The Message-ID is the message's own, so that a mail sent twice can be known as one.
    """
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.recipient
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2].rstrip('>')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(find_topic(message.topic).render(message.payload)[1])
    for each in files:
        kind, _, name = each.media_type.partition("/")
        mail.add_attachment(each.content, kind, name, filename=each.name)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_tls=server.scheme == "smtps",
        start_tls={"smtp": None, "smtp+starttls": True, "smtps": False}[server.scheme],
        timeout=SECONDS,
    )
    async with client:
        _, answer = await client.send_message(mail)
    return {"server": f"{server.host}:{server.port}", "answer": answer[:500]}
