"""The simulator and the order rule keep the same clock; stock, money and perfect knowledge behave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.backtest.history import History, fill_weeks, read_history
from models.backtest.policies import FixedCover, Foresight, PathRule, place_arrivals, review_bounds
from models.backtest.simulator import simulate
from models.backtest.windows import Start, Window, keep_replayable, list_windows, start_window
from models.forecast.engine import Forecast
from models.policy.order import walk_stock
from models.policy.plan import plan_orders

MONDAY = date(2022, 1, 3)


def build_frames(n_pairs: int, n_weeks: int, lead: int, review: int, seed: int = 0) -> dict[str, pl.DataFrame]:
    random = np.random.default_rng(seed)
    pairs = pl.DataFrame({"store_code": ["S1"] * n_pairs, "sku": [f"P{i:02d}" for i in range(n_pairs)]})
    rate = random.gamma(1.5, 2.0, (n_pairs, 1)) + 0.2
    units = random.poisson(rate * random.gamma(6, 1 / 6, (1, n_weeks)))
    weeks = pl.DataFrame({"week_starting_on": [MONDAY + timedelta(weeks=w) for w in range(n_weeks)]})
    nothing = [pl.lit(None, pl.String).alias(name) for name in ("brand", "cluster", "region")]
    days = [pl.lit(None, pl.Date).alias(name) for name in ("launched_on", "discontinued_on")]
    money = [pl.lit(None, pl.Float64).alias(name) for name in ("unit_price", "unit_cost")]
    return {
        "demand": pairs.join(weeks, how="cross").with_columns(
            pl.Series("demand_qty", units.ravel().astype(float)), in_stock_share=1.0, is_complete=True
        ),
        "catalog": pairs.with_columns(
            pl.lit("C").alias("category"), pl.lit("D").alias("subcategory"), *nothing, *days, *money,
            pl.lit(True).alias("is_in_assortment"),
        ),
        "terms": pairs.with_columns(
            pl.lit("V").alias("vendor_code"), pl.lit(lead).alias("lead_time_days"),
            pl.lit(review).alias("review_period_days"), pl.lit(None, pl.Float64).alias("lead_time_sd_days"),
            pl.lit(1).alias("moq"), pl.lit(1).alias("pack_size"), pl.lit(None, pl.Float64).alias("unit_cost"),
            pl.lit(0.2).alias("holding_cost_per_unit_week"), pl.lit(1.0).alias("shortage_cost_per_unit"),
            pl.lit(None, pl.Float64).alias("service_level"), pl.lit(None, pl.Int64).alias("display_min"),
        ),
    }  # fmt: skip


def build_history(n_pairs: int = 12, n_weeks: int = 60, lead: int = 14, review: int = 7, seed: int = 0) -> History:
    frames = build_frames(n_pairs, n_weeks, lead, review, seed)
    return read_history(frames["demand"], frames["catalog"], frames["terms"], MONDAY + timedelta(weeks=n_weeks))


@dataclass
class NeedOfTheFirstWeek:
    """Orders, once, exactly what walk_stock says is needed when every path is the true demand, plus `extra`."""

    is_backordered: bool
    extra: int
    need: np.ndarray | None = None
    n_cells: int = 1

    def order(self, history: History, week: int, on_hand: np.ndarray, due: np.ndarray) -> np.ndarray:
        n_before = review_bounds(history.terms)[1]
        lead, review = int(history.terms.lead_weeks[0]), int(history.terms.review_weeks[0])
        early, late = zip(*(history.split_week(week + step) for step in range(lead + review + 1)), strict=True)
        stub = [early[0]] if history.terms.offset_days[0] else []
        before = [*stub, *(late[step] + early[step + 1] for step in range(lead))]
        cover = sum(late[step] + early[step + 1] for step in range(lead, lead + review))
        demand = np.stack([*before, cover], axis=1).astype(np.int32)[:, :, None]
        self.need = walk_stock(
            on_hand[0], place_arrivals(history.terms, due[0], n_before), demand, n_before, self.is_backordered
        )
        return np.maximum(self.need[:, 0] + self.extra, 0)[None, :]


@pytest.mark.parametrize("is_backordered", [False, True])
@pytest.mark.parametrize(("lead", "review"), [(14, 7), (10, 7), (3, 7), (0, 7), (7, 14), (17, 14)])
def test_the_rule_and_the_simulator_keep_the_same_clock(lead: int, review: int, is_backordered: bool) -> None:
    history = build_history(lead=lead, review=review, n_pairs=30)
    window = Window(first=30, order_weeks=1, n_weeks=6)
    full = start_window(history, window)
    start = Start(full.takes_part, full.on_hand // 3, full.due)
    terms = history.terms
    ends = window.first + int(terms.cover_days[0]) // 7 - (terms.offset_days[0] == 0)
    seen: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
    policies = {extra: NeedOfTheFirstWeek(is_backordered, extra) for extra in (0, -1)}
    for extra, policy in policies.items():

        def watch(week: int, stock: np.ndarray, short: np.ndarray, extra: int = extra) -> None:
            seen[extra, week] = (stock[0].copy(), short[0].copy())

        simulate(history, window, start, policy, is_backordered, watch)
    need = policies[0].need
    assert need is not None
    needy = need[:, 0] > 0
    assert needy.sum() > 5
    if lead % 7 == 0:
        # ordered exactly the need: the shelf is empty when the cover ends; without a need what is left is left
        assert (seen[0, ends][0] == np.maximum(-need[:, 0], 0)).all()
    # one unit less is one unit short within the cover, and no unit before it
    covered = range(window.first + lead // 7, ends + 1)
    missed = np.sum([seen[-1, week][1] - seen[0, week][1] for week in covered], axis=0)
    owes = is_backordered  # an order that only pays a debt of the days before it misses nobody new
    assert ((missed[needy] == 1) | owes).all()
    assert (missed[needy] == 1).sum() > 5
    assert (missed[~needy] == 0).all()
    for week in range(window.first, window.first + lead // 7):
        assert (seen[-1, week][1] == seen[0, week][1]).all()


@pytest.mark.parametrize(("lead", "review"), [(14, 7), (10, 7), (3, 14)])
def test_the_replay_orders_what_the_plan_would(lead: int, review: int) -> None:
    frames = build_frames(12, 60, lead, review)
    history = build_history(lead=lead, review=review)
    week, n = 60, 12
    mean = np.linspace(0.3, 9, n)[:, None] * np.ones((1, 8))
    as_of = history.panel.monday(week)
    forecast = Forecast(
        as_of, history.panel.series, mean, np.full(n, 0.2), np.full(n, 0.1), None, np.full(n, "structural")
    )
    random = np.random.default_rng(1)
    due = np.zeros((1, n, 4), dtype=np.int64)
    due[0, :, : lead // 7] = random.integers(0, 5, (n, lead // 7))
    on_hand = random.integers(0, 9, (1, n))
    rule = PathRule([(0.9, -0.3)], {week: (forecast, np.arange(n))}, False, 300)
    replayed = rule.order(history, week, on_hand, due)[0]
    pairs = history.panel.series
    arrivals = [
        pairs.with_columns(
            pl.lit(as_of + timedelta(days=7 * step + lead % 7)).alias("expected_on"),
            pl.Series("quantity", due[0, :, step], dtype=pl.Int64),
        )
        for step in range(lead // 7)
    ]
    nothing = pairs.head(0).with_columns(pl.lit(as_of).alias("expected_on"), pl.lit(0, pl.Int64).alias("quantity"))
    position = pairs.with_columns(pl.Series("on_hand_qty", on_hand[0]), pl.Series("on_order_qty", due[0].sum(axis=1)))
    calibration = pl.DataFrame({"kind": ["chosen"], "bias": [0.9], "tau_shift": [-0.3], "note": ["test"]})
    planned = plan_orders(
        frames["demand"], frames["catalog"], position, pl.concat([nothing, *arrivals]), frames["terms"],
        as_of, "lost", forecast, calibration, n_paths=300,
    )  # fmt: skip
    assert planned["suggested_qty"].to_list() == replayed.tolist()


def test_a_window_by_hand() -> None:
    frames = build_frames(1, 40, 7, 7)
    frames["demand"] = frames["demand"].with_columns(pl.lit(4.0).alias("demand_qty"))
    history = read_history(frames["demand"], frames["catalog"], frames["terms"], MONDAY + timedelta(weeks=40))
    start = Start(np.array([True]), np.array([5]), np.zeros((1, 4), dtype=np.int64))
    outcome = simulate(history, Window(30, 2, 3), start, FixedCover([0.0]), False)
    # order up to 8: 3 at once; week 0 ends with 1; week 1 opens with 1, orders 4, receives 3: 4 sold, 0 left;
    # week 2 receives 4, sells 4. Scored are weeks 1 and 2: nothing held, nothing short
    assert outcome.total("ordered").tolist() == [7.0]
    assert (outcome.cost.tolist(), outcome.total("demand").tolist(), outcome.total("short").tolist()) == (
        [0.0],
        [8.0],
        [0.0],
    )
    less = Start(np.array([True]), np.array([4]), np.array([[0, 1, 0, 0]]))
    outcome = simulate(history, Window(30, 2, 3), less, FixedCover([0.5]), False)
    # up to 10: 4 on hand, 1 due next week, orders 5. Week 0 ends with 0. Week 1: orders 4 (6 due), receives 6, 2 left.
    # Week 2: 2 + 4 - 4 = 2 left. Held 2 + 2 = 4 unit-weeks at .2
    assert outcome.cost.tolist() == pytest.approx([0.8])


@given(st.integers(0, 10_000), st.sampled_from([0, 3, 7, 12, 21]), st.sampled_from([7, 14]))
@settings(max_examples=15)
def test_lost_sales_stock_is_never_negative_and_foresight_is_cheapest(seed: int, lead: int, review: int) -> None:
    history = build_history(n_pairs=8, n_weeks=48, lead=lead, review=review, seed=seed)
    windows = list_windows(history.terms, history.panel.n_weeks)
    window = windows[-1]
    start = start_window(history, window)
    lowest: list[int] = []
    covers = simulate(
        history,
        window,
        start,
        FixedCover([-0.5, 0.25, 1.0]),
        False,
        lambda _week, stock, short: lowest.append(min(int(stock.min()), int(short.min()))),
    )
    assert min(lowest) >= 0
    perfect = simulate(history, window, start, Foresight(False), False)
    assert (covers.figures["short"] <= covers.figures["demand"]).all()
    if review == 7:
        assert (perfect.cost <= covers.cost + 1e-9).all()


def test_windows_do_not_overlap_and_end_with_the_history() -> None:
    history = build_history(n_weeks=80, lead=17)
    windows = list_windows(history.terms, 80)
    assert windows[-1].first + windows[-1].n_weeks == 80
    scored = [range(w.first + 2, w.first + 2 + w.order_weeks) for w in windows]
    assert all(a.stop == b.start for a, b in pairwise(scored))
    assert windows[0].first >= 26


def test_a_few_slow_vendors_do_not_cost_the_chain_its_windows() -> None:
    terms = build_frames(20, 10, 14, 7)["terms"]
    slow = pl.when(pl.col("sku") == "P03").then(300).otherwise(pl.col("lead_time_days")).alias("lead_time_days")
    assert keep_replayable(terms, 80).height == 20
    kept = keep_replayable(terms.with_columns(slow), 80)
    assert kept.height == 19
    assert "P03" not in kept["sku"].to_list()


def test_weeks_out_of_stock_are_filled_and_never_charged() -> None:
    demand = np.array([[2.0, 0.0, 4.0, 0.0]])
    observed = np.array([[True, False, True, False]])
    assert fill_weeks(demand, observed).tolist() == [[2.0, 3.0, 4.0, 3.0]]
    frames = build_frames(2, 40, 7, 7)
    out = pl.col("week_starting_on") >= MONDAY + timedelta(weeks=30)
    frames["demand"] = frames["demand"].with_columns(pl.when(out).then(0.0).otherwise(1.0).alias("in_stock_share"))
    history = read_history(frames["demand"], frames["catalog"], frames["terms"], MONDAY + timedelta(weeks=40))
    outcome = simulate(history, Window(32, 2, 3), start_window(history, Window(32, 2, 3)), FixedCover([0.0]), False)
    assert (outcome.cost[0], outcome.total("demand")[0]) == (0.0, 0.0)
