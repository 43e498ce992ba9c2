"""Dropping whole months of the audit log after the years it must be kept, so that what is left still verifies.

The last dropped row of each chain becomes its anchor; that this was done is itself recorded, with the anchors.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg

from api.services import partitions
from api.services.audit import Event, record_now

TABLE = "audit_log"
EARLIEST = "SELECT min(at) FROM audit_log"
COUNT = "SELECT count(*) FROM audit_log WHERE at < %s"
ANCHOR = """
    INSERT INTO audit_anchors (chain_no, chain_seq, hash, before_on)
    SELECT DISTINCT ON (chain_no) chain_no, chain_seq, hash, %(month)s
      FROM audit_log WHERE at < %(moment)s ORDER BY chain_no, chain_seq DESC
    RETURNING chain_no, chain_seq, encode(hash, 'hex')
"""


@dataclass(frozen=True)
class Retained:
    """What retention dropped, or would drop: the months before `before_on`."""

    before_on: dt.date
    partitions: list[str]
    rows: int


def retain(connection: psycopg.Connection[Any], years: int, today: dt.date, *, dry_run: bool = False) -> Retained:
    """Drop the months that are wholly older than `years` before today, in one transaction."""
    month = today.replace(year=today.year - years, day=1)
    moment = dt.datetime(month.year, month.month, 1, tzinfo=dt.UTC)
    with connection.transaction():
        if not dry_run:
            # writers take their chain first and the table next; in the same order nobody waits in a circle
            connection.execute("SELECT FROM audit_chains ORDER BY chain_no FOR UPDATE")
        rows = int(_value(connection, COUNT, moment))
        if dry_run or not rows:
            gone = partitions.older_than(connection, TABLE, month)
            if not dry_run:
                partitions.drop_older(connection, TABLE, month)
            return Retained(month, gone, rows)
        earliest: dt.datetime = _value(connection, EARLIEST)
        # rows that came before their month had a partition are dropped with it, so they move there first
        partitions.make(connection, TABLE, earliest.astimezone(dt.UTC).date(), month - dt.timedelta(days=1))
        anchors = connection.execute(ANCHOR, {"month": month, "moment": moment}).fetchall()
        gone = list(partitions.drop_older(connection, TABLE, month))
        after = {"before_on": month, "rows": rows, "partitions": gone, "anchors": [list(row) for row in anchors]}
        record_now(connection, [Event("audit.retained", "audit_log", username="ims audit retain", after=after)])
    return Retained(month, gone, rows)


def _value(connection: psycopg.Connection[Any], query: str, *values: Any) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    return None if row is None else row[0]
