"""Orders of a replay take a random time: late or early, told to nobody before, and hedged against by the paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.backtest.history import History, read_history
from models.backtest.policies import PathRule
from models.backtest.simulator import simulate
from models.backtest.windows import Start, Window
from models.features.known import Known
from models.forecast.engine import Forecast
from models.policy.lead_times import QUANTILES

MONDAY = date(2022, 1, 3)
PAIRS, WEEKS = 400, 60
Ints = NDArray[np.int64]


def build_history(sd: float | None, units: float = 6.0, leads: pl.DataFrame | None = None) -> History:
    pairs = pl.DataFrame({"store_code": ["S1"] * PAIRS, "sku": [f"P{i:03d}" for i in range(PAIRS)]})
    weeks = pl.DataFrame({"week_starting_on": [MONDAY + timedelta(weeks=w) for w in range(WEEKS)]})
    demand = pairs.join(weeks, how="cross").with_columns(
        pl.lit(units).alias("demand_qty"), in_stock_share=1.0, is_complete=True
    )
    text = {name: pl.lit(None, pl.String) for name in ("subcategory", "brand", "cluster", "region")}
    unknown = {name: pl.lit(None, pl.Float64) for name in ("unit_price", "unit_cost")}
    days = {name: pl.lit(None, pl.Date) for name in ("launched_on", "discontinued_on")}
    catalog = pairs.with_columns(category=pl.lit("C"), is_in_assortment=pl.lit(True), **text, **unknown, **days)
    terms = pairs.with_columns(
        vendor_code=pl.lit("V"),
        lead_time_days=21,
        review_period_days=7,
        lead_time_sd_days=pl.lit(sd, pl.Float64),
        moq=1,
        pack_size=1,
        unit_cost=pl.lit(None, pl.Float64),
        holding_cost_per_unit_week=0.2,
        shortage_cost_per_unit=1.0,
        service_level=pl.lit(None, pl.Float64),
        display_min=pl.lit(None, pl.Int64),
    )
    return read_history(demand, catalog, terms, MONDAY + timedelta(weeks=WEEKS), leads=leads)


@dataclass
class OneOrder:
    """Orders ten units of everything in the first week, and remembers what it was told was due after that."""

    told: list[Ints] = field(default_factory=list)
    n_cells: int = 1

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        self.told.append(due[0])
        return np.full((1, PAIRS), 10 if len(self.told) == 1 else 0, dtype=np.int64)


def empty_start(window: Window) -> Start:
    nothing = np.zeros(PAIRS, dtype=np.int64)
    return Start(np.ones(PAIRS, dtype=bool), nothing, np.zeros((PAIRS, window.n_weeks + 1), dtype=np.int64))


def test_a_certain_lead_time_is_the_stated_one() -> None:
    history = build_history(None)
    assert (history.draw_lead_weeks(30) == 3).all()


def test_draws_have_the_mean_and_the_spread_that_is_stated() -> None:
    history = build_history(10.0)
    weeks = np.concatenate([history.draw_lead_weeks(week) for week in range(30, 50)])
    assert abs(weeks.mean() - 3.0) < 0.1
    assert 1.1 < weeks.std() < 1.6
    assert (history.draw_lead_weeks(30) == history.draw_lead_weeks(30)).all()


def test_orders_come_when_drawn_and_nobody_is_told_before() -> None:
    history, window, policy = build_history(10.0, units=0.0), Window(30, 6, 9), OneOrder()
    stocks: list[Ints] = []
    simulate(history, window, empty_start(window), policy, False, lambda _week, stock, _short: stocks.append(stock[0]))
    drawn = history.draw_lead_weeks(30)
    for step in range(1, 6):
        arrived = drawn < step
        assert (stocks[step - 1] == np.where(arrived, 10, 0)).all()
        # before the third week everything still open is due in it; what is late after that is due any day
        expected = np.where(arrived, 0, 10)
        assert (policy.told[step][:, max(3 - step, 0)] == expected).all()
        assert (policy.told[step].sum(axis=1) == expected).all()


def test_an_uncertain_lead_time_orders_more_of_what_must_not_be_missing() -> None:
    ordered = []
    for sd in (None, 10.0):
        history, week = build_history(sd), 40
        steady = np.full((PAIRS, 8), 6.0), np.full(PAIRS, 0.02), np.full(PAIRS, 0.05)
        made = Forecast(history.panel.monday(week), history.panel.series, *steady, None, np.full(PAIRS, "structural"))
        rule = PathRule([(1.0, 1.0)], {week: (made, np.arange(PAIRS))}, False, 300)
        stock = np.full((1, PAIRS), 12, dtype=np.int64)
        ordered.append(rule.order(history, week, stock, np.zeros((1, PAIRS, 4), dtype=np.int64)).sum())
    assert ordered[1] > 1.1 * ordered[0]


def test_learnt_lead_times_go_before_stated_ones() -> None:
    learnt = {"vendor_code": "V", "category": "C", "stated_days": 21.0, "mean_days": 35.0}
    history = build_history(None, leads=pl.DataFrame([learnt | dict.fromkeys(QUANTILES, 35.0)]))
    assert (history.terms.lead_weeks == 5).all()
    assert (history.draw_lead_weeks(30) == 5).all()


def test_a_replay_looks_ahead_at_no_price() -> None:
    prices = pl.DataFrame({"store_code": [None], "sku": ["P"], "valid_from_on": [MONDAY], "valid_to_on": [None]})
    told = Known(prices=prices.with_columns(unit_price=1.0), festivals=pl.DataFrame({"festival": ["F"]}))
    assert told.as_replayed().prices.is_empty()
    assert told.as_replayed().festivals.height == 1
