"""Accounts as signing in sees them: their hash, lock and second factor, and the statements that change these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.AsyncConnection[Any]
LOCK_AFTER = 10
LOCK_MINUTES = 15
COLUMNS = """
SELECT user_id, username, password_hash, is_active, coalesce(locked_until > now(), false), password_changed_at,
    must_change_password, totp_secret, totp_confirmed_at IS NOT NULL,
    ARRAY(SELECT role FROM user_roles r WHERE r.user_id = users.user_id)
FROM users WHERE
"""
# the tenth failure in a row locks; a lock that ran out starts the count anew
FAIL = """
UPDATE users SET
    failed_attempts = CASE WHEN failed_attempts + 1 >= %(most)s THEN 0 ELSE failed_attempts + 1 END,
    locked_until = CASE WHEN failed_attempts + 1 >= %(most)s
        THEN now() + make_interval(mins => %(minutes)s) ELSE locked_until END
WHERE user_id = %(user_id)s AND (locked_until IS NULL OR locked_until <= now())
RETURNING coalesce(locked_until > now(), false)
"""
# takes the row's lock, as a change of the password does: neither misses the other
ADMIT = """
UPDATE users SET failed_attempts = 0, locked_until = NULL
WHERE user_id = %s AND is_active AND password_changed_at = %s AND (locked_until IS NULL OR locked_until <= now())
RETURNING user_id
"""
# the password is the same, so its age and its sessions stay; one that was changed meanwhile is left alone
RENEW = "UPDATE users SET password_hash = %s WHERE user_id = %s AND password_hash = %s"


@dataclass(frozen=True)
class Account:
    """One row of `users` with its roles. `has_totp`: a second factor is confirmed, so a code is asked for."""

    user_id: int
    username: str
    password_hash: str
    is_active: bool
    is_locked: bool
    password_changed_at: dt.datetime
    must_change_password: bool
    totp_secret: bytes | None
    has_totp: bool
    roles: frozenset[str]

    @property
    def is_open(self) -> bool:
        """Whether anyone can sign in to it now."""
        return self.is_active and not self.is_locked


async def find_account(connection: Connection, username: str) -> Account | None:
    """The account of that name, whatever its state."""
    return _account(await (await connection.execute(COLUMNS + "username = %s", (username,))).fetchone())


async def read_account(connection: Connection, user_id: int) -> Account | None:
    """The account with that id."""
    return _account(await (await connection.execute(COLUMNS + "user_id = %s", (user_id,))).fetchone())


async def count_failure(connection: Connection, user_id: int) -> bool:
    """Count a failed attempt; whether it locked the account."""
    values = {"user_id": user_id, "most": LOCK_AFTER, "minutes": LOCK_MINUTES}
    row = await (await connection.execute(FAIL, values)).fetchone()
    return bool(row and row[0])


async def admit(connection: Connection, account: Account) -> bool:
    """Whether the account still is what its password was checked against; its failures are forgotten then."""
    values = (account.user_id, account.password_changed_at)
    return await (await connection.execute(ADMIT, values)).fetchone() is not None


async def renew_hash(connection: Connection, account: Account, password_hash: str) -> None:
    """Keep the same password by another hash."""
    await connection.execute(RENEW, (password_hash, account.user_id, account.password_hash))


def _account(row: Sequence[Any] | None) -> Account | None:
    if row is None:
        return None
    return Account(*(*row[:-1], frozenset(row[-1])))
