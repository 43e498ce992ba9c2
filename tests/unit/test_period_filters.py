"""Weeks, months, quarters and years are those of the calendar, and what they are limited by holds for the same days."""

from __future__ import annotations

import datetime as dt
import random

import duckdb
import pytest

from warehouse.dimensions import DAYS, DIMENSIONS, Between, compile_filters
from warehouse.scope import Scope

EVERYTHING = Scope(stores=None, can_see_cost=True)
FIRST = dt.date(2023, 12, 20)


@pytest.fixture(scope="module")
def days():
    con = duckdb.connect()
    con.execute(f"CREATE TABLE f AS SELECT DATE '{FIRST}' + CAST(i AS INTEGER) AS d FROM range(800) AS r (i)")
    return con


@pytest.mark.parametrize("period", sorted(DAYS))
def test_limits_hold_for_the_days_of_the_calendar(days, period):
    begin = f"CAST(date_trunc('{period}', d) AS DATE)"
    own = DIMENSIONS[period].sql.format(time="d")
    assert days.execute(f"SELECT count(*) FROM f WHERE {begin} IS DISTINCT FROM {own}").fetchall() == [(0,)]
    begins = [each for (each,) in days.execute(f"SELECT DISTINCT {begin} FROM f ORDER BY 1").fetchall()]
    draw = random.Random(period)
    for _ in range(20):
        low, high = sorted(draw.choice([*begins, FIRST + dt.timedelta(days=draw.randrange(800))]) for _ in "ab")
        for wanted, meant in (
            (low, f"{begin} = '{low}'"),
            ([low, high], f"{begin} IN ('{low}', '{high}')"),
            ([None, low], f"{begin} = '{low}'"),
            (Between(low, high), f"{begin} BETWEEN '{low}' AND '{high}'"),
            (Between(low), f"{begin} >= '{low}'"),
            (Between(None, high), f"{begin} <= '{high}'"),
            (Between(None, dt.date.max), "TRUE"),
        ):
            conditions, values = compile_filters({period: wanted}, "d", EVERYTHING, {})
            found = days.execute(f"SELECT count(*), min(d), max(d) FROM f WHERE {' AND '.join(conditions)}", values)
            assert found.fetchall() == days.execute(f"SELECT count(*), min(d), max(d) FROM f WHERE {meant}").fetchall()


@pytest.mark.parametrize("name", sorted(name for name, each in DIMENSIONS.items() if each.key))
def test_a_key_tells_the_same_days_apart(days, name):
    told, key = (text.format(time="d") for text in (DIMENSIONS[name].sql, DIMENSIONS[name].key))
    groups = f"SELECT count(DISTINCT {told}), count(DISTINCT {key}), count(DISTINCT ({told}, {key})) FROM f"
    assert len(set(days.execute(groups).fetchone())) == 1
