"""Durations, memory, and how a run or a table stands, in words. Computes nothing."""

from __future__ import annotations

import datetime as dt

from dashboards import palette
from warehouse.freshness import FAIL_DAYS, WARN_DAYS

STATES = {
    "published": "Published",
    "unchanged": "Nothing new",
    "blocked": "Stopped by checks",
    "failed": "Failed",
    "running": "At work",
}
COLOURS = {
    "published": palette.BRAND,
    "unchanged": palette.DEMAND,
    "blocked": palette.BEFORE,
    "failed": palette.WITHOUT,
    "running": palette.ARRIVAL,
}
BUILT = {
    "whole": "built anew",
    "parts": "changed rows only",
    "unchanged": "read, the same",
    "stood": "nothing to do",
    "backfill": "backfilled",
}


def spell_seconds(seconds: float) -> str:
    """`0.4 s`, `42 s`, `3 min 05 s`, `1 h 12 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def spell_age(since: dt.datetime, now: dt.datetime) -> str:
    """`5 min ago`, `3 h ago`, `2 days ago`."""
    minutes = int((now - since).total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 0)} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // (24 * 60)} days ago"


def judge_age(made_at: dt.datetime, now: dt.datetime) -> str:
    """Fresh, late or too old, as the policy says."""
    age = now - made_at
    if age > dt.timedelta(days=FAIL_DAYS):
        return "Too old"
    return "Late" if age > dt.timedelta(days=WARN_DAYS) else "Fresh"
