"""How a user gets in: a mailed link, a temporary password told once, an opened lock; and the sessions they have open.

A temporary password leaves here once, as the answer; it is neither kept in clear, nor logged, nor audited.
"""

from __future__ import annotations

import asyncio
import secrets

from api.identity.password_changes import ASK, MINUTES
from api.identity.passwords import generate_password, hash_password
from api.identity.sessions import end_sessions, hash_token, list_sessions
from api.refusals import Conflict, NotFound, NotPermitted
from api.services.action import Action, Row
from ims.settings import get_settings

STORE = """
    UPDATE users SET password_hash = %(hash)s, password_changed_at = now(), must_change_password = true,
        failed_attempts = 0, locked_until = NULL WHERE user_id = %(user_id)s"""


async def hash_of_nothing() -> str:
    """The hash of a password that nobody knows: such an account takes as long to refuse as any other."""
    return await asyncio.to_thread(hash_password, secrets.token_urlsafe())


async def send_link(action: Action, user_id: int, username: str, email: str, topic: str) -> None:
    """Mail a link that sets a password, once and for a short while; earlier ones end."""
    token = secrets.token_urlsafe(32)
    await action.execute("DELETE FROM password_resets WHERE user_id = %(user_id)s", user_id=user_id)
    await action.connection.execute(ASK, (hash_token(token), user_id, MINUTES))
    link = f"{get_settings().web_address}/reset-password?token={token}"
    action.notify(topic, email, {"username": username, "minutes": MINUTES, "token": token, "link": link})


async def send_reset(action: Action, user: Row) -> None:
    """Mail the user a link to set a new password. Raises Conflict without an address or for who is switched off."""
    if not user["is_active"]:
        raise Conflict("user-inactive", f"{user['username']} is switched off; switch the account on first.")
    if not user["email"]:
        raise Conflict("no-address", f"{user['username']} has no mail address; give a temporary password instead.")
    await send_link(action, user["user_id"], user["username"], user["email"], "password.reset")
    action.note("password.reset_requested", "user", user["user_id"], after={"is_sent": True})


async def set_temporary_password(action: Action, user: Row) -> Row:
    """Give the user a random password, to be changed at the first sign-in; their sessions end."""
    if user["user_id"] == action.user.user_id:
        raise NotPermitted("own-account", "Change your own password under /account, with the present one.")
    password = generate_password()
    password_hash = await asyncio.to_thread(hash_password, password)
    await action.execute(STORE, hash=password_hash, user_id=user["user_id"])
    await action.execute("DELETE FROM password_resets WHERE user_id = %(user_id)s", user_id=user["user_id"])
    ended = await end_sessions(action.connection, user["user_id"], "temporary password given")
    after = {"is_temporary": True, "sessions_ended": len(ended)}
    action.note("password.reset", "user", user["user_id"], after=after)
    return {"user_id": user["user_id"], "temporary_password": password}


async def unlock(action: Action, user: Row) -> None:
    """Open an account that wrong passwords have locked."""
    await action.execute(
        "UPDATE users SET failed_attempts = 0, locked_until = NULL WHERE user_id = %(user_id)s", user_id=user["user_id"]
    )
    said = {"is_locked": False}
    action.note("user.unlocked", "user", user["user_id"], before={"is_locked": user["is_locked"]}, after=said)


async def list_open_sessions(action: Action, user_id: int) -> Row:
    """The user's open sessions, the newest first."""
    return {"items": await list_sessions(action.connection, user_id)}


async def revoke_sessions(action: Action, user: Row, session_id: int | None = None) -> None:
    """End one session of the user, or all. Raises NotFound for one that is not open."""
    ended = await end_sessions(action.connection, user["user_id"], "ended by an administrator", only=session_id)
    if session_id is not None and not ended:
        raise NotFound("unknown-session", f"{user['username']} has no open session {session_id}.")
    for each in ended:
        action.note("session.revoked", "session", each, after={"user_id": user["user_id"]})
