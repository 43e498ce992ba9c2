"""What metrics can be split and limited by: store, product and time, each with its SQL and the type of its values.

A table may have dimensions of its own besides (`own` in its file of metrics): a vendor, a channel, a reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.scope import InvalidQuery, Scope

Value = str | dt.date | None
# the calendar ends not long after
FAR = dt.date(9000, 1, 1)
# the longest of each period: whatever lies in one that begins on a day lies within so many days of it
DAYS = {"week": 7, "month": 31, "quarter": 92, "year": 366}
# what a day alone tells
PERIODS = {*DAYS, "weekday"}


@dataclass(frozen=True)
class Between:
    """From `low` to `high`, both included; None leaves that end open."""

    low: str | dt.date | None = None
    high: str | dt.date | None = None


Filter = Value | Collection[Value] | Between


@dataclass(frozen=True)
class Dimension:
    """`sql` speaks of the fact as f, the product as p, the store as s, its day as d; `{time}` is that day.

    `table` and `column` say where the values of a dimension are listed. `key` tells the same rows apart as `sql`, in
    less than half of its time.
    """

    name: str
    sql: str
    type: type[str] | type[dt.date] = str
    table: str | None = None
    column: str | None = None
    key: str | None = None

    @property
    def is_time(self) -> bool:
        """Whether it is a day, or the period that holds a day."""
        return "{time}" in self.sql or self.sql.startswith("d.")


STORE, PRODUCT = "marts.dim_store", "marts.dim_product"
DIMENSIONS = {
    each.name: each
    for each in (
        Dimension("store", "f.store_code", str, STORE, "store_code"),
        Dimension("city", "s.city", str, STORE, "city"),
        Dimension("region", "s.region", str, STORE, "region"),
        Dimension("cluster", "s.cluster", str, STORE, "cluster"),
        Dimension("category", "p.category", str, PRODUCT, "category"),
        Dimension("subcategory", "p.subcategory", str, PRODUCT, "subcategory"),
        Dimension("brand", "p.brand", str, PRODUCT, "brand"),
        Dimension("sku", "f.sku", str, PRODUCT, "sku"),
        Dimension("day", "{time}", dt.date),
        # two to three times as fast as date_trunc
        Dimension("week", "{time} - CAST(isodow({time}) - 1 AS INTEGER)", dt.date),
        Dimension("month", "{time} - CAST(day({time}) - 1 AS INTEGER)", dt.date),
        Dimension(
            "quarter", "CAST(date_trunc('quarter', {time}) AS DATE)", dt.date, key="year({time}) * 4 + quarter({time})"
        ),
        Dimension("year", "{time} - CAST(dayofyear({time}) - 1 AS INTEGER)", dt.date),
        Dimension("weekday", "dayname({time})", str, key="isodow({time})"),
        Dimension("fiscal_year", "d.fiscal_year", str, "marts.dim_date", "fiscal_year"),
    )
}


def known_dimension(name: str, own: Mapping[str, str] | None = None) -> Dimension:
    """The dimension of that name, one of the table's `own` included. Raises InvalidQuery."""
    if own and name in own:
        return Dimension(name, own[name])
    if name not in DIMENSIONS:
        raise InvalidQuery(f"no dimension {name!r}; known: {', '.join([*DIMENSIONS, *(own or ())])}")
    return DIMENSIONS[name]


def is_time(name: str) -> bool:
    """Whether the name is one of a time dimension."""
    return name in DIMENSIONS and DIMENSIONS[name].is_time


def compile_filters(
    filters: Mapping[str, Filter], time: str, scope: Scope, own: Mapping[str, str]
) -> tuple[list[str], list[Any]]:
    """Conditions and their parameters: what is asked for. Raises NotAllowed for a store outside of the scope."""
    conditions: list[str] = []
    values: list[Any] = []
    for name, wanted in filters.items():
        dimension = known_dimension(name, own)
        within, given, is_all = _days_within(name, time, wanted) if name in DAYS else ([], [], False)
        conditions += within
        values += given
        if is_all:
            continue
        sql = dimension.sql.format(time=time)
        if isinstance(wanted, Between):
            for bound, sign in ((wanted.low, ">="), (wanted.high, "<=")):
                if bound is not None:
                    conditions.append(f"{sql} {sign} ?")
                    values.append(_checked(dimension, bound))
            continue
        listed = [_checked(dimension, value) for value in _listed(wanted)]
        if name == "store":
            scope.check_stores(listed)
        condition, given = one_of(sql, listed)
        conditions.append(condition)
        values += given
    return conditions, values


def _days_within(period: str, time: str, wanted: Filter) -> tuple[list[str], list[Any], bool]:
    """What periods mean for the day itself, which files are sorted out by, and whether that says all.

    A period is computed row by row, three times as dear as two bounds of a day.
    """
    listed = [wanted.low, wanted.high] if isinstance(wanted, Between) else _listed(wanted)
    days = [each for each in listed if type(each) is dt.date and each < FAR]
    if isinstance(wanted, Between):
        if len(days) < sum(each is not None for each in listed):
            return [], [], False
        low, high = wanted.low, wanted.high
        begin = None if type(low) is not dt.date else _begin(period, low)
        if begin is not None and begin != low:
            begin = _next(period, begin)
        end = None if type(high) is not dt.date else _next(period, _begin(period, high))
    elif not days or len(days) < len(listed):
        return [], [], False
    else:
        begin, end = _begin(period, min(days)), _next(period, _begin(period, max(days)))
    bounds = [(f"{time} {sign} ?", day) for sign, day in ((">=", begin), ("<", end)) if day is not None]
    is_all = isinstance(wanted, Between) or (len(set(days)) == 1 and begin == days[0])
    return [condition for condition, _ in bounds], [day for _, day in bounds], is_all


def _begin(period: str, day: dt.date) -> dt.date:
    """The first day of the period that holds a day."""
    if period == "week":
        return day - dt.timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3, "year": 1}[period]
    return day.replace(month=month, day=1)


def _next(period: str, begin: dt.date) -> dt.date:
    """The first day of the period after the one that begins on a day."""
    return _begin(period, begin + dt.timedelta(days=DAYS[period]))


def one_of(sql: str, listed: Collection[Any]) -> tuple[str, list[Any]]:
    """A condition that holds where `sql` is one of the values, None meaning null; no value, and it never holds."""
    given = [value for value in listed if value is not None]
    either = [f"{sql} IN ({', '.join('?' for _ in given)})"] if given else []
    if len(given) < len(listed):
        either.append(f"{sql} IS NULL")
    return f"({' OR '.join(either) or 'FALSE'})", given


def _listed(wanted: object) -> list[object]:
    if isinstance(wanted, Collection) and not isinstance(wanted, str):
        return list(wanted)
    return [wanted]


def _checked(dimension: Dimension, value: object) -> Any:
    if value is None or type(value) is dimension.type:
        return value
    raise InvalidQuery(f"{dimension.name} is limited by a {dimension.type.__name__}, not by {value!r}")
