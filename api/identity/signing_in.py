"""Signing in, whoever asks: limits, password, lock, second factor, and the session at the end. Knows no HTTP.

Every refusal of a name or password is the same one and takes the same time, whether the account exists or is locked.
"""

from __future__ import annotations

import contextlib

from limits.errors import StorageError

from api.identity.accounts import Account, admit, count_failure, find_account, read_account, renew_hash
from api.identity.door import Door
from api.identity.journal import note
from api.identity.limits import AttemptLimit
from api.identity.passwords import needs_rehash
from api.identity.principal import Origin, SignedIn
from api.identity.second_factor import Outcome, check_code
from api.identity.sessions import end_sessions, issue_session
from api.refusals import NotPermitted, Refusal, TooMany


class WrongCredentials(Refusal):
    """The name or password is not right, or the account cannot be used now."""

    status = 401


class WrongCode(Refusal):
    """The code of the second factor is not right, or was used already."""

    status = 401


class Unavailable(Refusal):
    """What counts the attempts is away."""

    status = 503


def wrong_credentials() -> WrongCredentials:
    """The one answer for unknown, wrong, switched off and locked."""
    return WrongCredentials(
        "wrong-credentials",
        "The user name or the password is not right. After ten failures in a row an account rests for 15 minutes.",
    )


async def check_password(door: Door, origin: Origin, username: str, password: str) -> Account:
    """The account that this name and password open. Raises TooMany or WrongCredentials; all of it is audited."""
    name = username.strip()[:200].replace("\x00", "")
    await within_limit(door, door.sign_in_limit, origin, name)
    async with door.pool.connection() as connection:
        account = await find_account(connection, name)
    # the connection is given back before the slow part
    is_right = await door.is_password(account.password_hash if account else None, password)
    if account is None or not account.is_open or not is_right:
        await note_failure(door, origin, account, "session.refused", reason=_why(account))
        raise wrong_credentials()
    if needs_rehash(account.password_hash):
        renewed = await door.hash_password(password)
        async with door.pool.connection() as connection:
            await renew_hash(connection, account, renewed)
    return account


async def check_second_factor(door: Door, origin: Origin, account: Account, code: str) -> None:
    """Check the account's second factor with a code of the app or a backup code. Raises TooMany or WrongCode."""
    await within_limit(door, door.second_step_limit, origin, account.username)
    async with door.pool.connection() as connection, connection.transaction():
        outcome = await check_code(connection, door.totp_vault, account, code)
        if outcome is Outcome.BACKUP:
            await note(connection, "second_factor.backup_used", origin, account)
    if outcome in {Outcome.WRONG, Outcome.REPLAYED}:
        kind = "second_factor.replayed" if outcome is Outcome.REPLAYED else "session.refused"
        await note_failure(door, origin, account, kind, reason="wrong code")
        raise WrongCode("wrong-code", "That code is not right, or was used already. Wait for the next one.")


async def begin_session(
    door: Door, origin: Origin, account: Account, *, kind: str = "browser", replaces: int | None = None
) -> tuple[int, str]:
    """A session for the account (id, browser token), its failures forgotten; raises WrongCredentials when it changed.

    `replaces` is a session of the same browser, which ends: a token known before signing in opens nothing after it.
    """
    hours = door.settings.session_hours if kind == "browser" else door.settings.refresh_token_days * 24
    async with door.pool.connection() as connection, connection.transaction():
        if not await admit(connection, account):
            raise wrong_credentials()
        if replaces is not None:
            await end_sessions(connection, account.user_id, "signed in anew", only=replaces)
        session_id, token = await issue_session(
            connection, account.user_id, hours, kind=kind, address=origin.address, user_agent=origin.user_agent
        )
        await note(connection, "session.opened", origin, account, session_id=session_id, after={"kind": kind})
    with contextlib.suppress(StorageError):
        await door.sign_in_limit.forgive(account.username)
    return session_id, token


async def confirm_password(door: Door, origin: Origin, user: SignedIn, password: str) -> Account:
    """The user's account, once they proved again who they are. Raises TooMany or NotPermitted."""
    await within_limit(door, door.second_step_limit, origin, user.username)
    async with door.pool.connection() as connection:
        account = await read_account(connection, user.user_id)
    if account is None or not await door.is_password(account.password_hash, password):
        await note_failure(door, origin, account, "session.refused", reason="wrong current password")
        raise NotPermitted("wrong-password", "The current password is not right.")
    return account


async def within_limit(door: Door, limit: AttemptLimit, origin: Origin, name: str) -> None:
    """Count an attempt; raises TooMany, which is audited, when there were too many."""
    try:
        wait = await limit.wait_seconds(name, origin.address)
    except StorageError:
        # without counting, guessing would be free
        raise Unavailable("limits-unavailable", "Nobody can sign in now; try again soon.", retry_after=5) from None
    if not wait:
        return
    if door.throttle.allows(origin.address):
        async with door.pool.connection() as connection, connection.transaction():
            account = await find_account(connection, name)
            await note(connection, "session.throttled", origin, account, after={"wait_seconds": wait})
    raise TooMany("too-many-attempts", f"Too many attempts. Try again in {wait} seconds.", retry_after=wait)


async def note_failure(door: Door, origin: Origin, account: Account | None, kind: str, *, reason: str) -> None:
    """Audit a failed attempt, and count it on the account, which it may lock."""
    async with door.pool.connection() as connection, connection.transaction():
        is_locked = account is not None and await count_failure(connection, account.user_id)
        await note(connection, kind, origin, account, after={"reason": reason})
        if is_locked:
            await note(connection, "session.locked", origin, account)


def _why(account: Account | None) -> str:
    if account is None:
        return "unknown account"
    if not account.is_active:
        return "switched off"
    return "locked" if account.is_locked else "wrong password"
