"""When figures are due by mail, and of which days they speak: daily, weekly or monthly, at an hour of the chain's day.

Pure: a rhythm and a moment in, days out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

LONGEST_GAP = 32  # days between two moments of a month's rhythm, and one more
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Rhythm:
    """`weekday` (1 is Monday) of a weekly, `month_day` (1 to 28) of a monthly one."""

    cadence: str
    at_hour: int
    weekday: int | None = None
    month_day: int | None = None

    def falls_on(self, day: dt.date) -> bool:
        """Whether figures are due on that day."""
        if self.cadence == "weekly":
            return day.isoweekday() == self.weekday
        return day.day == self.month_day if self.cadence == "monthly" else True

    def moment(self, day: dt.date, zone: ZoneInfo) -> dt.datetime:
        """When on that day."""
        return dt.datetime.combine(day, dt.time(self.at_hour), zone)


def newest_due(rhythm: Rhythm, now: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The day of the newest moment that has come. Worked: Mondays at 7, on Monday at 6:59: the Monday before."""
    today = now.astimezone(zone).date()
    days = (today - DAY * back for back in range(LONGEST_GAP))
    return next(day for day in days if rhythm.falls_on(day) and rhythm.moment(day, zone) <= now)


def next_due(rhythm: Rhythm, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The first moment that has not come yet."""
    today = now.astimezone(zone).date()
    days = (today + DAY * ahead for ahead in range(LONGEST_GAP))
    return next(rhythm.moment(day, zone) for day in days if rhythm.falls_on(day) and rhythm.moment(day, zone) > now)


def period_of(cadence: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """The last whole day, week (Monday to Sunday) or month before `day`, both ends included.

    Worked: on Wednesday 25 Nov 2026 the week is 16 to 22 November, the month October.
    """
    if cadence == "weekly":
        end = day - DAY * day.isoweekday()
        return end - DAY * 6, end
    if cadence == "monthly":
        end = day.replace(day=1) - DAY
        return end.replace(day=1), end
    return day - DAY, day - DAY
