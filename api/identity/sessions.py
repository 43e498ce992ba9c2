"""Sessions: a random 256-bit token in the browser, its SHA-256 in `user_sessions`, an end, and a way to revoke it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import psycopg

COOKIE = "ims_session"
FIND = """
SELECT u.user_id, u.username, u.role, s.expires_at
FROM user_sessions s JOIN users u USING (user_id)
WHERE s.token_hash = %s AND s.revoked_at IS NULL AND s.expires_at > now() AND u.is_active
"""
ISSUE = (
    "INSERT INTO user_sessions (token_hash, user_id, expires_at) VALUES (%s, %s, now() + make_interval(hours => %s))"
)
REVOKE = "UPDATE user_sessions SET revoked_at = now() WHERE token_hash = %s AND revoked_at IS NULL"
ACCOUNT = "SELECT user_id, password_hash FROM users WHERE username = %s AND is_active"


@dataclass(frozen=True)
class SignedIn:
    """Who a valid session belongs to, and until when it lasts."""

    user_id: int
    username: str
    role: str
    expires_at: dt.datetime


def hash_token(token: str) -> str:
    """What is stored of a token: a stolen table opens no door."""
    return hashlib.sha256(token.encode()).hexdigest()


async def find_account(connection: psycopg.AsyncConnection[Any], username: str) -> tuple[int, str] | None:
    """The (user id, password hash) of an active account."""
    row = await (await connection.execute(ACCOUNT, (username,))).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


async def issue_session(connection: psycopg.AsyncConnection[Any], user_id: int, hours: int) -> str:
    """A new session of that user; the token to give to the browser."""
    token = secrets.token_urlsafe(32)
    await connection.execute(ISSUE, (hash_token(token), user_id, hours))
    return token


async def find_session(connection: psycopg.AsyncConnection[Any], token: str) -> SignedIn | None:
    """Who the token belongs to; None when it is unknown, expired, revoked, or its user was switched off."""
    row = await (await connection.execute(FIND, (hash_token(token),))).fetchone()
    return None if row is None else SignedIn(*row)


async def revoke_session(connection: psycopg.AsyncConnection[Any], token: str) -> None:
    """End a session now."""
    await connection.execute(REVOKE, (hash_token(token),))


def read_session(connection: psycopg.Connection[Any], token: str) -> SignedIn | None:
    """`find_session` for a view, which runs in a thread of its own."""
    row = connection.execute(FIND, (hash_token(token),)).fetchone()
    return None if row is None else SignedIn(*row)
