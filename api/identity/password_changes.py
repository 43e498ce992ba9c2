"""New passwords: by their owner, or by a one-time token that was sent to the account's address."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from typing import Any

import psycopg

from api.identity.accounts import Account, find_account, read_account
from api.identity.door import Door
from api.identity.journal import note
from api.identity.password_rules import fault_of
from api.identity.principal import Origin, SignedIn
from api.identity.sessions import end_sessions, hash_token
from api.identity.signing_in import confirm_password, within_limit, wrong_credentials
from api.refusals import Fault, Invalid, NotPermitted, Unavailable
from api.services.outbox import enqueue

logger = logging.getLogger("ims.web")
Connection = psycopg.AsyncConnection[Any]
MINUTES = 30
STORE = """
UPDATE users SET password_hash = %s, password_changed_at = now(), must_change_password = false, failed_attempts = 0,
    locked_until = NULL
WHERE user_id = %s AND is_active RETURNING user_id
"""
ASK = """
INSERT INTO password_resets (token_hash, user_id, expires_at) VALUES (%s, %s, now() + make_interval(mins => %s))
"""
WHOSE = "SELECT user_id FROM password_resets WHERE token_hash = %s AND used_at IS NULL AND expires_at > now()"
TAKE = """
UPDATE password_resets SET used_at = now()
WHERE token_hash = %s AND used_at IS NULL AND expires_at > now() RETURNING user_id
"""
EMAIL = "SELECT email FROM users WHERE user_id = %s"


@dataclass(frozen=True)
class Ended:
    """Whose password changed, and which sessions ended with it."""

    user_id: int
    session_ids: list[int]


async def refuse_weak(door: Door, password: str, username: str, where: str = "password") -> None:
    """Raises Invalid when the password breaks a rule, Unavailable when a list of breached ones cannot be read."""
    try:
        fault = await asyncio.to_thread(fault_of, password, username, door.settings.breached_passwords_file)
    except OSError as error:
        logger.exception("the file of breached passwords cannot be read")
        text = "IMS cannot look whether this password is known from a breach, so it stays as it was. Try again later."
        raise Unavailable("no-breached-passwords", text, retry_after=60) from error
    if fault is not None:
        raise Invalid("weak-password", fault, Fault(where, fault))


def refuse_difference(password: str, again: str | None) -> None:
    """Raises Invalid when a form that asks twice was given two different passwords."""
    if again is not None and password != again:
        text = "The new password and its repetition differ."
        raise Invalid("passwords-differ", text, Fault("again", text))


async def change_password(door: Door, origin: Origin, user: SignedIn, current: str, new: str) -> Ended:
    """The user's own change: needs the current password, ends the other sessions."""
    account = await confirm_password(door, origin, user, current)
    await refuse_weak(door, new, account.username, "new_password")
    return await store_password(door, origin, account, new, "password.changed", but=user.session_id)


async def ask_reset(door: Door, origin: Origin, username: str) -> None:
    """Send a one-time token to the account's address, if there is such an account with one; says nothing either way."""
    async with door.pool.connection() as connection, connection.transaction():
        account = await find_account(connection, username.strip()[:200].replace("\x00", ""))
        if account is None or not account.is_active:
            await note(connection, "password.reset_requested", origin, after={"reason": "unknown account"})
            return
        row = await (await connection.execute(EMAIL, (account.user_id,))).fetchone()
        if row is not None and row[0]:
            token = secrets.token_urlsafe(32)
            await connection.execute("DELETE FROM password_resets WHERE user_id = %s", (account.user_id,))
            await connection.execute(ASK, (hash_token(token), account.user_id, MINUTES))
            # the address comes from the settings, never from the request: a forged Host must not receive the token
            link = f"{door.settings.web_address}/reset-password?token={token}"
            payload = {"username": account.username, "minutes": MINUTES, "token": token, "link": link}
            await enqueue(connection, "password.reset", row[0], payload)
        sent = {"is_sent": row is not None and bool(row[0])}
        await note(connection, "password.reset_requested", origin, account, after=sent)


async def confirm_reset(door: Door, origin: Origin, token: str, password: str) -> Ended:
    """Set a new password with a token that was sent; it works once, and ends every session."""
    token_hash = hash_token(token)
    await within_limit(door, door.reset_limit, origin, token_hash)
    async with door.pool.connection() as connection:
        row = await (await connection.execute(WHOSE, (token_hash,))).fetchone()
        account = await read_account(connection, row[0]) if row else None
    if account is None or not account.is_active:
        raise NotPermitted("wrong-reset-token", "This link was used already, or is too old. Ask for another one.")
    await refuse_weak(door, password, account.username)
    return await store_password(door, origin, account, password, "password.reset", token_hash=token_hash)


async def store_password(
    door: Door,
    origin: Origin,
    account: Account,
    password: str,
    kind: str,
    *,
    but: int | None = None,
    token_hash: str | None = None,
) -> Ended:
    """Store the password, end the sessions (`but` one), take the reset token; all of it or nothing, audited."""
    password_hash = await door.hash_password(password)
    async with door.pool.connection() as connection, connection.transaction():
        if token_hash is not None and await (await connection.execute(TAKE, (token_hash,))).fetchone() is None:
            raise NotPermitted("wrong-reset-token", "This link was used already, or is too old. Ask for another one.")
        if await (await connection.execute(STORE, (password_hash, account.user_id))).fetchone() is None:
            raise wrong_credentials()
        ended = await end_sessions(connection, account.user_id, "password changed", but=but)
        await note(connection, kind, origin, account, after={"sessions_ended": len(ended)})
    for session_id in ended:
        door.directory.drop(session_id=session_id)
    return Ended(account.user_id, ended)
