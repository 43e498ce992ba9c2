"""Lead times, order days, limits, places on the board, counts: each by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.forecast.engine import Forecast
from models.policy.counting import COUNT_SCHEMA, beyond_chance, list_counts, zero_probability
from models.policy.lead_times import LEAD_SCHEMA, LEVELS, infer_quantiles, learn_lead_times, spread_stated
from models.policy.limits import apply_limits, number_orders
from models.policy.protection import stretch_lengths, wait_for_order_day
from models.policy.value import STEPS, Ladder

AS_OF = date(2024, 4, 15)
MEDIAN = LEVELS.index(0.5)
P90 = LEVELS.index(0.9)


def quantiles(value: list[float], is_ended: list[bool], prior: list[float], strength: float) -> np.ndarray:
    weight = np.ones(len(value))
    return infer_quantiles(np.array(value), np.array(is_ended, dtype=bool), weight, np.array(prior), strength)


def test_without_a_prior_open_lines_count_as_kaplan_and_meier_have_it() -> None:
    # ended at 5 and 10, open at 7 and 12: S(5) = 3/4, S(10) = 3/4 * 1/2
    found = quantiles([5, 7, 10, 12], [True, False, True, False], [5.0], 1e-9)
    assert found[LEVELS.index(0.25)] == 5
    assert found[MEDIAN] == 10
    assert found[LEVELS.index(0.65)] == 12  # what is longest known: nothing says when the rest will come


def test_no_line_leaves_the_prior_and_many_lines_outweigh_it() -> None:
    assert quantiles([], [], [10.0, 20.0], 5.0)[MEDIAN] == 10
    assert quantiles([30.0] * 50, [True] * 50, [10.0], 5.0)[MEDIAN] == 30
    assert quantiles([30.0], [True], [10.0], 5.0)[MEDIAN] == 10


def test_overdue_orders_lengthen_what_is_learnt() -> None:
    came = quantiles([10.0] * 10, [True] * 10, [10.0], 1.0)
    waiting = quantiles([10.0] * 10 + [60.0] * 5, [True] * 10 + [False] * 5, [10.0], 1.0)
    assert came[P90] == 10
    assert waiting[P90] == 60


def lead_frames(days: list[int | None], waited: list[int | None]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    lines = pl.DataFrame(
        {
            "vendor_code": ["V"] * len(days),
            "category": ["c"] * len(days),
            "lead_time_days": days,
            "waited_days": waited,
        },
        schema_overrides={"lead_time_days": pl.Int64, "waited_days": pl.Int64},
    ).with_columns(sent_on=pl.lit(AS_OF - timedelta(days=60)))
    terms = pl.DataFrame(
        {"store_code": ["S", "S"], "sku": ["A", "B"], "vendor_code": ["V", "W"], "lead_time_days": [10, 20]}
    )
    catalog = pl.DataFrame({"store_code": ["S", "S"], "sku": ["A", "B"], "category": ["c", "c"]})
    return lines, terms, catalog


def test_a_vendor_is_known_by_its_lines_another_by_the_chain() -> None:
    leads = learn_lead_times(*lead_frames([15] * 40, [None] * 40), AS_OF)
    assert dict(leads.schema) == LEAD_SCHEMA
    own, other = leads.filter(pl.col("vendor_code") == "V"), leads.filter(pl.col("vendor_code") == "W")
    assert (own["ended_lines"].item(), own["source"].item(), own["p50_days"].item()) == (40, "own lines", 15.0)
    # the chain's vendors take half as long again as they say, so W's 20 days are 30
    assert (other["ended_lines"].item(), other["source"].item(), other["p50_days"].item()) == (0, "chain", 30.0)


def test_few_lines_teach_nothing_and_dirty_ones_are_left_out() -> None:
    assert learn_lead_times(*lead_frames([15] * 9, [None] * 9), AS_OF).is_empty()
    leads = learn_lead_times(*lead_frames([15] * 12 + [-4, None, 9_999], [None] * 13 + [30, None]), AS_OF)
    assert leads.filter(pl.col("vendor_code") == "V")["ended_lines"].item() == 13
    assert leads["p95_days"].max() <= 400


def test_stated_spread_keeps_its_mean() -> None:
    days = spread_stated(np.array([12.0, 10.0, 0.0]), np.array([6.0, 0.0, 5.0]))
    assert days.mean(axis=1) == pytest.approx([12.0, 10.0, 0.0])
    assert np.ptp(days, axis=1)[1:].tolist() == [0.0, 0.0]


def test_lengths_of_paths_are_the_lead_times() -> None:
    days = spread_stated(np.array([20.0]), np.array([6.0]))
    lengths = stretch_lengths(days, np.array([0]), np.array([7]), 1, 2000)
    assert lengths is not None
    before, cover = (each[0] for each in lengths)
    assert before.mean() == pytest.approx(1.0, abs=0.01)
    assert (before * 20).std() == pytest.approx(6.0, rel=0.1)
    assert np.corrcoef(before, cover)[0, 1] < -0.5  # an order that comes early must last longer
    assert stretch_lengths(np.full((1, 19), 5.0), np.array([0]), np.array([7]), 1, 100) is None


def test_orders_wait_for_the_vendors_day() -> None:
    tuesday = np.array([1, 1, 1, 1])
    assert wait_for_order_day(tuesday, [[1, 4], None, [], [2]]).tolist() == [2, 0, 0, 0]


def ladder(units: list[list[int]], saved: list[list[float]]) -> Ladder:
    wide = [row + [row[-1]] * (STEPS - len(row)) for row in units]
    money = [row + [row[-1]] * (STEPS - len(row)) for row in saved]
    return Ladder(np.array(wide), np.array(money), np.full(len(units), STEPS - 1))


def limit(quantity: list[int], saved: list[float], steps: Ladder, minimum: float, budget: float | None) -> list[tuple]:
    n = len(quantity)
    orders = number_orders(["S"] * n, ["V"] * n)
    done = apply_limits(
        np.array(quantity), np.array(saved), steps, np.full(n, 10.0), orders, np.full(n, minimum), budget
    )
    return list(zip(done.quantity.tolist(), done.code, strict=True))


def test_the_budget_goes_to_what_earns_most_for_its_money() -> None:
    steps = ladder([[6], [4], [5]], [[30.0], [24.0], [20.0]])
    assert limit([6, 4, 5], [30, 24, 20], steps, np.nan, 100.0) == [(6, ""), (4, ""), (0, "OVER_BUDGET")]
    # lot by lot: the second lot of the first is worth less than the only one of the second
    steps = ladder([[1, 2], [1]], [[9.0, 10.0], [5.0]])
    assert limit([2, 1], [10, 5], steps, np.nan, 20.0) == [(1, "OVER_BUDGET"), (1, "")]
    assert limit([2, 1], [10, 5], steps, np.nan, 0.0) == [(0, "OVER_BUDGET"), (0, "OVER_BUDGET")]


def test_an_order_below_the_vendors_minimum_is_filled_up_or_waits() -> None:
    units = np.array([[2] * STEPS + [3, 4], [0] * STEPS + [1, 2]])
    saved = np.array([[8.0] * STEPS + [7.0, 5.0], [0.0] * STEPS + [0.5, 0.1]])
    more = Ladder(units, saved, np.array([STEPS - 1, -1]))
    assert limit([2, 0], [8, 0], more, 20.0, None) == [(2, ""), (0, "")]
    assert limit([2, 0], [8, 0], more, 30.0, None) == [(2, ""), (1, "FILLED_TO_MINIMUM")]
    assert limit([2, 0], [8, 0], more, 900.0, None) == [(0, "MOQ_DEFERRED"), (0, "")]
    assert limit([2, 0], [8, 0], more, 30.0, 25.0) == [(0, "MOQ_DEFERRED"), (0, "")]


def test_silence_is_judged_against_chance_over_all_pairs() -> None:
    assert zero_probability(np.array([3.0, 3.0]), np.array([0.0, 0.5])) == pytest.approx([np.exp(-3), 2.5**-2])
    assert beyond_chance(np.array([0.001, 0.5, 0.02])).tolist() == [True, False, True]
    assert not beyond_chance(np.linspace(0.2, 1.0, 50)).any()
    assert beyond_chance(np.array([])).tolist() == []


def test_phantoms_and_frozen_goods_are_listed_by_money() -> None:
    skus = ["ghost", "slow", "frozen", "sold out", "nobody knows"]
    series = pl.DataFrame({"store_code": ["S"] * 5, "sku": skus})
    forecast = Forecast(
        AS_OF, series, np.full((5, 4), 1.0), np.full(5, 0.1), np.full(5, 0.1), None, np.array(["x"] * 5)
    )
    watched = series.with_columns(
        on_hand_qty=pl.Series([4, 4, None, 0, 2]),
        last_sold_on=pl.Series([date(2023, 6, 1), date(2024, 4, 1), None, date(2024, 4, 1), None]),
        silent_days=pl.Series([300, 12, None, None, 3]),
        silence_probability=pl.Series([1e-6, 0.6, None, None, 0.9]),
        ever_held=pl.Series([True, True, False, True, True]),
        chain_daily_rate=pl.lit(0.2),
        unit_cost=pl.lit(6.0),
        unit_price=pl.lit(10.0),
    )
    found = list_counts(watched, forecast, AS_OF)
    assert dict(found.schema) == COUNT_SCHEMA
    assert found.select("sku", "kind", "rank_in_store").rows() == [("ghost", "phantom", 1), ("frozen", "frozen", 2)]
    ghost, frozen = found.rows(named=True)
    assert ghost["money_at_stake"] == pytest.approx(1.4 * 4 * 13 + 4 * 6, abs=0.01)
    assert frozen["money_at_stake"] == pytest.approx(1.4 * 4 * 13, abs=0.01)
    assert (frozen["zero_sales_probability"], frozen["silent_days"]) == (None, None)
    assert list_counts(watched.clear(), forecast, AS_OF).is_empty()
