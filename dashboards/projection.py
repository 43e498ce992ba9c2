"""The expected course of a pair's stock, day by day, with and without an order: for the eye, beside the receipt.

The order itself was decided on whole distributions; this walks the expected demand only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Course:
    """Stock at the opening of each day, after that day's arrivals."""

    days: list[dt.date]
    stock: list[float]


def project_stock(
    on_hand: float,
    weekly_demand: Mapping[dt.date, float],
    arrivals: Sequence[tuple[dt.date, float]],
    begin: dt.date,
    end: dt.date,
) -> Course:
    """Walk from `begin` to `end` (both included); demand that finds no stock is lost.

    `weekly_demand` maps Mondays to units of the part of that week from `begin` on, spread evenly over its days.
    Worked number: 7 on hand, 7 a week from a Monday on: 7, 6, 5, … and 0 on the next Monday.
    """
    days, stock, level = [], [], float(on_hand)
    day = begin
    while day <= end:
        # what is due on or before the first day is usable at its opening
        level += float(next_arrivals(arrivals, day, begin))
        days.append(day)
        stock.append(level)
        monday = day - dt.timedelta(days=day.weekday())
        first = max(monday, begin)
        length = 7 - (first - monday).days
        level = max(level - weekly_demand.get(monday, 0.0) / length, 0.0)
        day += dt.timedelta(days=1)
    return Course(days, stock)


def next_arrivals(arrivals: Sequence[tuple[dt.date, float]], day: dt.date, begin: dt.date) -> float:
    """Units that become usable at the opening of `day`."""
    units = 0.0
    for due, quantity in arrivals:
        if max(due, begin) == day:
            units += quantity
    return units


def first_empty_day(course: Course) -> dt.date | None:
    """The first day whose opening finds nothing; None when stock lasts."""
    return next((day for day, level in zip(course.days, course.stock, strict=True) if level <= 0), None)
