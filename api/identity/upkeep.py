"""Keeps the identity tables small and true beside the requests: when sessions were seen, what ended long ago."""

from __future__ import annotations

from typing import Any

import psycopg

Connection = psycopg.AsyncConnection[Any]
KEPT_DAYS = 30
# once a minute each, however busy
SEEN = """
UPDATE user_sessions SET last_seen_at = now()
WHERE session_id = ANY(%s) AND (last_seen_at IS NULL OR last_seen_at < now() - interval '1 minute')
"""
# sessions take their refresh tokens with them
FORGET = (
    "DELETE FROM user_sessions WHERE expires_at < now() - make_interval(days => %s)",
    "DELETE FROM password_resets WHERE expires_at < now() - make_interval(days => %s)",
)
FORGET_LIMITS = "DELETE FROM rate_limits WHERE expires_at < now()"


async def mark_seen(connection: Connection, session_ids: list[int]) -> None:
    """Note that these sessions were used just now; without any, only ask whether the server is there."""
    if session_ids:
        await connection.execute(SEEN, (session_ids,))
    else:
        await connection.execute("SELECT 1")


async def forget_ended(connection: Connection) -> None:
    """Delete sessions and resets that ended more than 30 days ago, and limits that no window reaches."""
    for statement in FORGET:
        await connection.execute(statement, (KEPT_DAYS,))
    await connection.execute(FORGET_LIMITS)
