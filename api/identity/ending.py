"""Ending one's own sessions from afar, audited, and forgotten by this process at once.

Who finds an open session may not end the others of its owner: that takes signing in again.
"""

from __future__ import annotations

from api.identity.door import Door
from api.identity.journal import note
from api.identity.principal import Origin, SignedIn
from api.identity.sessions import end_sessions
from api.identity.signing_in import confirm_password
from api.refusals import NotFound, NotPermitted

REASON = "ended by its owner"
FRESH_MINUTES = 10
IS_FRESH = "SELECT created_at > now() - make_interval(mins => %s) FROM user_sessions WHERE session_id = %s"


async def sign_in_again(door: Door, origin: Origin, user: SignedIn, password: str | None) -> None:
    """Prove that it is the user who asks: by the password, or by a session begun in the last ten minutes.

    Raises TooMany or NotPermitted.
    """
    if password is not None:
        await confirm_password(door, origin, user, password)
        return
    async with door.pool.connection() as connection:
        row = await (await connection.execute(IS_FRESH, (FRESH_MINUTES, user.session_id))).fetchone()
    if row is None or not row[0]:
        raise NotPermitted(
            "sign-in-again",
            f"Sign in again: other sessions are ended by one that is {FRESH_MINUTES} minutes old at most.",
        )


async def end_own_session(door: Door, origin: Origin, user: SignedIn, session_id: int) -> None:
    """End one open session of the user. Raises NotFound: another user's session is as unknown as one that never was."""
    async with door.pool.connection() as connection, connection.transaction():
        if not await end_sessions(connection, user.user_id, REASON, only=session_id):
            raise NotFound("unknown-session", f"You have no open session {session_id}.")
        await note(connection, "session.revoked", origin, user, session_id=session_id)
    door.directory.drop(session_id=session_id)


async def end_other_sessions(door: Door, origin: Origin, user: SignedIn) -> int:
    """End every session of the user but the one that asks; how many."""
    async with door.pool.connection() as connection, connection.transaction():
        ended = await end_sessions(connection, user.user_id, REASON, but=user.session_id)
        for session_id in ended:
            await note(connection, "session.revoked", origin, user, session_id=session_id)
    for session_id in ended:
        door.directory.drop(session_id=session_id)
    return len(ended)
