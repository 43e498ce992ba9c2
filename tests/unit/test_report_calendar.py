"""When figures are due by mail, in the chain's own days, and of which days they speak."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from api.services.report_calendar import Rhythm, newest_due, next_due, period_of

INDIA = ZoneInfo("Asia/Kolkata")
MONDAYS = Rhythm("weekly", 7, weekday=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("rhythm", "now", "newest", "following"),
    [
        # 01:29 UTC is 06:59 in India, a minute before seven
        (MONDAYS, "2026-11-23T01:29+00:00", "2026-11-16", "2026-11-23T07:00+05:30"),
        (MONDAYS, "2026-11-23T01:30+00:00", "2026-11-23", "2026-11-30T07:00+05:30"),
        (Rhythm("daily", 0), "2026-11-22T18:30+00:00", "2026-11-23", "2026-11-24T00:00+05:30"),
        (Rhythm("daily", 23), "2026-11-22T18:30+00:00", "2026-11-22", "2026-11-23T23:00+05:30"),
        (Rhythm("monthly", 6, month_day=28), "2026-03-01T00:00+00:00", "2026-02-28", "2026-03-28T06:00+05:30"),
        (Rhythm("monthly", 6, month_day=1), "2026-01-31T23:00+00:00", "2026-01-01", "2026-02-01T06:00+05:30"),
    ],
)
def test_what_is_due(rhythm: Rhythm, now: str, newest: str, following: str) -> None:
    assert newest_due(rhythm, at(now), INDIA) == dt.date.fromisoformat(newest)
    assert next_due(rhythm, at(now), INDIA) == at(following)


def test_an_hour_that_a_clock_change_skips_still_comes() -> None:
    berlin, twos = ZoneInfo("Europe/Berlin"), Rhythm("daily", 2)
    assert newest_due(twos, at("2026-03-29T04:00+02:00"), berlin) == dt.date(2026, 3, 29)
    assert next_due(twos, at("2026-03-29T04:00+02:00"), berlin) == at("2026-03-30T02:00+02:00")


@pytest.mark.parametrize(
    ("cadence", "day", "first", "last"),
    [
        ("daily", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("weekly", "2026-11-25", "2026-11-16", "2026-11-22"),
        ("weekly", "2026-11-23", "2026-11-16", "2026-11-22"),
        ("weekly", "2026-11-22", "2026-11-09", "2026-11-15"),
        ("monthly", "2026-11-25", "2026-10-01", "2026-10-31"),
        ("monthly", "2026-03-01", "2026-02-01", "2026-02-28"),
    ],
)
def test_the_period_is_the_last_whole_one(cadence: str, day: str, first: str, last: str) -> None:
    found = period_of(cadence, dt.date.fromisoformat(day))
    assert found == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))
