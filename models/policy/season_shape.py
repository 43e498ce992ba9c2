"""Weeks to come of a category, store by store: as published while the forecast reaches, then in last year's shape.

Beyond the forecast a store sells what it sold of late times what the category did in the same week of last year over
what it did in last year's like of the recent weeks. How far that rule was off is part of its scatter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RECENT = 13  # weeks that say how much a store sells of late
TRIED = 26  # weeks back from which the rule is tried on what came
LEAST = 1e-6  # units a week: what is less is nothing
WIDTH = 2.5631  # between the 10 % and the 90 % quantile of a normal distribution, in standard deviations


@dataclass(frozen=True)
class History:
    """asked: store_code, week_starting_on, demand_qty; lost: store_code, month_on, lost_qty (estimated, by month).

    aligned: Monday -> Monday of the week of the year before that lay the same way to its festival.
    """

    asked: pl.DataFrame
    lost: pl.DataFrame
    aligned: Mapping[date, date]

    def like(self, monday: date) -> date:
        """The week of the year before that it is compared with."""
        return self.aligned.get(monday, monday - timedelta(weeks=52))


@dataclass(frozen=True)
class Outlook:
    """weeks: store_code (null: all stores), week_starting_on, mean_qty, p10, p90, as published; `as_of` their day."""

    weeks: pl.DataFrame
    as_of: date


@dataclass(frozen=True)
class Expected:
    """Arrays (n_stores, n_weeks): expected units, last year's asked for and lost. scatter (n_stores,): 1 / size."""

    mean: Floats
    last: Floats
    lost: Floats
    last_year_on: list[date]
    is_forecast: list[bool]
    scatter: Floats
    common: float


def expect_weeks(history: History, outlook: Outlook, stores: Sequence[str], mondays: Sequence[date]) -> Expected:
    """What each store is expected to be asked for in each week.

    Worked number: a store of 10 a week of late; the category asked for 150 in the week a year ago and for 100 a week
    in last year's like of the recent weeks: 15.
    """
    told = {
        (row[0], row[1]): row[2] for row in outlook.weeks.select("store_code", "week_starting_on", "mean_qty").rows()
    }
    asked = {
        (row[0], row[1]): row[2] for row in history.asked.select("store_code", "week_starting_on", "demand_qty").rows()
    }
    lost = _lost_by_week(history.lost)
    known = {week for store, week in told if store is not None}
    likes = [history.like(monday) for monday in mondays]
    last = np.array([[asked.get((store, week), 0.0) for week in likes] for store in stores]).reshape(len(stores), -1)
    gone = np.array([[lost(store, week) for week in likes] for store in stores]).reshape(len(stores), -1)
    mean = np.zeros((len(stores), len(mondays)))
    shape = _Shape(history, asked, lost, outlook.as_of)
    for at, monday in enumerate(mondays):
        for row, store in enumerate(stores):
            mean[row, at] = told.get((store, monday), 0.0) if monday in known else shape.expect(store, monday)
    is_forecast = [monday in known for monday in mondays]
    apart = _scatter(outlook.weeks.filter(pl.col("store_code").is_null()))
    common = apart if all(is_forecast) else max(apart, shape.scatter())
    own = [_scatter(outlook.weeks.filter(pl.col("store_code") == store)) for store in stores]
    return Expected(mean, last, gone, likes, is_forecast, np.maximum(np.array(own, dtype=float), common), common)


class _Shape:
    """The rule beyond the forecast, and how far off it was."""

    def __init__(self, history: History, asked: Mapping[tuple[str, date], float], lost: _Lost, as_of: date) -> None:
        self._history, self._asked, self._lost = history, asked, lost
        self._stores = list(dict.fromkeys(store for store, _ in asked))
        self._monday = as_of - timedelta(days=as_of.weekday())
        self._wholes: dict[date, float] = {}
        self._indices: dict[tuple[date, date], float] = {}
        self._rates: dict[tuple[str, date], float] = {}

    def expect(self, store: str, monday: date, origin: date | None = None) -> float:
        origin = origin or self._monday
        if (store, origin) not in self._rates:
            wanted = [self._wanted(store, week) for week in _weeks_before(origin, RECENT)]
            self._rates[store, origin] = float(np.mean(wanted))
        return self._rates[store, origin] * self._index(monday, origin)

    def scatter(self) -> float:
        """Squared error of the rule in the last weeks, relative, less what counts scatter by themselves; 0 unknown."""
        weeks = _weeks_before(self._monday, TRIED)
        if not weeks or not any((store, weeks[0] - timedelta(weeks=52)) in self._asked for store in self._stores):
            return 0.0
        origin = weeks[0]
        came = np.array([self._whole(week) for week in weeks])
        told = np.array([sum(self.expect(store, week, origin) for store in self._stores) for week in weeks])
        level = float(told.mean())
        return max(float((((came - told) / level) ** 2).mean()) - 1 / level, 0.0) if level > LEAST else 0.0

    def _index(self, monday: date, origin: date) -> float:
        if (monday, origin) not in self._indices:
            recent = [self._whole(self._history.like(week)) for week in _weeks_before(origin, RECENT)]
            usual = float(np.mean(recent))
            self._indices[monday, origin] = self._whole(self._history.like(monday)) / usual if usual > LEAST else 1.0
        return self._indices[monday, origin]

    def _wanted(self, store: str, week: date) -> float:
        return self._asked.get((store, week), 0.0) + self._lost(store, week)

    def _whole(self, week: date) -> float:
        if week not in self._wholes:
            self._wholes[week] = sum(self._wanted(store, week) for store in self._stores)
        return self._wholes[week]


class _Lost:
    """Estimated lost units of a week: each month's evenly over its days."""

    def __init__(self, by_month: Mapping[tuple[str, date], float]) -> None:
        self._by_month = by_month

    def __call__(self, store: str, week: date) -> float:
        total = 0.0
        if not self._by_month:
            return total
        for day in (week + timedelta(days=at) for at in range(7)):
            month = day.replace(day=1)
            length = ((month + timedelta(days=31)).replace(day=1) - month).days
            total += self._by_month.get((store, month), 0.0) / length
        return total


def _lost_by_week(lost: pl.DataFrame) -> _Lost:
    return _Lost({(row[0], row[1]): row[2] or 0.0 for row in lost.select("store_code", "month_on", "lost_qty").rows()})


def _weeks_before(monday: date, count: int) -> list[date]:
    return [monday - timedelta(weeks=count - at) for at in range(count)]


def _scatter(weeks: pl.DataFrame) -> float:
    """1 / size of a week's total, from its published quantiles: what they are wider than a Poisson count's."""
    if weeks.is_empty():
        return 0.0
    mean, low, high = (weeks[name].to_numpy() for name in ("mean_qty", "p10", "p90"))
    beyond = ((high - low) / WIDTH) ** 2 - mean
    return max(float(beyond.sum()) / max(float((mean**2).sum()), 1e-9), 0.0)
