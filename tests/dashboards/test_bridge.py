"""A bridge reaches the other side: its steps add up to the change of the whole."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.charts.bridge import REST, draw_bridge

AMOUNTS = st.floats(-1e6, 1e6)


def drawn(names, before, now, wholes, most=10):
    (waterfall,) = draw_bridge(names, before, now, wholes, str, before_label="then", now_label="now", most=most).data
    return list(waterfall.y), list(waterfall.x)


def test_a_store_that_has_closed_takes_its_sales_away():
    names, steps = drawn(["S1", "S2"], [10.0, 40.0], [12.0, 0.0], (50.0, 12.0))
    assert names == ["then", "S1", "S2", "now"]
    assert steps == [50.0, 2.0, -40.0, 0]


def test_what_the_names_do_not_explain_is_a_step_too():
    names, steps = drawn(["S1"], [10.0], [12.0], (50.0, 30.0))
    assert names == ["then", "S1", REST, "now"]
    assert steps == [50.0, 2.0, -22.0, 0]


@example([(0.0, 5e-324)], 1, 0.0)
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=15), st.integers(1, 12), AMOUNTS)
def test_the_steps_lead_from_one_whole_to_the_other(pairs, most, unexplained):
    before, now = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    wholes = (sum(before), sum(now) + unexplained)
    _, steps = drawn([f"S{number}" for number in range(len(pairs))], before, now, wholes, most)
    assert sum(steps) == pytest.approx(wholes[1], abs=2e-6 * max(1.0, *map(abs, wholes)))
