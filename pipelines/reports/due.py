"""Which packs are wanted: what the calendar owes is written down once, whoever looks; then one at a time is made."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row, dict_row

from api.services.report_calendar import newest_due, period_of
from api.services.reports import rhythm_of
from pipelines.reports.figures import Period

ZONE = "SELECT timezone FROM chain"
ACTIVE = """
SELECT r.report_schedule_id, r.cadence, r.weekday, r.month_day, r.at_hour, r.since, max(d.due_on) AS newest_on
  FROM report_schedules AS r
  LEFT JOIN report_deliveries AS d ON d.report_schedule_id = r.report_schedule_id AND d.occasion = 'scheduled'
 WHERE r.is_active GROUP BY r.report_schedule_id ORDER BY 1
"""
WANT = """
INSERT INTO report_deliveries (report_schedule_id, occasion, due_on) VALUES (%s, 'scheduled', %s)
ON CONFLICT (report_schedule_id, due_on) WHERE occasion = 'scheduled' DO NOTHING
"""
# whoever takes one up holds it to the end of the transaction; another worker takes the next
CLAIM = """
SELECT d.report_delivery_id, d.report_schedule_id, d.occasion, d.due_on, d.created_at, r.cadence, r.at_hour, r.form,
    r.is_active, u.username, u.email AS address,
    CASE WHEN r.store_ids IS NOT NULL
         THEN ARRAY(SELECT store_code FROM stores AS s WHERE s.store_id = ANY (r.store_ids)) END AS chosen
  FROM report_deliveries AS d JOIN report_schedules AS r USING (report_schedule_id) JOIN users AS u USING (user_id)
 WHERE d.state = 'wanted' AND d.report_delivery_id > %(after)s
   AND (%(schedule)s::bigint IS NULL OR d.report_schedule_id = %(schedule)s::bigint)
 ORDER BY d.report_delivery_id LIMIT 1 FOR UPDATE OF d SKIP LOCKED
"""


@dataclass(frozen=True)
class Wanted:
    """A pack that is wanted, of which schedule, for whom; `chosen` are the stores they want (None: all)."""

    report_delivery_id: int
    report_schedule_id: int
    occasion: str
    due_on: dt.date
    created_at: dt.datetime
    cadence: str
    at_hour: int
    form: str
    is_active: bool
    username: str
    address: str | None
    chosen: list[str] | None

    def period(self, data_as_of: dt.date | None) -> Period:
        """The period it is of: the last whole one before its day; of one asked for, before what the data reach to."""
        is_asked = self.occasion == "asked" and data_as_of is not None
        day = min(data_as_of, self.due_on) if is_asked and data_as_of else self.due_on
        return Period(self.cadence, *period_of(self.cadence, day))

    def due_at(self, zone: ZoneInfo) -> dt.datetime:
        """When it was to be sent."""
        if self.occasion == "asked":
            return self.created_at
        return dt.datetime.combine(self.due_on, dt.time(self.at_hour), zone)


def zone_of(connection: psycopg.Connection[Any]) -> ZoneInfo:
    """The chain's timezone; UTC before the first import."""
    row = connection.execute(ZONE).fetchone()
    return ZoneInfo(row[0] if row and row[0] else "UTC")


def want_due(connection: psycopg.Connection[Any], now: dt.datetime) -> int:
    """Write down what is due: of each schedule the newest moment alone, a server that was away sends no backlog."""
    zone, written = zone_of(connection), 0
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(ACTIVE).fetchall()
    for row in rows:
        rhythm = rhythm_of(row)
        day = newest_due(rhythm, now, zone)
        is_new = row["newest_on"] is None or row["newest_on"] < day
        if is_new and rhythm.moment(day, zone) >= row["since"]:
            written += connection.execute(WANT, (row["report_schedule_id"], day)).rowcount
    return written


def claim(connection: psycopg.Connection[Any], after: int, schedule: int | None = None) -> Wanted | None:
    """The next pack that is wanted and that nobody else makes, in the caller's transaction."""
    with connection.cursor(row_factory=class_row(Wanted)) as cursor:
        return cursor.execute(CLAIM, {"after": after, "schedule": schedule}).fetchone()
