"""Figures of periods are put together from days wherever they can be, and from nothing but days."""

from __future__ import annotations

import duckdb
import pytest

from warehouse.folding import fold

ROWS = """
(VALUES (1, DATE '2024-05-01', 3.5, 'a'), (2, '2024-05-01', NULL, 'b'), (3, '2024-05-07', 4, 'a'))
AS f (n, day_on, x, k)
"""


@pytest.mark.parametrize(
    "figure",
    [
        "sum(f.x) / nullif(count(*), 0)",
        "count(f.x)",
        "sum(f.x) FILTER (WHERE f.k = 'b')",
        "count(*) FILTER (WHERE f.k = 'c')",
        "max(f.x) - min(f.n)",
        "CASE WHEN count(f.x) >= 0.5 * count(*) THEN sum(abs(f.x)) END",
        "sum(f.n) / count(DISTINCT f.day_on)",
    ],
)
def test_what_is_put_together_from_days_is_what_the_rows_say(figure):
    parts, (told,) = fold((figure,), "f.day_on")
    days = f"SELECT day_on, {', '.join(parts)} FROM {ROWS} GROUP BY day_on"
    found = duckdb.sql(f"SELECT {told} FROM ({days}) AS f").fetchall()
    assert found == duckdb.sql(f"SELECT {figure} FROM {ROWS}").fetchall()


@pytest.mark.parametrize(
    "figure", ["count(DISTINCT f.k)", "median(f.x)", "avg(f.x)", "sum(f.x) / count(DISTINCT f.k)", "any_value(f.x)"]
)
def test_what_days_do_not_tell_is_left_to_the_rows(figure):
    assert fold((figure, "sum(f.x)"), "f.day_on") is None


def test_days_are_counted_as_days_only_where_they_are_the_day_asked_for():
    assert fold(("count(DISTINCT f.day_on)",), "m.now_on") is None
