"""A bridge reaches the other side: its steps add up to the change of the whole."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.blocks import names as blocks
from dashboards.board import boards
from dashboards.charts.bridge import REST, draw_bridge
from warehouse.catalogue import catalogue

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


class Closed:
    """What a page reads of a store that sold last year and has nothing since: no figure, not 0."""

    class selection:  # noqa: N801  (stands for an instance)
        beside = "previous"

    def words(self, metric):
        return str

    def ask(self, metrics, by=(), beside=False):
        return pl.DataFrame(
            {"net_sales": [None], "net_sales_before": [50.0]}, {"net_sales": float, "net_sales_before": float}
        )


def test_a_whole_without_a_figure_is_a_way_down_to_nothing():
    block = next(each for board in boards() for each in board.blocks if each.kind == "bridge")
    rows = pl.DataFrame({"store": ["S10"], "net_sales": [0.0], "net_sales_before": [50.0]})
    (waterfall,) = blocks._draw(block, catalogue()["net_sales"], ["S10"], rows, Closed()).data
    assert (list(waterfall.x), sum(waterfall.x)) == ([50.0, -50.0, 0], 0)
