"""Days, weeks and months of a period, and the earlier period it is compared with."""

from __future__ import annotations

import datetime as dt

DAYS_BY_DAY, DAYS_BY_WEEK = 62, 430
LONGEST = {"day": 1, "week": 7, "month": 31}
LEAST_STEPS = 3
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
        day = _next(day, grain)
    return steps


def list_whole_steps(begin: dt.date, end: dt.date, grain: str) -> list[dt.date]:
    """The steps that lie in the period with all of their days, where three do: half a week looks like a fall."""
    steps = list_steps(begin, end, grain)
    whole = [step for step in steps if step >= begin and _next(step, grain) - dt.timedelta(days=1) <= end]
    return whole if len(whole) >= LEAST_STEPS else steps


def _next(step: dt.date, grain: str) -> dt.date:
    return start_of(step + dt.timedelta(days=LONGEST[grain]), grain)


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


SPANS = {
    "last_day": "The last day",
    "last_week": "Last week",
    "last_4_weeks": "Last 4 weeks",
    "last_13_weeks": "Last 13 weeks",
    "this_month": "This month",
    "last_month": "Last month",
    "last_3_months": "Last 3 months",
    "last_12_months": "Last 12 months",
}
WEEKS = {"last_week": 1, "last_4_weeks": 4, "last_13_weeks": 13}
MONTHS = {"last_month": 1, "last_3_months": 3, "last_12_months": 12}


def days_of(span: str, data_as_of: dt.date, first: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of a span before the data's as-of: whole weeks, whole months, or the month that runs.

    Never before the first day there is. Worked: on Wed 25 Nov 2026 the last month is 1 to 31 October.
    """
    last = data_as_of - dt.timedelta(days=1)
    if span in WEEKS:
        begin, end = default_period(data_as_of, first, WEEKS[span])
    elif span == "last_day":
        begin, end = last, last
    elif span == "this_month":
        begin, end = last.replace(day=1), last
    else:
        # a month that has just ended is the last one, not the one that runs
        end = data_as_of.replace(day=1) - dt.timedelta(days=1)
        months = end.year * 12 + end.month - MONTHS[span]
        begin = dt.date(months // 12, months % 12 + 1, 1)
    return max(begin, first), max(end, first)
