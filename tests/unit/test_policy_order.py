"""The order rule: quantiles of the need, lots, display stock, and what must never happen whatever comes in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.policy.costs import resolve_costs, shift_tau
from models.policy.order import choose_quantity, take_quantile, walk_stock
from models.policy.paths import count_units, key_pair, sample_paths, spread_factors

NAN = float("nan")
SEEDS = st.integers(0, 2**32 - 1)


def draw_demand(seed: int, n_segments: int = 3, n_paths: int = 200) -> np.ndarray:
    random = np.random.default_rng(seed)
    mean = random.gamma(1.0, 4.0, (6, n_segments, 1))
    return random.poisson(mean * random.gamma(4, 0.25, (6, 1, n_paths))).astype(np.int32)


def some_keys(n: int) -> np.ndarray:
    return np.array([key_pair("S1", f"P{i}") for i in range(n)], dtype=np.uint64)


def lots(pack: int = 1, moq: int = 1, display: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.full(6, pack), np.full(6, moq), np.full(6, display)


def order(demand: np.ndarray, on_hand: np.ndarray, tau: float, *lot: int) -> np.ndarray:
    arriving = np.array([[0, 2, 0]] * 6)
    need = walk_stock(on_hand, arriving, demand, 2, False)
    return choose_quantity(need, np.full(6, tau), *lots(*lot))[1]


def test_walk_by_hand_loses_what_finds_no_stock() -> None:
    demand = np.array([[[7], [1], [3]]], dtype=np.int32)
    # 5 on hand serve 5 of 7; 2 arrive before the second demand takes 1; 1 is left for a cover of 3
    assert walk_stock(np.array([5]), np.array([[0, 2, 0]]), demand, 2, False).tolist() == [[2]]
    # owed instead: 5 - 7 + 2 - 1 = -1, so 4 are needed
    assert walk_stock(np.array([5]), np.array([[0, 2, 0]]), demand, 2, True).tolist() == [[4]]


def test_an_arrival_inside_the_cover_helps_only_from_its_day_on() -> None:
    demand = np.array([[[0], [4], [3]]], dtype=np.int32)
    early = walk_stock(np.array([0]), np.array([[0, 5, 0]]), demand, 1, False)
    late = walk_stock(np.array([0]), np.array([[0, 0, 5]]), demand, 1, False)
    assert early.tolist() == [[2]]
    assert late.tolist() == [[4]]


def test_upper_quantile_by_hand() -> None:
    ordered = np.array([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]], dtype=np.int32)
    assert [int(take_quantile(ordered, np.array([tau]))[0]) for tau in (0.1, 0.11, 0.8, 0.81, 1.0)] == [0, 1, 7, 8, 9]


@given(SEEDS, st.floats(0.05, 0.9), st.floats(0.0, 0.09), st.integers(1, 7), st.integers(0, 20))
@settings(max_examples=60)
def test_order_grows_with_tau_and_falls_with_stock(seed: int, tau: float, more: float, pack: int, moq: int) -> None:
    demand = draw_demand(seed)
    stock = np.arange(6) * 2
    quantity = order(demand, stock, tau, pack, moq)
    assert (order(demand, stock, tau + more, pack, moq) >= quantity).all()
    assert (order(demand, stock + 1, tau, pack, moq) <= quantity).all()


@given(SEEDS, st.floats(0.05, 0.995), st.integers(1, 9), st.integers(0, 40), st.integers(0, 12))
@settings(max_examples=60)
def test_lots_are_whole_and_reach_the_minimum_or_nothing(
    seed: int, tau: float, pack: int, moq: int, display: int
) -> None:
    quantity = order(draw_demand(seed), np.zeros(6, dtype=np.int64), tau, pack, moq, display)
    assert quantity.dtype.kind == "i"
    assert (quantity >= 0).all()
    assert (quantity % pack == 0).all()
    assert ((quantity == 0) | (quantity >= moq)).all()


def test_lots_take_the_cheaper_neighbour() -> None:
    # needs 1 unit on 70 % of the paths: a pack of 2 pays at tau .8, a pack of 30 does not
    need = np.array([[0] * 30 + [1] * 70], dtype=np.int32)
    pick = [choose_quantity(need, np.array([0.8]), np.array([p]), np.array([1]), np.array([0]))[1][0] for p in (2, 30)]
    assert pick == [2, 0]


def test_display_stock_stands_on_half_of_the_paths() -> None:
    demand = np.zeros((6, 3, 100), dtype=np.int32)
    assert order(demand, np.zeros(6, dtype=np.int64), 0.8, 1, 1, 5).tolist() == [3] * 6


@given(SEEDS, st.integers(0, 30), st.booleans())
@settings(max_examples=40)
def test_lost_sales_never_leave_negative_stock(seed: int, on_hand: int, is_backordered: bool) -> None:
    demand = draw_demand(seed)
    stock = np.full(6, on_hand)
    left = -walk_stock(stock, np.zeros((6, 3), dtype=np.int64), demand * [[[1], [1], [0]]], 2, is_backordered)
    assert is_backordered or (left >= 0).all()
    spent = demand[:, 0] + demand[:, 1]
    expected = stock[:, None] - spent if is_backordered else np.maximum(stock[:, None] - spent, 0)
    assert (left == expected).all()


def test_paths_have_the_mean_and_variance_they_claim() -> None:
    n = 40
    means = np.full((n, 2), 6.0)
    demand = sample_paths(means, np.full(n, 0.2), np.full((n, 2), 0.1), 1, some_keys(n), 7, 2000)
    assert demand.mean() == pytest.approx(6.0, rel=0.02)
    # variance of a week: m + m^2 (s + i + s i); covariance of two weeks: m^2 s
    assert demand[:, 0].var() == pytest.approx(6 + 36 * (0.2 + 0.1 + 0.02), rel=0.05)
    covariance = ((demand[:, 0] - 6.0) * (demand[:, 1] - 6.0)).mean()
    assert covariance == pytest.approx(36 * 0.2, rel=0.1)


@pytest.mark.parametrize("rate", [0.05, 0.7, 3.0, 40.0, 300.0])
def test_counts_are_poisson(rate: float) -> None:
    strata = np.arange(1000)[None, :]
    units = count_units(np.full((1, 1000), rate, dtype=np.float32), strata)
    exact = stats.poisson.ppf((strata + 0.5) / 1000, rate)
    assert units.mean() == pytest.approx(rate, rel=0.02)
    assert np.abs(units - exact).max() <= max(1, 0.016 * rate)


def test_paths_of_a_pair_do_not_depend_on_its_batch() -> None:
    keys = some_keys(4)
    means = np.arange(1, 9, dtype=float).reshape(4, 2)
    many = sample_paths(means, np.full(4, 0.2), np.full((4, 2), 0.1), 1, keys, 3, 64)
    alone = sample_paths(means[2:3], np.full(1, 0.2), np.full((1, 2), 0.1), 1, keys[2:3], 3, 64)
    padded = np.insert(means[2:3], 1, 0.0, axis=1)
    wide = sample_paths(padded, np.full(1, 0.2), np.full((1, 3), 0.1), 2, keys[2:3], 3, 64)
    assert (many[2] == alone[0]).all()
    assert (wide[0, [0, 2]] == alone[0]).all()


def test_factors_have_mean_one_and_their_variance() -> None:
    variance = np.array([0.0, 0.01, 0.1, 0.5, 2.0])
    factors = spread_factors(variance, 1000)
    assert factors.mean(axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert factors.var(axis=1) == pytest.approx(variance, rel=0.03, abs=2e-4)


def test_costs_given_decide_then_margin_then_the_default() -> None:
    holding, shortage = np.array([0.2, NAN, NAN, NAN]), np.array([1.0, NAN, NAN, NAN])
    service = np.array([NAN, NAN, NAN, 0.97])
    unit_cost, price = np.array([5.0, 52.18, NAN, 5.0]), np.array([9.0, 102.18, 3.0, 9.0])
    costs = resolve_costs(holding, shortage, service, unit_cost, price, np.full(4, 7.0))
    assert costs.source.tolist() == ["costs", "margin", "default_ratio", "service_level"]
    # margin 50; holding .2 * 52.18 a year = .2 a week: .996, held at the bound
    assert costs.tau == pytest.approx([1 / 1.2, 0.995, 0.9, 0.97], abs=1e-3)
    assert shift_tau(costs.tau, -0.34, costs.is_fixed)[[0, 3]] == pytest.approx([0.78, 0.97], abs=0.002)


def test_a_price_below_cost_is_no_margin() -> None:
    none = np.array([NAN])
    costs = resolve_costs(none, none, none, np.array([9.0]), np.array([5.0]), np.array([7.0]))
    assert costs.source.tolist() == ["default_ratio"]
    assert costs.tau.tolist() == pytest.approx([0.9])
