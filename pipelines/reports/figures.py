"""The figures of a period beside those of the period before and of a year earlier, with their course up to it.

Puts the questions; what a figure is and who may see it is settled in `warehouse.metrics`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.reports.contents import columns, sections
from warehouse.catalogue import Metric
from warehouse.comparison import compare
from warehouse.dimensions import Between, Filter
from warehouse.metrics import may_see, query
from warehouse.scope import InvalidQuery, Scope

if TYPE_CHECKING:
    import duckdb

Number = float | Decimal
STORES = "SELECT store_code AS store, name FROM lake.marts.dim_store ORDER BY 1"
GRAINS = {"daily": "day", "weekly": "week", "monthly": "month"}
STEPS = {"day": 28, "week": 13, "month": 13}


@dataclass(frozen=True)
class Period:
    """Whole days, both included, of one cadence: a day, a week, a month."""

    cadence: str
    begin: dt.date
    end: dt.date

    @property
    def grain(self) -> str:
        """`day`, `week` or `month`."""
        return GRAINS[self.cadence]

    @property
    def words(self) -> str:
        """Worked: `Mon 23 Nov 2026`, `16 to 22 Nov 2026`, `October 2026`."""
        if self.cadence == "monthly":
            return f"{self.begin:%B %Y}"
        if self.cadence == "daily":
            return f"{self.begin:%a} {self.begin.day} {self.begin:%b %Y}"
        first = f"{self.begin.day}" if self.begin.month == self.end.month else f"{self.begin.day} {self.begin:%b}"
        return f"{first} to {self.end.day} {self.end:%b %Y}"

    @property
    def course_begin(self) -> dt.date:
        """The first day of the course that leads up to the period: 28 days, 13 weeks or 13 months of it."""
        if self.grain != "month":
            return self.end - dt.timedelta(days=STEPS[self.grain] * (7 if self.grain == "week" else 1) - 1)
        return _months_back(self.begin, STEPS["month"] - 1)


@dataclass(frozen=True)
class Line:
    """A figure of the period, the period before and the year before; `course` ends with the period."""

    metric: Metric
    value: Number | None
    before: Number | None = None
    last_year: Number | None = None
    course: tuple[float | None, ...] = ()

    @property
    def is_of_now(self) -> bool:
        """Whether it speaks of the moment of the data, not of the period."""
        return clock_of(self.metric) is None


def clock_of(metric: Metric) -> str | None:
    """The finest time the figure knows; None where it speaks of one moment, the data's as-of."""
    return next((grain for grain in ("day", "week", "month") if grain in metric.dimensions), None)


def read_sections(con: duckdb.DuckDBPyConnection, period: Period, scope: Scope) -> dict[str, list[Line]]:
    """The sections of the pack with the figures this reader may see and of which there is something to tell."""
    shown = {
        title: [each for each in metrics if _is_told(each, period, scope)] for title, metrics in sections().items()
    }
    wanted = [metric for metrics in shown.values() for metric in metrics]
    found: dict[str, Any] = {}
    for group in _by_clock(wanted):
        found |= _values(con, group, period, scope)
    course = _course(con, wanted, period, scope)
    lines = {
        title: [
            Line(
                each,
                found.get(each.name),
                found.get(f"{each.name}_before"),
                found.get(f"{each.name}_last_year"),
                course.get(each.name, ()),
            )
            for each in metrics
            if found.get(each.name) is not None
        ]
        for title, metrics in shown.items()
    }
    return {title: each for title, each in lines.items() if each}


