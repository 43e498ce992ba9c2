"""The administrator account: made on first start, its password reset on demand. Reads and writes `users`.

A password leaves this module once, as a return value, for a terminal; it is neither stored in clear nor logged.
"""

from __future__ import annotations

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
            "INSERT INTO users (username, password_hash, role) VALUES (%s, %s, 'superadmin') "
            "ON CONFLICT (username) DO NOTHING RETURNING user_id",
            (ADMIN, hash_password(password)),
        ).fetchone()
    # two processes may start at once: only the one whose row was kept knows the password
    return password if made else None


def reset_admin_password(url: str) -> str:
    """Give `admin` a new random password, end its sessions, and return the password."""
    password = generate_password()
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "INSERT INTO users (username, password_hash, role) VALUES (%s, %s, 'superadmin') ON CONFLICT (username) "
            "DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role, is_active = true "
            "RETURNING user_id",
            (ADMIN, hash_password(password)),
        ).fetchone()
        connection.execute("UPDATE user_sessions SET revoked_at = now() WHERE user_id = %s AND revoked_at IS NULL", row)
    return password
