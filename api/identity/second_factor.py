"""The second factor: TOTP codes (RFC 6238: 30 seconds, 6 digits, SHA-1), each good once, and ten backup codes.

The secret is stored encrypted, backup codes hashed (79 random bits each need no slow hash).
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import io
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from api.identity.accounts import Account
from api.identity.passwords import ALPHABET

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

Connection = psycopg.AsyncConnection[Any]
STEP_SECONDS = 30
BACKUP_CODES = 10
TAKE_STEP = """
UPDATE users SET totp_last_step = %(step)s
WHERE user_id = %(user_id)s AND totp_secret IS NOT NULL AND coalesce(totp_last_step, -1) < %(step)s
RETURNING user_id
"""
TAKE_BACKUP = (
    "UPDATE backup_codes SET used_at = now() WHERE user_id = %s AND code_hash = %s AND used_at IS NULL RETURNING 1"
)
ENROL = """
UPDATE users SET totp_secret = %s, totp_last_step = NULL WHERE user_id = %s AND totp_confirmed_at IS NULL RETURNING 1
"""
CONFIRM = "UPDATE users SET totp_confirmed_at = now() WHERE user_id = %s AND totp_confirmed_at IS NULL RETURNING 1"
LEFT = "SELECT count(*) FROM backup_codes WHERE user_id = %s AND used_at IS NULL"
DISABLE = """
UPDATE users SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = NULL
WHERE user_id = %s AND totp_secret IS NOT NULL RETURNING 1
"""


class Outcome(enum.Enum):
    """What a code turned out to be."""

    RIGHT = "right"
    BACKUP = "backup"
    WRONG = "wrong"
    REPLAYED = "replayed"


@dataclass(frozen=True)
class Enrolment:
    """A new secret, to be shown once: as text, as the address that apps read, and that as a QR code (SVG)."""

    secret: str
    uri: str
    qr_svg: str


async def check_code(connection: Connection, vault: Fernet, account: Account, code: str) -> Outcome:
    """Take a code of the app, or a backup code; nothing is taken twice, even by two requests at once."""
    typed = "".join(code.split()).lower()[:64]
    if account.totp_secret is None:
        return Outcome.WRONG
    if len(typed) == 6 and typed.isascii() and typed.isdigit():
        step = matching_step(vault.decrypt(account.totp_secret).decode(), typed)
        if step is None:
            return Outcome.WRONG
        values = {"step": step, "user_id": account.user_id}
        taken = await (await connection.execute(TAKE_STEP, values)).fetchone()
        return Outcome.REPLAYED if taken is None else Outcome.RIGHT
    taken = await (await connection.execute(TAKE_BACKUP, (account.user_id, hash_backup_code(typed)))).fetchone()
    return Outcome.WRONG if taken is None else Outcome.BACKUP


def matching_step(secret: str, code: str, now: float | None = None) -> int | None:
    """The step of 30 seconds whose code this is: the current one, the one before or after; else None."""
    import pyotp

    current = int((time.time() if now is None else now) // STEP_SECONDS)
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    # all three are compared, so that the time taken tells nothing
    matches = [
        step for step in (current - 1, current, current + 1) if hmac.compare_digest(totp.generate_otp(step), code)
    ]
    return matches[-1] if matches else None


async def enrol(connection: Connection, vault: Fernet, user_id: int, username: str) -> Enrolment | None:
    """A new secret, waiting to be confirmed; None when a second factor is in use already."""
    import pyotp

    secret = pyotp.random_base32()
    row = await (await connection.execute(ENROL, (vault.encrypt(secret.encode()), user_id))).fetchone()
    return None if row is None else show_enrolment(secret, username)


def show_enrolment(secret: str, username: str) -> Enrolment:
    """How a secret is shown to its user."""
    import pyotp
    import segno

    uri = pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=username, issuer_name="IMS")
    drawing = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(drawing, kind="svg", scale=4, border=4, xmldecl=False, svgns=True)
    return Enrolment(secret, uri, drawing.getvalue().decode())


async def confirm(connection: Connection, user_id: int) -> list[str] | None:
    """Put the waiting secret to use; ten new backup codes, or None when there was nothing to confirm."""
    if await (await connection.execute(CONFIRM, (user_id,))).fetchone() is None:
        return None
    return await renew_backup_codes(connection, user_id)


async def renew_backup_codes(connection: Connection, user_id: int) -> list[str]:
    """Ten new codes, to be shown once; the earlier ones are gone."""
    codes = [
        "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(BACKUP_CODES)
    ]
    await connection.execute("DELETE FROM backup_codes WHERE user_id = %s", (user_id,))
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO backup_codes (user_id, code_hash) VALUES (%s, %s)",
            [(user_id, hash_backup_code(code)) for code in codes],
        )
    return codes


async def count_backup_codes(connection: Connection, user_id: int) -> int:
    """How many backup codes are still good."""
    row = await (await connection.execute(LEFT, (user_id,))).fetchone()
    return int(row[0]) if row else 0


async def disable(connection: Connection, user_id: int) -> bool:
    """Take the second factor away with its backup codes; whether there was one."""
    await connection.execute("DELETE FROM backup_codes WHERE user_id = %s", (user_id,))
    return await (await connection.execute(DISABLE, (user_id,))).fetchone() is not None


def hash_backup_code(code: str) -> str:
    """What is stored of a backup code, typed with or without its hyphens."""
    return hashlib.sha256(code.replace("-", "").lower().encode(errors="replace")).hexdigest()
