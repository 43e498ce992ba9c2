"""Whether there are figures to send: what is published reaches to the period's end, and no blocked run is newer.

What is said instead names what failed, in words: no figure, and no row.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg

from api.publications import Published
from pipelines.handouts.taking import BLOCKED

MOST_NAMED = 10
FAILED = """
SELECT check_name, table_name, what_to_do FROM check_results
 WHERE run_id = %(run)s AND severity = 'blocking' AND state = 'failed' ORDER BY table_name, check_name
"""
NEWEST_BLOCKED = """
SELECT run_id, as_of FROM runs AS b WHERE state = 'blocked'
   AND NOT EXISTS (SELECT FROM runs AS r WHERE r.started_at > b.started_at AND r.state IN ('published', 'unchanged'))
 ORDER BY started_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class WhyNot:
    """Why no figures are sent, and what to know of it. `may_come`: a run that is late may still bring them."""

    reason: str
    details: str
    may_come: bool


def why_not(
    connection: psycopg.Connection[Any], published: Published | None, last: dt.date, is_asked: bool
) -> WhyNot | None:
    """None when figures of days up to `last` may be sent."""
    row = connection.execute(NEWEST_BLOCKED).fetchone()
    if row is not None and _is_newer(connection, published):
        return WhyNot(
            f"the newest data, as of {row[1]}, were stopped by their checks.", _named(connection, row[0]), False
        )
    if published is None:
        return WhyNot(
            "nothing was published yet.", "The first nightly run publishes once its checks pass.", not is_asked
        )
    if published.data_as_of <= last:
        newest = published.data_as_of - dt.timedelta(days=1)
        return WhyNot(
            f"what is published reaches to {newest} only.",
            "The last nightly run has published nothing new: it was late, failed, or its data did not come. "
            "Whoever runs IMS sees which under Pipeline.",
            not is_asked,
        )
    return None


def _is_newer(connection: psycopg.Connection[Any], published: Published | None) -> bool:
    if published is None:
        return True
    return connection.execute(BLOCKED, {"published_at": published.published_at}).fetchone() is not None


def _named(connection: psycopg.Connection[Any], run_id: str) -> str:
    rows = connection.execute(FAILED, {"run": run_id}).fetchall()
    lines = [f"- {name.replace('_', ' ')} ({table}): {to_do}" for name, table, to_do in rows[:MOST_NAMED]]
    more = len(rows) - MOST_NAMED
    if more > 0:
        lines.append(f"- and {more} more")
    return (
        "\n".join(["What failed, and what to do about it:", *lines]) if lines else "The checks page says what failed."
    )
