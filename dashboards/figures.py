"""Asks the warehouse for metrics at the published snapshot. The figures are defined there; this only puts questions.

Answers are cached by (lake, snapshot, what the scope is for these figures, question): never stale, and shared by those
alone who may see the same stores and costs of them. What was asked lately is noted, for `ahead` to ask it of the next
snapshot before anybody comes.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import streamlit as st

from api.identity.scope import Scope
from api.services.observations import BUSINESS
from dashboards.copies import copy_of
from dashboards.installation import given_databases
from dashboards.periods import start_of
from dashboards.reader import lake_at, question_scope
from dashboards.recent import Recent
from warehouse import metrics
from warehouse.comparison import compare

KEPT = 2000  # answers, and what was asked lately: twenty people ask fewer on two mornings (`ims bench mornings`)


class _Asked(threading.local):
    """Where this page's thread had to look for the answer: the cache tells nobody."""

    source = "memory"


_asked = _Asked()
_recent = Recent["tuple[str, metrics.Scope, Question]"](KEPT)


@dataclass(frozen=True)
class Question:
    """Which metrics, split by what, over which days (both included), of which store and category (None: all).

    `where` fixes further dimensions; `clock` is the finest time that the metrics know: they are told of the weeks or
    months that the days touch. With `beside`, one of the catalogue's comparisons, each metric brings its columns
    `_before` and `_change_share`, or `_target` and `_attainment_share`.
    """

    names: tuple[str, ...]
    by: tuple[str, ...] = ()
    begin: dt.date | None = None
    end: dt.date | None = None
    store: str | None = None
    category: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    clock: str = "day"
    beside: str | None = None

    def split_by(self, *dimensions: str) -> Question:
        """The same question, split."""
        return replace(self, by=dimensions)

    def moved_back(self, days: int) -> Question:
        """The same question about an earlier period."""
        assert self.begin is not None
        assert self.end is not None
        return replace(self, begin=self.begin - dt.timedelta(days=days), end=self.end - dt.timedelta(days=days))


def ask(snapshot_id: int, scope: Scope, question: Question) -> pl.DataFrame:
    """One column per dimension and metric. Raises metrics.NotAllowed for what the scope does not include."""
    _asked.source = "memory"
    asked = (given_databases().lake, reach_of(scope, question), question)
    answer = _ask(snapshot_id, *asked)
    BUSINESS.answer(_asked.source)
    _recent.note(asked, snapshot_id)
    return answer


def asked_lately(lake: str) -> list[tuple[metrics.Scope, Question, int]]:
    """With what reach what was asked of the lake, and of which snapshot; the most recent first."""
    return [(reach, question, snapshot_id) for (at, reach, question), snapshot_id in _recent.listed() if at == lake]


def answer_ahead(lake: str, snapshot_id: int, reach: metrics.Scope, question: Question) -> None:
    """Have the answer in memory, for whoever has that reach when they come to ask."""
    _ask(snapshot_id, lake, reach, question)


def reach_of(scope: Scope, question: Question) -> metrics.Scope:
    """What of the scope an answer depends on, and is asked with: the permissions of its figures and their targets."""
    found = [metric for name in question.names if (metric := metrics.catalogue().get(name)) is not None]
    if question.beside == "target":
        found += [metrics.catalogue()[metric.target] for metric in found if metric.target is not None]
    return question_scope(scope).only({name for metric in found for name in metric.permissions})


def may_see(metric: metrics.Metric, scope: Scope) -> bool:
    """Whether the figure can be shown to the viewer at all: as the metric layer judges it for every surface."""
    return metrics.may_see(metric, question_scope(scope))


def daily_metrics(scope: Scope) -> dict[str, metrics.Metric]:
    """The figures of sales, by the day booked, that can be shown by store and category to this scope, by name."""
    return {
        name: metric
        for name, metric in metrics.catalogue().items()
        if (metric.table, metric.time) == ("marts.fct_sales_lines", "booked_on")
        and {"day", "store", "category"} <= set(metric.splits)
        and metric.permissions <= {"report:sales"}
        and may_see(metric, scope)
    }


def first_month(snapshot_id: int, scope: Scope) -> dt.date | None:
    """The month of the first sale; None where nothing was ever sold."""
    months = ask(snapshot_id, scope, Question(("units_sold",), by=("month",)))
    return None if months.is_empty() else months["month"][0]


# a question's words say all of it, and are had sooner than Streamlit looks into each of its parts
@st.cache_data(show_spinner=False, max_entries=KEPT, hash_funcs={Question: repr})
def _ask(snapshot_id: int, lake: str, scope: metrics.Scope, question: Question) -> pl.DataFrame:
    _asked.source = "lake" if copy_of(lake, snapshot_id) is None else "copy"
    where: dict[str, Any] = {}
    if question.begin is not None or question.end is not None:
        ends = (None if day is None else start_of(day, question.clock) for day in (question.begin, question.end))
        where[question.clock] = metrics.Between(*ends)
    for dimension, value in (("store", question.store), ("category", question.category), *question.where):
        if value is not None:
            where[dimension] = value
    con = lake_at(snapshot_id)
    if question.beside is not None:
        return compare(con, question.names, question.by, where, to=question.beside, scope=scope)
    return metrics.query(con, question.names, question.by, where, scope=scope)
