"""Figures beside those of another time, or beside a target: what the days asked for are compared with, day by day.

Computes nothing itself: it puts one calendar in another's place and asks `metrics.query` twice.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from warehouse.catalogue import Metric, catalogue
from warehouse.dimensions import Between, Filter
from warehouse.metrics import query
from warehouse.scope import InvalidQuery, Scope

if TYPE_CHECKING:
    import duckdb
    import polars as pl

KINDS = {
    "previous": "as many days before; whole months with as many months before",
    "last_year": "the same months of the year before; other days with those 364 days before, weekday on weekday",
    "last_year_aligned": "each day with the one that lay the same way to its festival the year before",
    "target": "what was set as the goal of the months",
}
YEAR = 364
LONG = {"week", "month", "quarter", "year", "fiscal_year"}


def compare(
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    by: Sequence[str] = (),
    where: Mapping[str, Filter] | None = None,
    *,
    to: str,
    scope: Scope,
) -> pl.DataFrame:
    """The metrics as `query` gives them, each with `<name>_before` and `<name>_change_share` (null without a before).

    `where` needs a `day` Between two days. For `to` = target the columns are `<name>_target` and
    `<name>_attainment_share`. A row there only then is there too. Raises InvalidQuery and NotAllowed as `query` does.
    Worked: net sales of 30 after 24: before 24, change .25.
    """
    if to not in KINDS:
        raise InvalidQuery(f"no comparison {to!r}; known: {', '.join(KINDS)}")
    if to == "target":
        return _beside_targets(con, names, by, where, scope)
    for name in by:
        if name == "weekday":
            raise InvalidQuery("weekdays of two periods are not compared; split by day or week")
    now = query(con, names, by, where, scope=scope)
    then = query(con, names, by, where, scope=scope, calendar=_calendar(_days(where), to, by))
    return _beside(now, then.rename({name: f"{name}_before" for name in names}), names, by, "before", "change_share")


def _beside_targets(
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    by: Sequence[str],
    where: Mapping[str, Filter] | None,
    scope: Scope,
) -> pl.DataFrame:
    targets = {name: _target_of(name) for name in names}
    now = query(con, names, by, where, scope=scope)
    goals = query(con, list(targets.values()), by, _by_month(where), scope=scope)
    renamed = goals.rename({target: f"{name}_target" for name, target in targets.items()})
    return _beside(now, renamed, names, by, "target", "attainment_share")


def _by_month(where: Mapping[str, Filter] | None) -> dict[str, Filter]:
    """The same with the days as months: what is reached of a running month stands beside the target of all of it."""
    limits = dict(where or {})
    if "day" in limits:
        low, high = _days(where)
        if low.day != 1:
            raise InvalidQuery("targets are set by month: compare days that begin with the first of one")
        del limits["day"]
        limits["month"] = Between(low, high.replace(day=1))
    return limits


def _target_of(name: str) -> str:
    metric: Metric | None = catalogue().get(name)
    if metric is None or metric.target is None:
        having = sorted(each.name for each in catalogue().values() if each.target)
        raise InvalidQuery(f"{name} has no target; those with one: {', '.join(having)}")
    return metric.target


def _beside(
    now: pl.DataFrame, other: pl.DataFrame, names: Sequence[str], by: Sequence[str], word: str, ratio: str
) -> pl.DataFrame:
    import polars as pl

    if by:
        met = now.join(other, on=list(by), how="full", coalesce=True, nulls_equal=True).sort(list(by))
    else:
        met = pl.concat([now, other], how="horizontal")
    less = 1.0 if ratio == "change_share" else 0.0
    shares = []
    for name in names:
        base = pl.col(f"{name}_{word}").cast(pl.Float64)
        share = pl.col(name).cast(pl.Float64) / pl.when(base != 0).then(base) - less
        shares.append(share.alias(f"{name}_{ratio}"))
    columns = [column for name in names for column in (name, f"{name}_{word}", f"{name}_{ratio}")]
    return met.with_columns(shares).select([*by, *columns])


def _days(where: Mapping[str, Filter] | None) -> tuple[dt.date, dt.date]:
    asked = (where or {}).get("day")
    if not isinstance(asked, Between) or not isinstance(asked.low, dt.date) or not isinstance(asked.high, dt.date):
        raise InvalidQuery("a comparison needs the days it is about: limit `day` with Between(first, last)")
    if asked.high < asked.low:
        raise InvalidQuery(f"the days from {asked.low} to {asked.high} are none")
    return asked.low, asked.high


def _calendar(days: tuple[dt.date, dt.date], to: str, by: Sequence[str]) -> str:
    """A SELECT of now_on and then_on. Dates are the only values in it."""
    low, high = days
    if to == "last_year_aligned":
        return (
            "SELECT day_on AS now_on, aligned_on AS then_on FROM lake.marts.dim_date"
            f" WHERE day_on BETWEEN DATE '{low}' AND DATE '{high}' AND aligned_on IS NOT NULL"
        )
    months_long = _months(low, high, by)
    if months_long:
        back = 12 if to == "last_year" else months_long
        # counted from then: a day is told of the same month, however long that is
        return (
            f"SELECT CAST(day_on + INTERVAL {back} MONTH AS DATE) AS now_on, day_on AS then_on"
            f" FROM lake.marts.dim_date WHERE day_on + INTERVAL {back} MONTH BETWEEN DATE '{low}' AND DATE '{high}'"
        )
    back = YEAR if to == "last_year" else (high - low).days + 1
    long = set(by) & LONG
    if long and not (long == {"week"} and back % 7 == 0):
        raise InvalidQuery("days that begin within a month are compared by day only, whole weeks by week too")
    return (
        f"SELECT day_on + {back} AS now_on, day_on AS then_on FROM lake.marts.dim_date"
        f" WHERE day_on + {back} BETWEEN DATE '{low}' AND DATE '{high}'"
    )


def _months(low: dt.date, high: dt.date, by: Sequence[str]) -> int:
    """How many months the days fill; the last may still be running where it is split by. 0 where they are days."""
    last = calendar.monthrange(high.year, high.month)[1]
    if low.day != 1 or not (high.day == last or set(by) & LONG - {"week"}):
        return 0
    return (high.year - low.year) * 12 + high.month - low.month + 1
