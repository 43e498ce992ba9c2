"""Refresh tokens: each is good for one new pair of tokens. One that comes back used ends its session.

Whoever stole a token and its owner will both use it; whichever comes second gives the theft away.
"""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass
from typing import Any

import psycopg

from api.identity.sessions import end_sessions, hash_token

Connection = psycopg.AsyncConnection[Any]
ADD = """
INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
SELECT %s, session_id, expires_at FROM user_sessions WHERE session_id = %s
"""
# the row lock makes one of two simultaneous requests the second
LOOK = """
SELECT r.used_at IS NOT NULL, r.expires_at > now() AND s.expires_at > now() AND s.revoked_at IS NULL AND u.is_active,
    s.session_id, u.user_id, u.username, ARRAY(SELECT role FROM user_roles o WHERE o.user_id = u.user_id)
FROM refresh_tokens r JOIN user_sessions s USING (session_id) JOIN users u USING (user_id)
WHERE r.token_hash = %s FOR UPDATE OF r
"""
USE = "UPDATE refresh_tokens SET used_at = now() WHERE token_hash = %s"


class State(enum.Enum):
    """What a refresh token turned out to be."""

    FRESH = "fresh"
    REUSED = "reused"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Owner:
    """The session a refresh token belongs to, and whose it is."""

    session_id: int
    user_id: int
    username: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Refreshed:
    """The outcome; `token` is the next refresh token when the one presented was fresh."""

    state: State
    owner: Owner | None = None
    token: str | None = None


async def add_refresh_token(connection: Connection, session_id: int) -> str:
    """A refresh token that lasts as long as its session."""
    token = secrets.token_urlsafe(32)
    await connection.execute(ADD, (hash_token(token), session_id))
    return token


async def use_refresh_token(connection: Connection, token: str) -> Refreshed:
    """Take a refresh token, within the caller's transaction; a reused one ends its session."""
    token_hash = hash_token(token)
    row = await (await connection.execute(LOOK, (token_hash,))).fetchone()
    if row is None:
        return Refreshed(State.UNKNOWN)
    is_used, is_open, session_id, user_id, username, roles = row
    owner = Owner(session_id, user_id, username, frozenset(roles))
    if is_used:
        await end_sessions(connection, user_id, "refresh token reused", only=session_id)
        return Refreshed(State.REUSED, owner)
    if not is_open:
        return Refreshed(State.ENDED, owner)
    await connection.execute(USE, (token_hash,))
    return Refreshed(State.FRESH, owner, await add_refresh_token(connection, session_id))
