"""The administrator account: made on first start, its password reset on demand. Reads and writes `users`.

A password leaves this module once, as a return value, for a terminal; it is neither stored in clear nor logged.
"""

from __future__ import annotations

from typing import Any

import psycopg

from api.identity.passwords import generate_password, hash_password

ADMIN = "admin"


def ensure_admin(url: str) -> str | None:
    """Make the user `admin` where no user exists yet; its password, or None when there was someone already."""
    password = generate_password()
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT 1 FROM users LIMIT 1").fetchone():
            return None
        made = connection.execute(
            "INSERT INTO users (username, password_hash) VALUES (%s, %s) ON CONFLICT (username) DO NOTHING "
            "RETURNING user_id",
            (ADMIN, hash_password(password)),
        ).fetchone()
        if made is not None:
            connection.execute("INSERT INTO user_roles (user_id, role) VALUES (%s, 'superadmin')", made)
    # two processes may start at once: only the one whose row was kept knows the password
    return password if made else None


def reset_admin_password(url: str) -> str:
    """Give `admin` a new random password and its role back, end its sessions, and return the password."""
    password = generate_password()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO users (username, password_hash) VALUES (%s, %s) ON CONFLICT (username) DO NOTHING",
            (ADMIN, hash_password(password)),
        )
        user_id = set_password(connection, ADMIN, password, "password reset from the command line")
        connection.execute(
            "INSERT INTO user_roles (user_id, role) VALUES (%s, 'superadmin') ON CONFLICT DO NOTHING", (user_id,)
        )
    return password


def set_password(connection: psycopg.Connection[Any], username: str, password: str, reason: str) -> int | None:
    """Give a user a password, open the account again, and end its sessions; None when there is no such user."""
    row = connection.execute(
        "UPDATE users SET password_hash = %s, password_changed_at = now(), is_active = true, failed_attempts = 0, "
        "locked_until = NULL WHERE username = %s RETURNING user_id",
        (hash_password(password), username),
    ).fetchone()
    if row is None:
        return None
    connection.execute(
        "UPDATE user_sessions SET revoked_at = now(), revoked_reason = %s WHERE user_id = %s AND revoked_at IS NULL",
        (reason, row[0]),
    )
    return int(row[0])
