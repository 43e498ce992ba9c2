"""People to look at the dashboards where there are few: of every role, each manager and seller in a store of their own.

Nobody can sign in as one of them, and when the benchmark ends they are out of work again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

import psycopg

from api.identity.users import add_user

NAME = "bench-guest-{}"
# of every ten people in front of a screen; the first two see one store
ROLES = ("manager", "staff", "manager", "staff", "manager", "staff", "buyer", "accountant", "analyst", "admin")
OF_A_STORE = {"manager", "staff"}
STORES = "SELECT store_code FROM stores ORDER BY store_code"
RECALL = """UPDATE users SET is_active = true, must_change_password = false
    WHERE username = %s RETURNING user_id"""
DISMISS = "UPDATE users SET is_active = false WHERE username = ANY(%s)"


@contextmanager
def guests(url: str, count: int) -> Iterator[list[tuple[int, list[str]]]]:
    """So many people for a while: user id and roles. Those of an earlier time are called again."""
    with psycopg.connect(url) as connection:
        stores = [code for (code,) in connection.execute(STORES)]
    places = cycle(stores)
    names, found = [], []
    try:
        for number, role in enumerate(islice(cycle(ROLES), count), 1):
            names.append(NAME.format(number))
            own = [next(places)] if role in OF_A_STORE else []
            found.append((_call(url, names[-1], role, own), [role]))
        yield found
    finally:
        with psycopg.connect(url) as connection:
            connection.execute(DISMISS, (names,))


def _call(url: str, name: str, role: str, stores: list[str]) -> int:
    for _ in range(2):
        with psycopg.connect(url) as connection:
            row = connection.execute(RECALL, (name,)).fetchone()
        if row is not None:
            return int(row[0])
        add_user(url, name, [role], stores)
    raise AssertionError(name)
