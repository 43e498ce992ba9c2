"""The users of a benchmark: four people of different roles, with the stores they work for."""

from __future__ import annotations

import secrets

import psycopg

from api.identity.passwords import hash_password

# role, and how many stores it is given (0: its role sees every store)
PEOPLE = {
    "bench-admin": ("admin", 0),
    "bench-buyer": ("buyer", 0),
    "bench-manager": ("manager", 4),
    "bench-staff": ("staff", 2),
}


def add_people(url: str) -> tuple[dict[str, str], dict[str, list[int]]]:
    """Make the users; their passwords, and the stores each works for (every store where the role sees all)."""
    passwords = {name: secrets.token_urlsafe(24) for name in PEOPLE}
    stores: dict[str, list[int]] = {}
    with psycopg.connect(url) as connection:
        every = [row[0] for row in connection.execute("SELECT store_id FROM stores ORDER BY store_id")]
        for name, (role, share) in PEOPLE.items():
            row = connection.execute(
                "INSERT INTO users (username, password_hash, full_name) VALUES (%s, %s, %s) RETURNING user_id",
                (name, hash_password(passwords[name]), name),
            ).fetchone()
            assert row is not None
            connection.execute("INSERT INTO user_roles (user_id, role) VALUES (%s, %s)", (row[0], role))
            stores[name] = every[:share] or every
            if share:
                given = (
                    "INSERT INTO user_stores (user_id, store_id, is_primary) SELECT %s, s, s = %s FROM unnest(%s) AS s"
                )
                connection.execute(given, (row[0], stores[name][0], stores[name]))
    return passwords, stores
