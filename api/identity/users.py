"""Users from the command line: the administrator of a first start, others added, listed, given new passwords.

A password leaves this module once, as a return value, for a terminal; it is neither stored in clear nor logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from api.identity.passwords import generate_password, hash_password
from api.identity.policy import roles as known_roles
from api.services.audit import Event, record_now
from ims.failure import WrongInput

ADMIN = "admin"
LIST = """
SELECT username,
    ARRAY(SELECT role FROM user_roles r WHERE r.user_id = users.user_id ORDER BY role),
    ARRAY(SELECT store_code FROM user_stores o JOIN stores USING (store_id) WHERE o.user_id = users.user_id
          ORDER BY is_primary DESC, store_code),
    is_active
FROM users ORDER BY username
"""


def ensure_admin(url: str) -> str | None:
    """Make the user `admin` while nobody has a role: an imported chain's staff have none. Its password, or None."""
    password = generate_password()
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT 1 FROM user_roles LIMIT 1").fetchone():
            return None
        made = connection.execute(
            "INSERT INTO users (username, password_hash) VALUES (%s, %s) ON CONFLICT (username) DO NOTHING "
            "RETURNING user_id",
            (ADMIN, hash_password(password)),
        ).fetchone()
        if made is not None:
            connection.execute("INSERT INTO user_roles (user_id, role) VALUES (%s, 'superadmin')", made)
            _record(connection, "user.created", made[0], ADMIN, {"roles": ["superadmin"], "reason": "first start"})
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
        connection.execute(
            "INSERT INTO user_roles (user_id, role) SELECT user_id, 'superadmin' FROM users WHERE username = %s "
            "ON CONFLICT DO NOTHING",
            (ADMIN,),
        )
        connection.execute("UPDATE users SET must_change_password = false WHERE username = %s", (ADMIN,))
        set_password(connection, ADMIN, password, "password reset from the command line")
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
    _record(connection, "password.reset", row[0], username, {"reason": reason})
    return int(row[0])


def add_user(url: str, username: str, roles: Sequence[str], store_codes: Sequence[str]) -> str:
    """Add a user with these roles and stores (the first is the primary one); the password, to be changed at once.

    Raises WrongInput that names what is taken or unknown.
    """
    unknown = [role for role in roles if role not in known_roles()]
    if unknown:
        raise WrongInput(f"There is no role {unknown[0]!r}: use one of {', '.join(known_roles())}.")
    if not roles:
        raise WrongInput("A user needs a role: --role manager.")
    if username != username.strip() or not 1 <= len(username) <= 200 or not username.isprintable():
        raise WrongInput("A user name has 1 to 200 printable characters and no spaces around.")
    password = generate_password()
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "INSERT INTO users (username, password_hash, must_change_password) VALUES (%s, %s, true) "
            "ON CONFLICT (username) DO NOTHING RETURNING user_id",
            (username, hash_password(password)),
        ).fetchone()
        if row is None:
            raise WrongInput(f"There is a user {username!r} already; `ims users list` shows everyone.")
        for role in dict.fromkeys(roles):
            connection.execute("INSERT INTO user_roles (user_id, role) VALUES (%s, %s)", (row[0], role))
        for number, code in enumerate(dict.fromkeys(store_codes)):
            added = connection.execute(
                "INSERT INTO user_stores (user_id, store_id, is_primary) "
                "SELECT %s, store_id, %s FROM stores WHERE store_code = %s",
                (row[0], number == 0, code),
            )
            if not added.rowcount:
                raise WrongInput(f"There is no store {code!r}; nothing was changed.")
        _record(connection, "user.created", row[0], username, {"roles": list(roles), "stores": list(store_codes)})
    return password


def list_users(url: str) -> list[tuple[str, list[str], list[str], bool]]:
    """Everyone: name, roles, store codes, whether they may sign in; by name."""
    with psycopg.connect(url) as connection:
        return connection.execute(LIST).fetchall()


def reset_password(url: str, username: str) -> str:
    """Give a user a new random password, to be changed at once, and end their sessions. Raises WrongInput."""
    password = generate_password()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE users SET must_change_password = true WHERE username = %s", (username,))
        if set_password(connection, username, password, "password reset from the command line") is None:
            raise WrongInput(f"There is no user {username!r}; `ims users list` shows everyone.")
    return password


def _record(connection: psycopg.Connection[Any], kind: str, user_id: int, username: str, after: dict[str, Any]) -> None:
    event = Event(kind=kind, entity_type="user", entity_id=str(user_id), after={"username": username, **after})
    record_now(connection, [event])
