"""Seasons to plan for: the weeks around each festival to come, and those that asked for most last year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.policy.season_shape import History

AHEAD = 52  # weeks
BEFORE, AFTER = 4, 1  # weeks around a festival's own
PEAK = 8


@dataclass(frozen=True)
class Ahead:
    """A season by name; Mondays of its first and last week."""

    key: str
    name: str
    first: date
    last: date


def list_seasons(history: History, festivals: Sequence[tuple[str, date]], as_of: date) -> list[Ahead]:
    """The next quarter of a year, festivals within a year (name, day), and the category's strongest weeks.

    A festival on Friday 29 October 2027: its weeks go from 27 September to the week of 1 November.
    """
    monday = as_of - timedelta(days=as_of.weekday())
    weeks = [monday + timedelta(weeks=at) for at in range(1, AHEAD + 1)]
    found = [Ahead("next", "The next 13 weeks", weeks[0], weeks[12])]
    for name, day in sorted(set(festivals), key=lambda pair: pair[1]):
        own = day - timedelta(days=day.weekday())
        first, last = max(own - timedelta(weeks=BEFORE), weeks[0]), own + timedelta(weeks=AFTER)
        if weeks[0] <= own and last <= weeks[-1]:
            found.append(Ahead(f"{name.lower()}-{day.year}", f"{name} {day.year}", first, last))
    strongest = _strongest(history, weeks)
    if strongest is not None:
        found.append(Ahead("peak", f"Its strongest {PEAK} weeks", strongest, strongest + timedelta(weeks=PEAK - 1)))
    return found


def _strongest(history: History, weeks: Sequence[date]) -> date | None:
    """The first of the weeks in a row whose likes of last year asked for most."""
    asked: dict[date, float] = {}
    for week, units in history.asked.select("week_starting_on", "demand_qty").iter_rows():
        asked[week] = asked.get(week, 0.0) + units
    likes = [asked.get(history.like(week)) for week in weeks]
    runs = {
        at: sum(units for units in run if units is not None)
        for at in range(len(weeks) - PEAK + 1)
        if None not in (run := likes[at : at + PEAK])
    }
    best = max(runs, key=lambda at: (runs[at], -at), default=None)
    return None if best is None else weeks[best]
