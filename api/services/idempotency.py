"""Answers that were given, by user and Idempotency-Key: kept in the transaction that did the work.

The same request twice at once: the second waits for the first, and gets its answer. Without that it would be told that
the goods are gone which the first has just taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.services.action import Action

ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 4))"


@dataclass(frozen=True)
class Kept:
    """The answer to an earlier request with the same key."""

    request_hash: bytes
    status: int
    content: bytes


async def find(action: Action, key: str) -> Kept | None:
    """What was answered under this key of this user, once nobody else is at work on it. The first lock of all."""
    await action.execute(ALONE, name=f"{action.user.user_id} {key}")
    row = await action.row(
        "SELECT request_hash, status, content FROM idempotency_keys WHERE user_id = %(user)s AND key = %(key)s",
        user=action.user.user_id,
        key=key,
    )
    return None if row is None else Kept(bytes(row["request_hash"]), row["status"], bytes(row["content"]))


async def keep(action: Action, key: str, request_hash: bytes, status: int, content: bytes) -> None:
    """Keep the answer."""
    await action.execute(
        "INSERT INTO idempotency_keys (user_id, key, request_hash, status, content)"
        " VALUES (%(user)s, %(key)s, %(hash)s, %(status)s, %(content)s)",
        user=action.user.user_id,
        key=key,
        hash=request_hash,
        status=status,
        content=content,
    )
