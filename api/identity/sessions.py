"""Sessions: who a token or a session id stands for, how a session begins and how it ends. Holds the SQL, no cache.

A browser has a random 256-bit token, whose SHA-256 lies in `user_sessions`; a program's tokens name its session.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from api.identity.principal import SignedIn
from ims.settings import get_settings

Connection = psycopg.AsyncConnection[Any]
COOKIE = "ims_session"
SECURE_COOKIE = "__Host-ims_session"  # the browser itself refuses it over http, or from another host of the domain
UNATTENDED = "ims-unattended"  # header of a request that is nobody's doing, as when an open page draws itself anew
# a program has nobody who could walk away: its tokens last minutes, each refresh proves it anew
IS_OPEN = """
s.revoked_at IS NULL AND s.expires_at > now() AND (s.kind <> 'browser'
    OR coalesce(s.last_seen_at, s.created_at) > now() - make_interval(mins => %(idle_minutes)s))
"""
FIND = f"""
SELECT u.user_id, u.username, s.session_id, s.expires_at,
    ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.user_id) AS roles,
    ARRAY(SELECT permission FROM user_grants g WHERE g.user_id = u.user_id) AS permissions,
    ARRAY(SELECT store_id FROM user_stores o WHERE o.user_id = u.user_id) AS store_ids,
    ARRAY(SELECT store_code FROM user_stores o JOIN stores USING (store_id) WHERE o.user_id = u.user_id) AS store_codes
FROM user_sessions s JOIN users u USING (user_id)
WHERE {IS_OPEN} AND u.is_active AND
"""
FIND_BY_TOKEN = FIND + "s.token_hash = %(key)s"
FIND_BY_ID = FIND + "s.session_id = %(key)s AND s.kind = 'api'"
ISSUE = """
INSERT INTO user_sessions (token_hash, kind, user_id, expires_at, address, user_agent, last_seen_at)
VALUES (%s, %s, %s, now() + make_interval(hours => %s), %s, %s, now()) RETURNING session_id
"""
END = """
UPDATE user_sessions SET revoked_at = now(), revoked_reason = %(reason)s
WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > now()
    AND (%(only)s::bigint IS NULL OR session_id = %(only)s) AND session_id IS DISTINCT FROM %(but)s::bigint
RETURNING session_id
"""

LIST = f"""
SELECT session_id, kind, created_at, last_seen_at, expires_at, address, user_agent FROM user_sessions s
WHERE user_id = %(user_id)s AND {IS_OPEN} ORDER BY session_id DESC LIMIT 200
"""


def hash_token(token: str) -> str:
    """What is stored of a token: a stolen table opens no door."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def cookie_name(is_secure: bool) -> str:
    """The session cookie's name; under https only the one that a browser guards."""
    return SECURE_COOKIE if is_secure else COOKIE


async def issue_session(
    connection: Connection,
    user_id: int,
    hours: int,
    *,
    kind: str = "browser",
    address: str | None = None,
    user_agent: str | None = None,
) -> tuple[int, str]:
    """A new session of that user: its id, and the token to give to a browser (programs get their own tokens)."""
    token = secrets.token_urlsafe(32)
    token_hash = hash_token(token) if kind == "browser" else None
    values = (token_hash, kind, user_id, hours, address, (user_agent or "")[:300] or None)
    row = await (await connection.execute(ISSUE, values)).fetchone()
    assert row is not None
    return int(row[0]), token


async def find_session(connection: Connection, key: str | int) -> SignedIn | None:
    """Who a token's hash, or a program's session id, stands for.

    None when the session is unknown, expired, revoked or was not used for too long, or its user was switched off.
    """
    row = await (await connection.execute(_query(key), {"key": key, **_limits()})).fetchone()
    return None if row is None else _signed_in(row)


def read_session(connection: psycopg.Connection[Any], token: str) -> SignedIn | None:
    """`find_session` of a browser's token for a view, which runs in a thread of its own."""
    row = connection.execute(FIND_BY_TOKEN, {"key": hash_token(token), **_limits()}).fetchone()
    return None if row is None else _signed_in(row)


async def end_sessions(
    connection: Connection, user_id: int, reason: str, *, only: int | None = None, but: int | None = None
) -> list[int]:
    """End all sessions of the user, only one, or all but one; the ids of those that ended now."""
    values = {"user_id": user_id, "reason": reason, "only": only, "but": but}
    return [int(row[0]) for row in await (await connection.execute(END, values)).fetchall()]


async def list_sessions(connection: Connection, user_id: int) -> list[dict[str, Any]]:
    """The user's open sessions, the newest first, as rows of `user_sessions` without their tokens."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(LIST, {"user_id": user_id, **_limits()})
        return await cursor.fetchall()


def _limits() -> dict[str, int]:
    return {"idle_minutes": get_settings().session_idle_minutes}


def _query(key: str | int) -> str:
    return FIND_BY_TOKEN if isinstance(key, str) else FIND_BY_ID


def _signed_in(row: Sequence[Any]) -> SignedIn:
    user_id, username, session_id, expires_at, roles, permissions, store_ids, store_codes = row
    return SignedIn(
        user_id=user_id,
        username=username,
        roles=frozenset(roles),
        session_id=session_id,
        expires_at=expires_at,
        store_ids=frozenset(store_ids),
        store_codes=frozenset(store_codes),
        permissions=frozenset(permissions),
    )
