"""Days, weeks and months of a period, and the earlier period it is compared with."""

from __future__ import annotations

import datetime as dt

DAYS_BY_DAY, DAYS_BY_WEEK = 62, 430
YEAR = 364  # 52 weeks: the same weekdays a year earlier


def choose_grain(begin: dt.date, end: dt.date, finest: str) -> str:
    """`day`, `week` or `month`: as fine as the records and the eye allow. `finest` is the grain of the records."""
    days = (end - begin).days + 1
    if days <= DAYS_BY_DAY and finest != "week":
        return "day"
    return "week" if days <= DAYS_BY_WEEK else "month"


def list_steps(begin: dt.date, end: dt.date, grain: str) -> list[dt.date]:
    """Every day, Monday or first of a month that the period touches, so that days without sales are not skipped."""
    day = start_of(begin, grain)
    steps = []
    while day <= end:
        steps.append(day)
        day = start_of(day + dt.timedelta(days={"day": 1, "week": 7, "month": 31}[grain]), grain)
    return steps


def start_of(day: dt.date, grain: str) -> dt.date:
    """The day itself, its Monday, or the first of its month."""
    if grain == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def days_back(begin: dt.date, end: dt.date, comparison: str) -> int:
    """How far back the compared period lies: 52 weeks, or whole weeks that just hold the period, so weekdays agree."""
    if comparison == "year":
        return YEAR
    return -(-((end - begin).days + 1) // 7) * 7


def default_period(data_as_of: dt.date, first: dt.date, weeks: int = 13) -> tuple[dt.date, dt.date]:
    """The last 13 whole weeks (Monday to Sunday) before the data's as-of, or all there is."""
    end = max(start_of(data_as_of, "week") - dt.timedelta(days=1), first)
    return max(end - dt.timedelta(days=7 * weeks - 1), first), end
