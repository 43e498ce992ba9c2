"""Monthly partitions of the tables that are partitioned: made ahead of time, dropped when their time is over.

Runs as the owner of the tables, at start and nightly; requests never wait for it.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

logger = logging.getLogger(__name__)
PARTITIONED = """
    SELECT p.partrelid::regclass::text
      FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
     WHERE c.relnamespace = 'public'::regnamespace
       AND EXISTS (SELECT FROM pg_inherits i JOIN pg_class d ON d.oid = i.inhrelid
                    WHERE i.inhparent = c.oid AND d.relname = c.relname || '_default')
     ORDER BY 1
"""
MAKE = "SELECT ims_make_partitions(%s::regclass, %s, %s)"
MONTHS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = %s::regclass AND c.relname ~ '_y[0-9]{4}m[0-9]{2}$' ORDER BY 1
"""
# shorter than deadlock_timeout (1 s): where this and a request wait for each other, this gives way and not the request
WAIT = "SET LOCAL lock_timeout = '500ms'"
TRIES = 6


def keep_ahead(url: str, months: int = 3, today: dt.date | None = None) -> int:
    """Make the partitions of this month and of `months` more, for every table by month; how many were made.

    A table that somebody else holds is left for the next time: until then its rows go to its default partition.
    """
    first = (today or dt.datetime.now(dt.UTC).date()).replace(day=1)
    last = _add_months(first, months)
    made = 0
    # a transaction for each table: two held at once would wait for requests that touch them in another order
    with psycopg.connect(url, autocommit=True) as connection:
        for table in partitioned_tables(connection):
            made += _make_when_free(connection, table, first, last)
    return made


def make(connection: psycopg.Connection[Any], table: str, first: dt.date, last: dt.date) -> int:
    """Make the partitions of the months of `first` to `last`, both included; how many were made."""
    row = connection.execute(MAKE, (table, first, last)).fetchone()
    return 0 if row is None else int(row[0])


def _make_when_free(connection: psycopg.Connection[Any], table: str, first: dt.date, last: dt.date) -> int:
    for attempt in range(TRIES):
        try:
            with connection.transaction():
                connection.execute(WAIT)
                return make(connection, table, first, last)
        except psycopg.errors.LockNotAvailable:
            time.sleep(0.1 * attempt)
    logger.warning("partitions of a table in use are made the next time", extra={"table": table})
    return 0


def partitioned_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """The tables that are partitioned by month."""
    return [row[0] for row in connection.execute(PARTITIONED)]


def older_than(connection: psycopg.Connection[Any], table: str, month: dt.date) -> list[str]:
    """Names of the table's partitions that end before or with the first of `month`."""
    names = [row[0] for row in connection.execute(MONTHS, (table,))]
    return [name for name in names if month_of(name) < month.replace(day=1)]


def drop_older(connection: psycopg.Connection[Any], table: str, month: dt.date) -> Sequence[str]:
    """Drop the partitions that end before or with the first of `month`; their names. The caller commits."""
    gone = older_than(connection, table, month)
    for name in gone:
        detach = sql.SQL("ALTER TABLE {} DETACH PARTITION {}")
        connection.execute(detach.format(sql.Identifier(table), sql.Identifier(name)))
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return gone


def month_of(partition: str) -> dt.date:
    """The first day of a partition's month: `audit_log_y2026m11` is of 2026-11-01."""
    year, month = partition.rsplit("_y", 1)[1].split("m")
    return dt.date(int(year), int(month), 1)


def _add_months(day: dt.date, months: int) -> dt.date:
    years, month = divmod(day.month - 1 + months, 12)
    return dt.date(day.year + years, month + 1, 1)
