"""What pages asked is asked of the next snapshot before anybody comes: by the same reach, of days that went on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from typing import Any

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as any_of

from api.identity.scope import Scope
from api.services.observations import BUSINESS
from dashboards import ahead, copies, figures
from dashboards.ahead import ask_ahead, go_on
from dashboards.figures import Question, ask, reach_of
from dashboards.periods import SPANS, days_back, days_of
from dashboards.recent import Recent
from tests.dashboards.world import AS_OF

DAYS = any_of.dates(dt.date(2025, 1, 1), dt.date(2027, 12, 31))


@given(DAYS, any_of.integers(0, 7), any_of.sampled_from(sorted(SPANS)))
def test_a_span_goes_on_with_the_data(before: dt.date, days: int, span: str) -> None:
    now = before + dt.timedelta(days=days)
    begin, end = days_of(span, before, dt.date.min)
    went_on = go_on(Question(("net_sales",), begin=begin, end=end), before, now)
    # two spans may be the same days, as on the second of a month its last day and what there is of it
    same = [each for each in SPANS if days_of(each, before, dt.date.min) == (begin, end)]
    assert (went_on.begin, went_on.end) in [days_of(each, now, dt.date.min) for each in same]


@pytest.mark.parametrize("comparison", ["year", "before"])
def test_the_days_that_a_span_is_compared_with_go_on_too(comparison: str) -> None:
    before, now = dt.date(2026, 11, 22), dt.date(2026, 11, 23)
    questions = []
    for as_of in (before, now):
        begin, end = days_of("last_week", as_of, dt.date.min)
        questions.append(Question(("net_sales",), begin=begin, end=end).moved_back(days_back(begin, end, comparison)))
    assert questions[0] != questions[1]
    assert go_on(questions[0], before, now) == questions[1]


def test_days_of_ones_own_and_no_days_stay() -> None:
    own = Question(("net_sales",), begin=dt.date(2026, 11, 3), end=dt.date(2026, 11, 5))
    for question in (own, Question(("stock_on_hand",))):
        assert go_on(question, dt.date(2026, 11, 22), dt.date(2026, 11, 23)) == question


def test_the_least_recent_is_forgotten() -> None:
    recent = Recent[str](2)
    for asked, snapshot_id in (("a", 1), ("b", 1), ("a", 2), ("c", 2)):
        recent.note(asked, snapshot_id)
    assert recent.listed() == [("c", 2), ("a", 2)]


@pytest.fixture
def asked_before(world, site, monkeypatch: pytest.MonkeyPatch) -> tuple[Scope, Question]:
    """What a manager of one store asked of the snapshot before the one that is published, of which there is a copy."""
    databases = world.installation.databases
    monkeypatch.setattr(st, "secrets", {"databases": dataclasses.asdict(databases)})
    monkeypatch.setattr(figures, "_recent", Recent[Any](10))
    monkeypatch.setattr(ahead, "_days", {0: AS_OF - dt.timedelta(days=1)})
    scope, question = scope_of("S01"), Question(("net_sales",), ("day",))
    figures._recent.note((databases.lake, reach_of(scope, question), question), 0)
    copies.look(databases, world.installation.settings)
    return scope, question


def scope_of(store: str) -> Scope:
    stores = frozenset({store})
    return Scope(stores, sees_cost=False, reports=(("report:sales", stores),))


def answers_by(source: str) -> float:
    return BUSINESS.questions.labels(source)._value.get()


def test_what_was_asked_before_is_answered_from_memory(world, asked_before) -> None:
    scope, question = asked_before
    ask_ahead(threading.Event())
    before = {source: answers_by(source) for source in ("memory", "copy")}
    assert not ask(world.snapshot_id, scope, question).is_empty()
    assert answers_by("memory") == before["memory"] + 1
    # the answer is for that reach alone
    ask(world.snapshot_id, scope_of("S02"), question)
    assert answers_by("copy") == before["copy"] + 1


def test_the_end_of_the_web_app_is_not_waited_for(world, asked_before) -> None:
    ended, (scope, question) = threading.Event(), asked_before
    figures._recent.note((world.installation.databases.lake, reach_of(scope, question), question.split_by("store")), 0)
    ended.set()
    before = BUSINESS.ahead._value.get()
    ask_ahead(ended)
    assert BUSINESS.ahead._value.get() == before + 1


def test_what_nobody_asked_for_a_week_is_not_asked_ahead(world, asked_before, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_days", {0: AS_OF - dt.timedelta(days=8)})
    before = BUSINESS.ahead._value.get()
    ask_ahead(threading.Event())
    assert BUSINESS.ahead._value.get() == before
