"""Forgets what has served its time: answers to repeated requests, old messages, ended sessions, spent limits.

Runs nightly as the owner of the tables. The audit log has its own retention, by whole months (`audit_retention`).
"""

from __future__ import annotations

from typing import Any

import psycopg

from api.identity.upkeep import forget_ended

KEY_DAYS = 7
ALERT_DAYS = 90  # alerts as publications raised them; what people did about them stays
MESSAGE_DAYS = 90  # who was told what, for as long as somebody may ask
STATEMENTS = {
    "idempotency keys": (
        "DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(days => %s)",
        KEY_DAYS,
    ),
    # a message that was given up may hold a secret that was never sent
    "payloads of dead messages": (
        "UPDATE outbox_messages SET payload = '{}' WHERE state = 'dead' AND payload <> '{}'"
        " AND created_at < now() - make_interval(days => %s)",
        KEY_DAYS,
    ),
    # what a mail brings is gone with its delivery; of one that was given up, with its payload
    "files of dead messages": (
        "DELETE FROM outbox_attachments AS a USING outbox_messages AS m WHERE m.message_id = a.message_id"
        " AND m.state = 'dead' AND m.created_at < now() - make_interval(days => %s)",
        KEY_DAYS,
    ),
    "alerts": (
        "DELETE FROM alerts WHERE created_at < now() - make_interval(days => %s)"
        " AND publication_id <> (SELECT publication_id FROM publication_pointer)",
        ALERT_DAYS,
    ),
    "messages": (
        "DELETE FROM outbox_messages WHERE state <> 'pending' AND created_at < now() - make_interval(days => %s)",
        MESSAGE_DAYS,
    ),
}


async def purge(connection: psycopg.AsyncConnection[Any]) -> dict[str, int]:
    """Forget, each kind in a transaction of its own; rows touched by kind."""
    touched = {}
    for name, (statement, days) in STATEMENTS.items():
        async with connection.transaction():
            touched[name] = (await connection.execute(statement.encode(), (days,))).rowcount
    async with connection.transaction():
        await forget_ended(connection)
    return touched
