"""What must hold of any plan: demand, stock and what is ordered already move orders one way only."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecast.engine import Forecast
from models.policy.lead_times import LEAD_SCHEMA, QUANTILES
from models.policy.plan import plan_orders, replay_receipt

MONDAY = date(2024, 4, 15)
PAIR = ["store_code", "sku"]
N = 30
Frames = dict[str, pl.DataFrame]
SEEDS = st.integers(0, 10_000)


def build(seed: int) -> tuple[Frames, Forecast]:
    """Pairs of all sizes with packs, minimums, uncertain lead times, shelf lives, order days, boards and endings."""
    random = np.random.default_rng(seed)
    pairs = pl.DataFrame({"store_code": [f"S{i % 3}" for i in range(N)], "sku": [f"P{i:03d}" for i in range(N)]})
    pairs = pairs.sort(PAIR)
    mean = random.gamma(0.5, 6.0, (N, 1)) * random.gamma(20.0, 0.05, (N, 10))
    method = np.array(["structural"] * N, dtype="U24")
    forecast = Forecast(MONDAY, pairs, mean, random.gamma(1, 0.2, N), random.gamma(1, 0.2, N), None, method)
    weekdays = [None, [1], [1, 4], [2, 3, 5], []]
    days = [weekdays[int(number)] for number in random.integers(0, 5, N)]
    frames = {
        "demand": pl.DataFrame(
            schema={
                "store_code": pl.String, "sku": pl.String, "week_starting_on": pl.Date, "demand_qty": pl.Float64,
                "in_stock_share": pl.Float64, "is_complete": pl.Boolean,
            }
        ),
        "catalog": pairs.with_columns(
            category=pl.lit("c"),
            brand=pl.lit("b"),
            discontinued_on=pl.Series([MONDAY + timedelta(days=int(day)) for day in random.integers(5, 400, N)]),
            unit_price=pl.lit(10.0),
            unit_cost=pl.lit(6.0),
            is_in_assortment=pl.lit(value=True),
        ),
        "position": pairs.with_columns(
            on_hand_qty=pl.Series(random.integers(0, 9, N)),
            on_order_qty=pl.lit(0),
            reserved_qty=pl.Series(random.integers(0, 2, N)),
        ),
        "arrivals": pairs.with_columns(
            expected_on=pl.Series([MONDAY + timedelta(days=int(day)) for day in random.integers(0, 30, N)]),
            quantity=pl.Series(random.integers(0, 4, N)),
        ),
        "terms": pairs.with_columns(
            vendor_code=pl.lit("V"),
            lead_time_days=pl.Series(random.integers(0, 30, N)),
            review_period_days=pl.Series(random.integers(1, 15, N)),
            lead_time_sd_days=pl.Series(np.where(random.random(N) < 0.5, np.nan, 4.0)).fill_nan(None),
            moq=pl.Series(random.integers(1, 5, N)),
            pack_size=pl.Series(random.choice([1, 1, 2, 6], N)),
            unit_cost=pl.lit(6.0),
            holding_cost_per_unit_week=pl.Series(random.choice([0.02, 0.2], N)),
            shortage_cost_per_unit=pl.lit(1.0),
            service_level=pl.lit(None, pl.Float64),
            display_min=pl.Series(random.integers(0, 3, N)),
        ),
        "rules": pairs.with_columns(
            kind=pl.Series(random.choice(["frame", "contact_lens"], N)),
            lifecycle=pl.Series(random.choice(["CORE", "CORE", "CORE", "CLEARANCE"], N)),
            shelf_life_days=pl.Series(random.choice([20, 90, 400], N)),
            order_weekdays=pl.Series(days, dtype=pl.List(pl.Int32)),
        ),
    }  # fmt: skip
    return frames, forecast


def plan(frames: Frames, forecast: Forecast, as_of: date = MONDAY, unmet: str = "lost", **more: object) -> pl.DataFrame:
    inputs = (frames[name] for name in ("demand", "catalog", "position", "arrivals", "terms"))
    return plan_orders(*inputs, as_of, unmet, forecast, rules=frames["rules"], n_paths=150, **more)  # type: ignore[arg-type]


@given(SEEDS, st.floats(1.0, 4.0), st.sampled_from(["lost", "backordered"]))
@settings(max_examples=15)
def test_more_demand_never_lowers_an_order(seed: int, factor: float, unmet: str) -> None:
    frames, forecast = build(seed)
    less = plan(frames, forecast, unmet=unmet)
    more = plan(frames, replace(forecast, mean=forecast.mean * factor), unmet=unmet)
    assert (more["suggested_qty"] >= less["suggested_qty"]).all()


@given(SEEDS, st.integers(1, 12), st.sampled_from(["lost", "backordered"]))
@settings(max_examples=15)
def test_more_stock_never_raises_an_order(seed: int, units: int, unmet: str) -> None:
    frames, forecast = build(seed)
    poor = plan(frames, forecast, unmet=unmet)
    stocked = frames["position"].with_columns(pl.col("on_hand_qty") + units)
    rich = plan({**frames, "position": stocked}, forecast, unmet=unmet)
    assert (rich["suggested_qty"] <= poor["suggested_qty"]).all()


@given(SEEDS, st.integers(0, 6))
@settings(max_examples=15)
def test_a_rerun_never_adds(seed: int, weekday: int) -> None:
    frames, forecast = build(seed)
    as_of = MONDAY + timedelta(days=weekday)
    first = plan(frames, forecast, as_of)
    assert plan(frames, forecast, as_of).equals(first)
    ordered = first.filter(pl.col("suggested_qty") > 0)
    placed = ordered.select(*PAIR, pl.col("arrives_on").alias("expected_on"), pl.col("suggested_qty").alias("quantity"))
    on_order = ordered.select(*PAIR, pl.col("suggested_qty").alias("on_order_qty"))
    position = frames["position"].drop("on_order_qty").join(on_order, on=PAIR, how="left")
    again = plan({**frames, "arrivals": pl.concat([frames["arrivals"], placed]), "position": position}, forecast, as_of)
    assert again["suggested_qty"].sum() == 0


@given(SEEDS, st.floats(0.0, 400.0), st.booleans())
@settings(max_examples=15)
def test_limited_orders_keep_their_limits_and_replay(seed: int, budget: float, has_minimum: bool) -> None:
    frames, forecast = build(seed)
    if has_minimum:
        frames["rules"] = frames["rules"].with_columns(minimum_order_amount=pl.lit(120.0))
    free = plan(frames, forecast)
    bound = plan(frames, forecast, budget=budget)
    assert bound["order_cost_amount"].sum() <= budget + 1e-6
    assert [replay_receipt(receipt) for receipt in bound["receipt"]] == bound["suggested_qty"].to_list()
    terms = bound.join(frames["terms"], on=PAIR)
    assert (terms["suggested_qty"] % terms["pack_size"] == 0).all()
    assert ((terms["suggested_qty"] == 0) | (terms["suggested_qty"] >= terms["moq"])).all()
    worth = bound.group_by("store_code", "vendor_code").agg(pl.col("order_cost_amount").sum())
    if has_minimum:
        assert ((worth["order_cost_amount"] == 0) | (worth["order_cost_amount"] >= 120.0)).all()
    else:
        assert (bound["suggested_qty"] <= bound["quantity_before_limits"]).all()
    left_out = bound.filter(pl.col("suggested_qty") < pl.col("quantity_before_limits"))
    assert set(left_out["reason"]) <= {"OVER_BUDGET", "MOQ_DEFERRED", "FILLED_TO_MINIMUM"}
    assert bound.height == free.height == N


def test_learnt_lead_times_move_dates_and_quantities() -> None:
    frames, forecast = build(3)
    frames["terms"] = frames["terms"].with_columns(
        lead_time_days=pl.lit(7),
        lead_time_sd_days=pl.lit(None, pl.Float64),
        display_min=pl.lit(0),
        moq=pl.lit(1),
        pack_size=pl.lit(1),
    )
    frames["rules"] = frames["rules"].select(*PAIR)
    known = {"as_of": MONDAY, "vendor_code": "V", "category": "c", "ended_lines": 50, "censored_lines": 5}
    known |= {"stated_days": 7.0, "mean_days": 14.0, "sd_days": 4.0, "source": "own lines"}
    spread = dict(zip(QUANTILES, np.linspace(7, 21, 19).tolist(), strict=True))
    leads = pl.DataFrame([{**known, **spread}], schema=LEAD_SCHEMA)
    certain = plan(frames, forecast)
    learnt = plan(frames, forecast, leads=leads)
    assert set((learnt["arrives_on"] - learnt["as_of"]).dt.total_days()) == {14}
    assert learnt["lead_p90_days"].unique().to_list() == [20.22]
    assert learnt["suggested_qty"].sum() > certain["suggested_qty"].sum()
    assert [replay_receipt(receipt) for receipt in learnt["receipt"]] == learnt["suggested_qty"].to_list()
