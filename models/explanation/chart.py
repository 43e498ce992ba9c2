"""Small charts in letters, for terminals, logs and plain text: weekly demand, and what each quantity brings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from models.explanation.pricing import PricedQuantity
from warehouse.formats import format_money, format_number, format_share

WIDTH = 24
EIGHTHS = " ▏▎▍▌▋▊▉"


def draw_weeks(said: Mapping[str, Any]) -> list[str]:
    """Expected demand of each week from the one that holds as_of to the last that the order answers for."""
    weekly: list[float] = said.get("weekly_mean") or []
    if not weekly:
        return []
    day = dt.date.fromisoformat(said["as_of"])
    monday = day - dt.timedelta(days=day.weekday())
    most = max(weekly)
    lines = ["Expected demand by week"]
    for number, units in enumerate(weekly):
        begins = monday + dt.timedelta(weeks=number)
        lines.append(f"  {begins:%d %b}  {draw_bar(units, most)} {format_number(units, 1):>7}")
    return lines


def draw_quantities(
    priced: Sequence[PricedQuantity], marks: Mapping[int, str], currency: str, sees_cost: bool
) -> list[str]:
    """How often each quantity is enough, and with costs what it saves; `marks` names quantities."""
    if not priced:
        return []
    titles = f"  {'Order':>7}  {'is enough in':<{WIDTH}} {'':>7}"
    decimals = 2 if max(abs(each.saved_amount) for each in priced) < 1000 else 0
    lines = [f"{titles}  {'saves':>12}" if sees_cost else titles.rstrip()]
    for each in priced:
        line = f"  {format_number(each.quantity):>7}  {draw_bar(each.enough_share, 1.0)} "
        line += f"{format_share(each.enough_share):>7}"
        if sees_cost:
            line += f"  {format_money(each.saved_amount, currency, decimals):>12}"
        mark = marks.get(each.quantity)
        lines.append(f"{line}  ← {mark}" if mark else line)
    return lines


def draw_bar(value: float, most: float) -> str:
    """A bar of WIDTH letters, in eighths of a letter. Worked: 1 of 2 is 12 full letters and 12 spaces."""
    eighths = round(8 * WIDTH * max(value, 0.0) / most) if most > 0 else 0
    whole, rest = divmod(min(eighths, 8 * WIDTH), 8)
    return ("█" * whole + (EIGHTHS[rest] if rest else "")).ljust(WIDTH)
