"""A chain to measure on, made inside PostgreSQL by `sql/`: stores, catalogue, customers, stock, years of orders.

Stock is posted through the ledger, so its invariants hold. Keys of each table begin in a range of their own, far above
any count, so that a recorded value says by itself what it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

Progress = Callable[[str, int, int | None], None]
IDENTITIES = """
    SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE a.attidentity <> '' AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT c.relispartition
     ORDER BY c.relname
"""
KEYS_APART = 1_000_000_000
SEARCH_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
     WHERE schemaname = 'public' AND tablename = 'customers' AND indexdef LIKE '%USING gin%'
"""


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    stores: int
    products: int
    customers: int
    orders: int
    days: int
    opening: int = 1_000_000  # units of each product in each store: nothing sells out during a benchmark


SMALL = Size(stores=12, products=600, customers=3_000, orders=6_000, days=180)
MILLION = Size(stores=40, products=5_000, customers=300_000, orders=1_000_000, days=1_095)


@dataclass(frozen=True)
class World:
    """The keys of what was made: first and last of each."""

    ranges: dict[str, tuple[int, int]]


def build(url: str, size: Size, progress: Progress, today: dt.date | None = None) -> World:
    """Fill an empty, migrated database."""
    today = today or dt.datetime.now(dt.UTC).date()
    first = today - dt.timedelta(days=size.days)
    values = {**vars(size), "today": today, "first": first}
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '256MB'")
        connection.execute("SELECT setseed(0.5)")
        _set_keys_apart(connection)
        for table in ("sales_order_lines", "stock_moves", "audit_log"):
            last = today + dt.timedelta(days=31)
            connection.execute("SELECT ims_make_partitions(%s::regclass, %s, %s)", (table, first, last))
        connection.commit()
        progress("world: catalogue and people", 0, None)
        _run(connection, "masters", values)
        with _without_search(connection):
            _run(connection, "people", values)
        connection.commit()
        progress("world: opening stock", 0, None)
        _run(connection, "opening", values)
        connection.commit()
        _sell(connection, size, first, progress)
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
        return World({name: _range(connection, table, key) for name, (table, key) in KEYS.items()})


KEYS = {
    "store": ("stores", "store_id"),
    "product": ("products", "product_id"),
    "customer": ("customers", "customer_id"),
    "patient": ("patients", "patient_id"),
    "order": ("sales_orders", "sales_order_id"),
    "payment": ("payments", "payment_id"),
    "move": ("stock_moves", "stock_move_id"),
}


def _sell(connection: psycopg.Connection[Any], size: Size, first: dt.date, progress: Progress) -> None:
    """Orders month by month, each month a transaction."""
    keys = {f"first_{name}": _range(connection, *KEYS[name])[0] for name in ("store", "product", "customer")}
    done, day = 0, first
    while done < size.orders:
        days = min(30, size.days - (day - first).days)
        orders = min(round(size.orders * days / size.days) + 1, size.orders - done)
        values = {**vars(size), **keys, "first": day, "days": days, "orders": orders, "done": done}
        # the references are right by construction; the ledger's triggers are wanted all the same
        connection.execute("SET LOCAL session_replication_role = replica")
        _run(connection, "orders", values)
        connection.execute("SET LOCAL session_replication_role = origin")
        _run(connection, "moves", values)
        connection.commit()
        done, day = done + orders, day + dt.timedelta(days=days)
        progress("world: orders", done, size.orders)


@contextmanager
def _without_search(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """An inverted index is built in a tenth of the time that filling it row by row takes."""
    indexes = connection.execute(SEARCH_INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in indexes:
        connection.execute(definition)


def _set_keys_apart(connection: psycopg.Connection[Any]) -> None:
    for number, (table, column) in enumerate(connection.execute(IDENTITIES).fetchall(), start=1):
        names = sql.Identifier(table), sql.Identifier(column), sql.Literal(number * KEYS_APART + 1)
        connection.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN {} RESTART WITH {}").format(*names))


def _range(connection: psycopg.Connection[Any], table: str, key: str) -> tuple[int, int]:
    names = {"key": sql.Identifier(key), "table": sql.Identifier(table)}
    statement = sql.SQL("SELECT min({key}), max({key}) FROM {table} WHERE {key} > 1000000000").format(**names)
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0], row[1]


def _run(connection: psycopg.Connection[Any], name: str, values: dict[str, Any]) -> None:
    text = (files("ims.bench") / "sql" / f"{name}.sql").read_text()
    for statement in text.split(";\n"):
        if statement.strip():
            connection.execute(statement.encode(), values)
