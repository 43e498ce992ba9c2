"""Figures beside those of another time, or beside a target: what the days asked for are compared with, day by day.

Computes nothing itself: it puts one calendar in another's place and asks `metrics.query` twice.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from warehouse.catalogue import Metric, catalogue
from warehouse.dimensions import Between, Filter, is_time, known_dimension
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

    What began to be recorded only after the compared days had begun has no before: `note`, the last column, says so.
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
    days = _days(where)
    now = query(con, names, by, where, scope=scope)
    then = query(con, names, by, where, scope=scope, calendar=_calendar(days, to, by))
    then = then.rename({name: f"{name}_before" for name in names})
    return _without_unknown(_beside(now, then, names, by, "before", "change_share"), con, names, by, days, to)


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


def _without_unknown(
    met: pl.DataFrame,
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    by: Sequence[str],
    days: tuple[dt.date, dt.date],
    to: str,
) -> pl.DataFrame:
    """Half a period before is no period before: where the data begin within it, or after it, nothing is compared."""
    import polars as pl

    times = [name for name in by if is_time(name)]
    starts = _starts(con, times, days, to, by)
    met = met.join(starts, on=times, how="left", maintain_order="left") if times else met.join(starts, how="cross")
    notes = []
    for name, begins in _data_begin(con, names).items():
        is_unknown = pl.lit(True) if begins is None else pl.col("then_from") < begins
        met = met.with_columns(
            pl.when(~is_unknown).then(f"{name}_{word}").alias(f"{name}_{word}") for word in ("before", "change_share")
        )
        said = pl.lit(f"{name}: {f'known since {begins}' if begins else 'not known'}, compared with days from ")
        notes.append(pl.when(is_unknown).then(said + pl.col("then_from").cast(pl.String)))
    note = pl.concat_str(notes, separator="; ", ignore_nulls=True)
    return met.with_columns(note=pl.when(note != "").then(note)).drop("then_from")


def _starts(
    con: duckdb.DuckDBPyConnection, times: list[str], days: tuple[dt.date, dt.date], to: str, by: Sequence[str]
) -> pl.DataFrame:
    """For each period of the days asked for the first of those it is compared with, whether or not there are data."""
    low, high = days
    back = _back(days, to, by)
    then = "d.aligned_on" if back is None else f"CAST(d.day_on - {back} AS DATE)"
    named = "".join(f"{known_dimension(name).sql.format(time='d.day_on')} AS {name}, " for name in times)
    return con.execute(
        f"SELECT {named}min({then}) AS then_from FROM lake.marts.dim_date AS d"
        f" WHERE d.day_on BETWEEN DATE '{low}' AND DATE '{high}'{' GROUP BY ALL' if times else ''}"
    ).pl()


def _data_begin(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, dt.date | None]:
    """The first day of which each figure can be told: of the part that begins last. None where there are no data."""
    parts = {name: _parts_of(catalogue()[name]) for name in names}
    days = list(dict.fromkeys((part.table, part.time) for found in parts.values() for part in found))
    row = con.execute(
        f"SELECT {', '.join(f'(SELECT min({time}) FROM lake.{table})' for table, time in days)}"
    ).fetchone()
    assert row is not None, "a SELECT without FROM has its one row"
    first = dict(zip(days, row, strict=True))
    return {name: _latest([_told_from(part, first[part.table, part.time]) for part in parts[name]]) for name in names}


def _parts_of(metric: Metric) -> list[Metric]:
    if metric.formula is None:
        return [metric]
    return [leaf for part in metric.parts for leaf in _parts_of(catalogue()[part])]


def _told_from(metric: Metric, first: dt.date | None) -> dt.date | None:
    return None if first is None else first + dt.timedelta(days=(metric.window_days or 1) - 1)


def _latest(days: list[dt.date | None]) -> dt.date | None:
    return None if None in days else max(day for day in days if day is not None)


def _back(days: tuple[dt.date, dt.date], to: str, by: Sequence[str]) -> str | None:
    """What lies between a day and the one it is compared with, as SQL; None where each has its own."""
    if to == "last_year_aligned":
        return None
    low, high = days
    months_long = _months(low, high, by)
    if months_long:
        return f"INTERVAL {12 if to == 'last_year' else months_long} MONTH"
    return str(YEAR if to == "last_year" else (high - low).days + 1)


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
    back = _back(days, to, by)
    long = set(by) & LONG
    if not str(back).startswith("INTERVAL") and long and not (long == {"week"} and int(str(back)) % 7 == 0):
        raise InvalidQuery("days that begin within a month are compared by day only, whole weeks by week too")
    # counted from then: a day is told of the same month, however long that is
    return (
        f"SELECT CAST(day_on + {back} AS DATE) AS now_on, day_on AS then_on"
        f" FROM lake.marts.dim_date WHERE day_on + {back} BETWEEN DATE '{low}' AND DATE '{high}'"
    )


def _months(low: dt.date, high: dt.date, by: Sequence[str]) -> int:
    """How many months the days fill; the last may still be running where it is split by. 0 where they are days."""
    last = calendar.monthrange(high.year, high.month)[1]
    if low.day != 1 or not (high.day == last or set(by) & LONG - {"week"}):
        return 0
    return (high.year - low.year) * 12 + high.month - low.month + 1
