"""A figure's course in small: what it says, and that nothing of a figure's words becomes markup."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.sparkline import HEIGHT, WIDTH, draw_sparkline

FIGURES = st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=60)


def points_of(picture: str) -> list[tuple[float, float]]:
    line = re.findall(r'd="(M[^"V]+)"', unquote(picture))[0]
    return [(float(x), float(y)) for x, y in (point.split(",") for point in line[1:].split(" L"))]


def test_it_runs_from_edge_to_edge_with_the_lowest_below_and_the_highest_on_top():
    assert points_of(draw_sparkline([5.0, 10.0, 0.0], str)) == [(0.0, 15.0), (50.0, 1.0), (100.0, 29.0)]


def test_it_says_how_low_how_high_and_what_last():
    assert 'alt="Between 0.0 ₹ and 10.0 ₹, last 5.0 ₹"' in draw_sparkline([0.0, 10.0, 5.0], lambda value: f"{value} ₹")


@given(FIGURES)
def test_every_figure_lies_within_the_picture(values):
    points = points_of(draw_sparkline(values, str))
    assert len(points) == len(values)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


@pytest.mark.parametrize("words", ['"><script>', "<b>", "'"])
def test_words_stay_words(words):
    picture = draw_sparkline([1.0, 2.0], lambda value: words)
    assert picture.count("<") == picture.count(">") == 1
    assert picture.count('"') == 8
