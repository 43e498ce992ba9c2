"""The worker behind the outbox: claims what is due, sends it, keeps what the other side said.

A claim is a lease, committed before anything is sent, so no transaction is open while the network is waited for.
A process killed between sending and noting sends again once the lease is over: at least once, under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from typing import Any

import aiosmtplib
import httpx
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from api.services.connections import AWAY_OR_READ_ONLY, Pool
from api.services.delivery_hooks import Refused, call_hook
from api.services.delivery_mail import MailServer, send_mail
from api.services.outbox import HIDDEN, Channel, File, Message, find_topic, topics
from api.services.report_mail import Withdrawn, load_files, note_report, withdraw
from ims.settings import Settings

logger = logging.getLogger(__name__)
ATTEMPTS = 10
AT_ONCE = 10
LEASE_SECONDS = 90
SEND_SECONDS = 60.0  # less than the lease: whoever sends still holds it
FIRST_PAUSE = 60.0  # then 2, 4, … 256 minutes: a server that is away for a night is still reached
POLL_SECONDS = 5.0
CLAIM = """
    UPDATE outbox_messages m SET attempts = attempts + 1, available_at = now() + make_interval(secs => %(lease)s)
     WHERE message_id IN (
           SELECT message_id FROM outbox_messages
            WHERE state = 'pending' AND available_at <= now() AND channel = ANY(%(channels)s)
            ORDER BY available_at LIMIT %(at_once)s FOR UPDATE SKIP LOCKED)
    RETURNING message_id, topic, channel, recipient, subject, payload, attempts, created_at
"""
NOTE = """
    INSERT INTO outbox_deliveries (message_id, attempt, is_delivered, error, receipt)
    VALUES (%(message)s, %(attempt)s, %(is_delivered)s, %(error)s, %(receipt)s)
"""
DELIVERED = """
    UPDATE outbox_messages SET state = 'delivered', delivered_at = now(), receipt = %(receipt)s, last_error = NULL,
           payload = payload || %(blank)s
     WHERE message_id = %(message)s AND state <> 'delivered'
"""
# not when another process has claimed it since
FAILED = """
    UPDATE outbox_messages
       SET last_error = %(error)s, state = CASE WHEN attempts >= %(most)s THEN 'dead' ELSE state END,
           available_at = now() + make_interval(secs => %(pause)s)
     WHERE message_id = %(message)s AND attempts = %(attempt)s AND state = 'pending'
"""
# due now, with all attempts before it
RETRY = """
    UPDATE outbox_messages SET state = 'pending', attempts = 0, available_at = now()
     WHERE message_id = %s AND state <> 'delivered'
"""
ERRORS = (aiosmtplib.SMTPException, httpx.HTTPError, httpx.InvalidURL, Refused, OSError, LookupError, ValueError)


def channels_of(settings: Settings) -> list[Channel]:
    """The channels that these settings can serve; messages of others wait."""
    served: list[Channel] = []
    if settings.smtp_url is not None:
        served.append("smtp")
    if settings.webhook_secret is not None:
        served.append("webhook")
    return served


async def deliver_due(pool: Pool, settings: Settings) -> int:
    """Send everything that is due, ten at a time; how many were delivered. Several processes may do so at once."""
    delivered = 0
    while claimed := await _claim(pool, channels_of(settings)):
        delivered += sum(await asyncio.gather(*(_deliver(pool, settings, each) for each in claimed)))
    return delivered


async def run_worker(pool: Pool, settings: Settings, stop: asyncio.Event) -> None:
    """Deliver until `stop` is set: at once when a message is written, and every few seconds for those tried again."""
    woken = asyncio.Event()
    assert isinstance(pool.conninfo, str), "the pool of create_pool"
    listener = asyncio.create_task(_listen(pool.conninfo, woken))
    try:
        while not stop.is_set():
            woken.clear()
            try:
                await deliver_due(pool, settings)
            except AWAY_OR_READ_ONLY as error:
                logger.warning("the outbox waits for the database", extra={"error": type(error).__name__})
            await _wait(stop, woken)
    finally:
        listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listener


async def _claim(pool: Pool, channels: list[Channel]) -> list[Message]:
    values = {"lease": LEASE_SECONDS, "channels": channels, "at_once": AT_ONCE}
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(Message)) as cursor:
        await cursor.execute(CLAIM, values)
        return await cursor.fetchall()


async def _deliver(pool: Pool, settings: Settings, message: Message) -> bool:
    receipt: dict[str, Any] | None = None
    error: str | None = None
    is_guarded = message.topic in topics() and topics()[message.topic].is_guarded
    try:
        async with asyncio.timeout(SEND_SECONDS):
            receipt = await _send(settings, message, await load_files(pool, message) if is_guarded else ())
    except Withdrawn as why:
        await withdraw(pool, message, str(why))
        return False
    except ERRORS as failure:  # TimeoutError is an OSError
        error = f"{type(failure).__name__}: {' '.join(str(failure).split())}"[:500].replace("\x00", "�")
        logger.warning(
            "a message was not delivered",
            extra={"message_id": str(message.message_id), "topic": message.topic, "attempt": message.attempts},
        )
    async with pool.connection() as connection, connection.transaction():
        await _note(connection, message, receipt, error)
        if is_guarded:
            await note_report(connection, message)
    return error is None


async def _send(settings: Settings, message: Message, files: Sequence[File]) -> dict[str, Any]:
    if message.channel == "smtp":
        assert settings.smtp_url is not None
        server = MailServer.parse(settings.smtp_url.get_secret_value())
        return await send_mail(server, settings.mail_from, message, files)
    assert settings.webhook_secret is not None
    allowed = frozenset(settings.webhook_hosts.split())
    return await call_hook(settings.webhook_secret.get_secret_value(), allowed, message)


async def _note(
    connection: psycopg.AsyncConnection[Any], message: Message, receipt: dict[str, Any] | None, error: str | None
) -> None:
    values: dict[str, Any] = {
        "message": message.message_id,
        "attempt": message.attempts,
        "is_delivered": error is None,
        "error": error,
        "receipt": None if receipt is None else Jsonb(receipt),
    }
    await connection.execute(NOTE, values)
    if error is None:
        secrets = find_topic(message.topic).secrets & message.payload.keys()
        await connection.execute(DELIVERED, {**values, "blank": Jsonb(dict.fromkeys(secrets, HIDDEN))})
    else:
        await connection.execute(FAILED, {**values, "most": ATTEMPTS, "pause": pause_after(message.attempts)})


def pause_after(attempt: int) -> float:
    """Seconds until the next attempt: doubled each time, and spread so that failures do not come back together."""
    return FIRST_PAUSE * float(2 ** (attempt - 1)) * random.uniform(0.75, 1.25)  # nosec B311


async def _listen(conninfo: str, woken: asyncio.Event) -> None:
    """Set `woken` when some transaction has written a message. Its connection is its own, and is made anew."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
                await connection.execute("LISTEN ims_outbox")
                async for _ in connection.notifies():
                    woken.set()
        except AWAY_OR_READ_ONLY:
            await asyncio.sleep(POLL_SECONDS)


async def _wait(stop: asyncio.Event, woken: asyncio.Event) -> None:
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(woken.wait())]
    await asyncio.wait(waits, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for each in waits:
        each.cancel()
