"""Settings that are lists, read by the warehouse: bounds of price bands, days of festivals. Null is the usual one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

MOST_BOUNDS, MOST_DAYS, LONGEST_NAME = 50, 500, 60
AMOUNTS = f"is null, or amounts that begin with 0 and rise, {MOST_BOUNDS} at most"
DAYS = f"is null, or festivals as {{name, day}}, each on a day of its own, {MOST_DAYS} at most"


def read_amounts(value: Any) -> list[int | float] | None:
    """The bounds as they are kept. Raises ValueError.

    >>> read_amounts([0, 1000, 2500.5])
    [0, 1000, 2500.5]
    """
    if value is None:
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_BOUNDS:
        raise ValueError(AMOUNTS)
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in value):
        raise ValueError(AMOUNTS)
    bounds = [Decimal(str(each)) for each in value]
    is_whole = all(bound.is_finite() and bound == round(bound, 2) for bound in bounds)
    if not is_whole or bounds[0] != 0 or sorted(set(bounds)) != bounds or bounds[-1] > 1_000_000_000:
        raise ValueError(AMOUNTS)
    return value


def read_days(value: Any) -> list[dict[str, str]] | None:
    """The festivals in the order of their days. Raises ValueError."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MOST_DAYS:
        raise ValueError(DAYS)
    found = {}
    for each in value:
        if not isinstance(each, dict) or each.keys() != {"name", "day"}:
            raise ValueError(DAYS)
        name, day = str(each["name"]).strip(), dt.date.fromisoformat(str(each["day"])).isoformat()
        if not 0 < len(name) <= LONGEST_NAME or (day, name) in found:
            raise ValueError(DAYS)
        found[day, name] = {"name": name, "day": day}
    return [found[key] for key in sorted(found)]
