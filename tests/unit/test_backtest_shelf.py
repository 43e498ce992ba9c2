"""The chain's own shelf: what it did is priced like any policy, and its orders are learnt as a rule."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.backtest.history import History, read_history, whole_units
from models.backtest.rules import MinMax, fill_lots
from models.backtest.shelf import Shelf, judge_actual, learn_incumbent, own_history, own_start, read_shelf
from models.backtest.simulator import simulate
from models.backtest.windows import Start, Window

MONDAY = date(2022, 1, 3)
N_WEEKS = 60


def build_frames(n_pairs: int, demand: int, pack: int = 1) -> dict[str, pl.DataFrame]:
    pairs = pl.DataFrame({"store_code": ["S1"] * n_pairs, "sku": [f"P{i:02d}" for i in range(n_pairs)]})
    weeks = pl.DataFrame({"week_starting_on": [MONDAY + timedelta(weeks=w) for w in range(N_WEEKS)]})
    unknown = {"brand": pl.String, "cluster": pl.String, "region": pl.String, "launched_on": pl.Date}
    unknown |= {"discontinued_on": pl.Date, "unit_price": pl.Float64, "unit_cost": pl.Float64}
    terms = {"vendor_code": "V", "lead_time_days": 7, "review_period_days": 7, "moq": 1, "pack_size": pack}
    costs = {"unit_cost": 10.0, "holding_cost_per_unit_week": 0.2, "shortage_cost_per_unit": 1.0, "display_min": 0}
    return {
        "demand": pairs.join(weeks, how="cross").with_columns(
            demand_qty=pl.lit(float(demand)), in_stock_share=1.0, is_complete=True
        ),
        "catalog": pairs.with_columns(
            pl.lit("C").alias("category"),
            pl.lit("D").alias("subcategory"),
            *(pl.lit(None, kind).alias(name) for name, kind in unknown.items()),
            is_in_assortment=True,
        ),
        "terms": pairs.with_columns(
            *(pl.lit(value).alias(name) for name, value in {**terms, **costs}.items()),
            service_level=pl.lit(None, pl.Float64),
            lead_time_sd_days=pl.lit(None, pl.Float64),
        ),
    }


def build_history(frames: dict[str, pl.DataFrame]) -> History:
    return read_history(**frames, as_of=MONDAY + timedelta(weeks=N_WEEKS))


def live_up_to(history: History, level: int, demand: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """A chain that orders up to `level` every Monday, a week ahead: its sales, openings and order lines."""
    stock, coming = level, 0
    sales, openings, lines = [], [], []
    for week in range(N_WEEKS + 1):
        monday = MONDAY + timedelta(weeks=week)
        openings.append({"week_starting_on": monday, "on_hand_qty": stock})
        stock += coming  # comes in the week after it was ordered
        quantity = level - stock
        if quantity > 0 and week < N_WEEKS:
            arrives = monday + timedelta(weeks=1)
            lines.append({"sent_on": monday, "arrived_on": arrives, "ordered_qty": quantity})
        sold = min(stock, demand)
        sales.append({"week_starting_on": monday, "demand_qty": float(sold)})
        stock, coming = stock - sold, quantity

    def everywhere(rows: list[dict[str, object]]) -> pl.DataFrame:
        return history.panel.series.join(pl.DataFrame(rows), how="cross")

    return everywhere(sales[:N_WEEKS]), everywhere(openings), everywhere(lines)


def test_the_week_of_the_chain_itself_by_hand() -> None:
    history = build_history(build_frames(1, 3))
    opening = np.full((1, N_WEEKS + 1), 5)
    opening[0, 31:33] = [2, 0]  # week 30 sells 3 of 5, week 31 the last 2 of 3 asked for, week 32 receives 5
    sold = np.full((1, N_WEEKS), 3)
    sold[0, 31] = 2
    nothing = np.zeros((1, N_WEEKS), dtype=np.int64)
    shelf = Shelf(opening, sold, nothing, nothing, nothing)
    assert [int(shelf.arrived(week)[0]) for week in (30, 31, 32)] == [0, 0, 8]
    judged = own_history(history, shelf)
    window = Window(29, 2, 3)
    start = own_start(judged, shelf, window)
    assert (start.on_hand.tolist(), start.takes_part.tolist()) == ([5], [True])
    assert start.due[0, 0] == 3  # what came in week 29, which no order of the window reaches
    outcome = judge_actual(judged, shelf, window, start)
    # scored are weeks 30 and 31: 2 and 0 units left, one of six missing
    assert outcome.total("stock").tolist() == [2.0]
    assert outcome.total("value").tolist() == [20.0]
    assert (outcome.total("short").tolist(), outcome.total("empty").tolist()) == ([1.0], [1.0])
    assert outcome.cost.tolist() == pytest.approx([0.2 * 2 + 1.0])


def test_the_rule_behind_the_chains_orders_is_found() -> None:
    history = build_history(build_frames(2, 4))
    sales, openings, lines = live_up_to(history, 12, 4)
    shelf = read_shelf(history, sales, openings, lines)
    assert shelf.is_known
    rule = learn_incumbent(history, shelf, 50)
    assert rule is not None
    assert rule.cover_weeks.tolist() == pytest.approx([3.0, 3.0], abs=1.01)  # 12 units are three weeks of 4
    assert rule.order_share.tolist() == pytest.approx([1.0, 1.0], abs=0.05)
    assert learn_incumbent(history, shelf, 3) is None  # too few orders to learn from


def test_a_policy_on_the_chains_own_shelf_begins_with_what_stood_there() -> None:
    history = build_history(build_frames(2, 4))
    shelf = read_shelf(history, *live_up_to(history, 12, 4))
    judged = own_history(history, shelf)
    start = own_start(judged, shelf, Window(40, 6, 7))
    assert start.on_hand.tolist() == shelf.opening[:, 40].tolist()
    actual = judge_actual(judged, shelf, Window(40, 6, 7), start)
    lean = simulate(judged, Window(40, 6, 7), start, MinMax([(0.0, 0.25)]), False)
    assert actual.total("demand").tolist() == lean.total("demand").tolist()  # the same demand is judged on
    assert lean.total("holding")[0] < actual.total("holding")[0]


def test_minimum_and_maximum_by_hand() -> None:
    history = build_history(build_frames(1, 4, pack=5))
    rule = MinMax([(0.0, 1.0), (-1.0, 1.0)])
    on_hand, due = np.array([[6], [6]]), np.zeros((2, 1, 3), dtype=np.int64)
    # lead and review a week each, mean 4: minimum 8, maximum 12; or 4 and 8. Packs of 5: 6 wanted are 10
    assert rule.order(history, 40, on_hand, due).tolist() == [[10], [0]]
    assert fill_lots(np.array([[0.0], [7.0]]), history.terms).tolist() == [[0], [10]]


def test_units_balance_and_no_shelf_is_below_nothing() -> None:
    history = build_history(build_frames(3, 4))
    window = Window(40, 6, 8)
    start = Start(np.ones(3, dtype=bool), np.array([9, 2, 0]), np.zeros((3, 9), dtype=np.int64))
    start.due[:, 0] = 3
    ordered = np.zeros((1, 3), dtype=np.int64)
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    class Remember(MinMax):
        def order(self, history: History, week: int, on_hand: np.ndarray, due: np.ndarray) -> np.ndarray:
            quantity = super().order(history, week, on_hand, due)
            ordered[:] += quantity
            return quantity

    simulate(history, window, start, Remember([(-1.0, 0.5)]), False, lambda _week, *end: seen.append(end))
    sold = sum(history.units[:, 40 + step] - short for step, (_, short) in enumerate(seen))
    assert min(int(stock.min()) for stock, _ in seen) >= 0
    assert (start.on_hand + start.due.sum(axis=1) + ordered - sold == seen[-1][0]).all()


def test_a_share_of_a_unit_is_a_unit_now_and_then() -> None:
    keys = np.arange(1, 400, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    units = whole_units(np.full((len(keys), 30), 0.3), keys)
    assert set(np.unique(units)) == {0, 1}
    assert units.mean() == pytest.approx(0.3, abs=0.02)
    assert (whole_units(np.full((len(keys), 3), 2.0), keys) == 2).all()