def read_stores(con: duckdb.DuckDBPyConnection, period: Period, scope: Scope) -> tuple[list[Metric], pl.DataFrame]:
    """The stores in reach that sold: `store`, `name`, each figure, `change_share` of the first to last year.

    One that has closed, and a warehouse, have nothing to tell.
    """
    where: dict[str, Filter] = {"day": Between(period.begin, period.end)}
    known = [each for each in columns() if clock_of(each) == "day" and "store" in each.splits]
    shown = [each for each in known if may_see(each, scope) and _is_there(con, each, scope)]
    if not shown:
        return [], pl.DataFrame()
    found = query(con, [each.name for each in shown], ["store"], where, scope=scope)
    first = shown[0].name
    beside = compare(con, [first], ["store"], where, to="last_year", scope=scope)
    change = beside.select("store", change_share=pl.col(f"{first}_change_share"))
    named = con.execute(STORES).pl()
    whole = found.join(change, on="store", how="left").join(named, on="store", how="left")
    return shown, whole.filter(pl.col(first).is_not_null()).sort(first, descending=True)


def _is_told(metric: Metric, period: Period, scope: Scope) -> bool:
    """Figures that know months only are told in monthly packs: the month that runs is no week of it."""
    return may_see(metric, scope) and (clock_of(metric) in {"day", None} or period.cadence == "monthly")


def _is_there(con: duckdb.DuckDBPyConnection, metric: Metric, scope: Scope) -> bool:
    """Whether what is published has the figure: it may be older than the figure is."""
    try:
        query(con, [metric.name], ["store"], {"day": Between(dt.date.max, dt.date.max)}, scope=scope)
    except InvalidQuery:
        return False
    return True


def _by_clock(metrics: Iterable[Metric]) -> list[list[Metric]]:
    groups: dict[str | None, list[Metric]] = {}
    for metric in metrics:
        groups.setdefault(clock_of(metric), []).append(metric)
    return list(groups.values())


def _values(con: duckdb.DuckDBPyConnection, group: Sequence[Metric], period: Period, scope: Scope) -> dict[str, Any]:
    """Figures of one clock by name, with `_before` and `_last_year`; one that cannot be told is not there."""
    try:
        return _ask(con, [each.name for each in group], clock_of(group[0]), period, scope)
    except InvalidQuery:
        if len(group) == 1:
            return {}
        # what is published may be older than one of them: that one is left out, not all
        return {name: value for each in group for name, value in _values(con, [each], period, scope).items()}


def _ask(
    con: duckdb.DuckDBPyConnection, names: list[str], clock: str | None, period: Period, scope: Scope
) -> dict[str, Any]:
    if clock == "day":
        where = {"day": Between(period.begin, period.end)}
        year = compare(con, names, (), where, to="last_year", scope=scope).row(0, named=True)
        last = {f"{name}_last_year": year[f"{name}_before"] for name in names}
        return compare(con, names, (), where, to="previous", scope=scope).row(0, named=True) | last
    if clock is None:
        return query(con, names, (), {}, scope=scope).row(0, named=True)
    found: dict[str, Any] = {}
    for word, months in (("", 0), ("_before", 1), ("_last_year", 12)):
        month = _months_back(period.begin, months)
        row = query(con, names, (), {clock: Between(month, month)}, scope=scope).row(0, named=True)
        found |= {f"{name}{word}": value for name, value in row.items()}
    return found


def _course(
    con: duckdb.DuckDBPyConnection, metrics: Sequence[Metric], period: Period, scope: Scope
) -> dict[str, tuple[float | None, ...]]:
    told = [each for each in metrics if period.grain in each.splits]
    groups = [group for group in _by_clock(told) if clock_of(group[0]) is not None]
    found: dict[str, tuple[float | None, ...]] = {}
    for group in groups:
        clock = clock_of(group[0])
        assert clock is not None
        where = {clock: Between(period.course_begin, period.end)}
        try:
            rows = query(con, [each.name for each in group], [period.grain], where, scope=scope)
        except InvalidQuery:
            continue
        for each in group:
            values = [None if value is None else float(value) for value in rows[each.name]]
            found[each.name] = tuple(values)
    return found


def _months_back(day: dt.date, months: int) -> dt.date:
    """The first of the month so many months earlier."""
    number = day.year * 12 + day.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)
