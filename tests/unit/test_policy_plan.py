"""The plan: one row per planned pair, dates, reasons, money, and receipts that replay to the same number."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecast.engine import Forecast
from models.policy.calibration import CALIBRATION_SCHEMA
from models.policy.plan import PLAN_SCHEMA, plan_orders, replay_receipt

MONDAY = date(2024, 4, 15)
Frames = dict[str, pl.DataFrame]


def build_frames(n: int = 40, seed: int = 0) -> tuple[Frames, Forecast]:
    random = np.random.default_rng(seed)
    pairs = pl.DataFrame({"store_code": [f"S{i % 3}" for i in range(n)], "sku": [f"P{i:03d}" for i in range(n)]})
    pairs = pairs.sort("store_code", "sku")
    mean = random.gamma(0.8, 4.0, (n, 1)) * np.ones((1, 8))
    mean[0] = 0.0
    forecast = Forecast(
        MONDAY, pairs, mean, np.full(n, 0.15), np.full(n, 0.1), None, np.array(["structural"] * n, dtype="U24")
    )
    lead, review = random.integers(0, 25, n), random.integers(1, 15, n)
    twice = pl.concat([pairs, pairs.head(n // 2)])
    frames = {
        "demand": pl.DataFrame(
            {
                "store_code": [pairs["store_code"][1]] * 2,
                "sku": [pairs["sku"][1]] * 2,
                "week_starting_on": [MONDAY - timedelta(weeks=2), MONDAY - timedelta(weeks=1)],
                "demand_qty": [0.0, 4.0],
                "in_stock_share": [0.0, 1.0],
                "is_complete": [True, True],
            }
        ),
        "catalog": pairs.with_columns(
            pl.lit(None, pl.Date).alias("discontinued_on"),
            pl.lit(10.0).alias("unit_price"),
            pl.lit(6.0).alias("unit_cost"),
            pl.lit(True).alias("is_in_assortment"),
        ),
        "position": pairs.with_columns(
            pl.Series("on_hand_qty", random.integers(0, 8, n)), pl.Series("on_order_qty", random.integers(0, 8, n))
        ),
        "arrivals": twice.with_columns(
            pl.Series("expected_on", [MONDAY + timedelta(days=int(d)) for d in random.integers(-9, 30, twice.height)]),
            pl.Series("quantity", random.integers(1, 6, twice.height)),
        ),
        "terms": pairs.select(
            "store_code",
            "sku",
            pl.lit("V1").alias("vendor_code"),
            pl.Series("lead_time_days", lead),
            pl.Series("review_period_days", review),
            pl.Series("lead_time_sd_days", random.choice([0.0, 2.5], n)),
            pl.Series("moq", random.choice([1, 6], n)),
            pl.Series("pack_size", random.choice([1, 4], n)),
            pl.lit(None, pl.Float64).alias("unit_cost"),
            pl.lit(0.2).alias("holding_cost_per_unit_week"),
            pl.lit(1.0).alias("shortage_cost_per_unit"),
            pl.Series("service_level", random.choice([0.95, float("nan")], n)).fill_nan(None),
            pl.Series("display_min", random.choice([0, 3], n)),
        ),
    }
    return frames, forecast


def plan(frames: Frames, forecast: Forecast, as_of: date = MONDAY, **settings: object) -> pl.DataFrame:
    unmet = str(settings.pop("unmet_demand", "lost"))
    calibration = settings.pop("calibration", None)
    assert calibration is None or isinstance(calibration, pl.DataFrame)
    return plan_orders(**frames, as_of=as_of, unmet_demand=unmet, forecast=forecast, calibration=calibration)


def chosen(bias: float, tau_shift: float) -> pl.DataFrame:
    row = {"as_of": MONDAY, "kind": "chosen", "bias": bias, "tau_shift": tau_shift, "note": "test"}
    return pl.DataFrame([{name: row.get(name) for name in CALIBRATION_SCHEMA}], schema=CALIBRATION_SCHEMA)


@given(st.integers(0, 10_000), st.integers(0, 6), st.sampled_from(["lost", "backordered"]))
@settings(max_examples=8)
def test_every_receipt_replays_to_its_row(seed: int, weekday: int, unmet_demand: str) -> None:
    frames, forecast = build_frames(seed=seed)
    as_of = MONDAY + timedelta(days=weekday)
    rows = plan(frames, forecast, as_of, unmet_demand=unmet_demand, calibration=chosen(0.9, -0.3))
    assert rows.height == 40
    assert [replay_receipt(receipt) for receipt in rows["receipt"]] == rows["suggested_qty"].to_list()
    assert (rows["suggested_qty"] >= 0).all()
    terms = rows.join(frames["terms"], on=["store_code", "sku"])
    assert (terms["suggested_qty"] % terms["pack_size"] == 0).all()
    assert ((terms["suggested_qty"] == 0) | (terms["suggested_qty"] >= terms["moq"])).all()


def test_columns_dates_and_money() -> None:
    frames, forecast = build_frames()
    rows = plan(frames, forecast).join(frames["terms"], on=["store_code", "sku"])
    assert dict(plan(frames, forecast).schema) == PLAN_SCHEMA
    assert (rows["arrives_on"] - rows["as_of"]).dt.total_days().to_list() == rows["lead_time_days"].to_list()
    assert (rows["covers_until"] - rows["arrives_on"]).dt.total_days().to_list() == rows["review_period_days"].to_list()
    days = rows["lead_time_days"] + rows["review_period_days"]
    expected = rows.with_columns(days.alias("days")).join(
        forecast.series.with_columns(pl.Series("weekly", forecast.mean[:, 0])), on=["store_code", "sku"]
    )
    assert expected["expected_demand"].to_list() == pytest.approx(
        (expected["weekly"] * expected["days"] / 7).to_list(), abs=1e-3
    )
    assert (rows["demand_p90"] >= rows["demand_p50"]).all()
    assert (rows["priority"] >= 0).all()
    assert rows.filter(pl.col("suggested_qty") == 0)["priority"].sum() == 0


def test_same_inputs_same_plan_and_other_pairs_change_nothing() -> None:
    frames, forecast = build_frames()
    whole = plan(frames, forecast)
    assert whole.equals(plan(frames, forecast))
    few = {**frames, "catalog": frames["catalog"].head(5)}
    assert plan(few, forecast).equals(
        whole.join(few["catalog"].select("store_code", "sku"), on=["store_code", "sku"], how="semi")
    )


def test_the_size_of_a_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, forecast = build_frames()
    whole = plan(frames, forecast)
    monkeypatch.setattr("models.policy.study.CHUNK_SAMPLES", 1)
    assert plan(frames, forecast).equals(whole)


def test_no_vendor_no_stock_no_assortment() -> None:
    frames, forecast = build_frames()
    frames["terms"] = frames["terms"].slice(1)
    frames["position"] = frames["position"].head(38)
    frames["catalog"] = frames["catalog"].with_columns(pl.col("sku").is_in(["P003"]).not_().alias("is_in_assortment"))
    rows = plan(frames, forecast)
    assert rows.height == 39
    unknown = rows.filter(pl.col("reason") == "NO_STOCK_RECORD")
    assert (unknown.height, unknown["suggested_qty"].sum()) == (2, 0)
    first = frames["position"].row(0, named=True)
    idle = rows.filter(pl.col("store_code") == first["store_code"], pl.col("sku") == first["sku"]).row(0, named=True)
    assert (idle["reason"], idle["suggested_qty"], idle["arrives_on"]) == ("NO_VENDOR", 0, None)
    assert replay_receipt(idle["receipt"]) == 0


def test_reasons_say_why() -> None:
    frames, forecast = build_frames()
    n = 40
    forecast.mean[1:] = 5.0
    forecast.method[5] = "borrowed_from_category"
    gone = frames["catalog"]["sku"][6]
    frames["catalog"] = frames["catalog"].with_columns(
        pl.when(pl.col("sku") == gone).then(pl.lit(MONDAY)).alias("discontinued_on")
    )
    frames["arrivals"] = frames["arrivals"].clear()
    stock = np.full(n, 0)
    stock[[0, 2]] = [4, 500]
    frames["position"] = frames["position"].with_columns(pl.Series("on_hand_qty", stock))
    frames["terms"] = frames["terms"].with_columns(
        pl.lit(7).alias("lead_time_days"),
        pl.lit(7).alias("review_period_days"),
        pl.lit(0).alias("display_min"),
        pl.Series("moq", [1] * 3 + [900] + [1] * (n - 4)),
    )
    reasons = plan(frames, forecast)["reason"].to_list()
    assert reasons[:7] == [
        "NO_DEMAND",
        "PROJECTED_STOCKOUT",
        "ENOUGH_STOCK",
        "LOT_TOO_LARGE",
        "PROJECTED_STOCKOUT",
        "LOW_EVIDENCE",
        "DISCONTINUED",
    ]


def test_a_zero_forecast_orders_nothing() -> None:
    frames, forecast = build_frames()
    forecast.mean[:] = 0.0
    frames["terms"] = frames["terms"].with_columns(pl.lit(0).alias("display_min"))
    assert plan(frames, forecast)["suggested_qty"].sum() == 0


def test_calibration_moves_orders_but_no_promised_service_level() -> None:
    frames, forecast = build_frames()
    theory = plan(frames, forecast).join(frames["terms"], on=["store_code", "sku"])
    lower = plan(frames, forecast, calibration=chosen(0.7, -1.0)).join(frames["terms"], on=["store_code", "sku"])
    promised = theory["service_level"].is_not_null()
    assert lower.filter(promised)["suggested_qty"].to_list() == theory.filter(promised)["suggested_qty"].to_list()
    assert lower.filter(~promised)["suggested_qty"].sum() < theory.filter(~promised)["suggested_qty"].sum()
    assert lower["demand_p90"].to_list() == theory["demand_p90"].to_list()


def test_p90_is_read_at_the_level_that_covered_in_the_past() -> None:
    frames, forecast = build_frames()
    row = {"as_of": MONDAY, "kind": "coverage", "tau": 0.9, "ratio": 0.8}
    level = pl.DataFrame([{name: row.get(name) for name in CALIBRATION_SCHEMA}], schema=CALIBRATION_SCHEMA)
    nominal = plan(frames, forecast, calibration=chosen(1.0, 0.0))
    lower = plan(frames, forecast, calibration=pl.concat([chosen(1.0, 0.0), level]))
    assert (lower["demand_p90"] <= nominal["demand_p90"]).all()
    assert lower["demand_p90"].sum() < nominal["demand_p90"].sum()
    assert lower["suggested_qty"].to_list() == nominal["suggested_qty"].to_list()


def test_the_receipt_names_masked_weeks_and_both_quantities() -> None:
    frames, forecast = build_frames()
    receipt = json.loads(plan(frames, forecast)["receipt"][1])
    assert receipt["masked_weeks"] == ["2024-04-01"]
    assert receipt["quantity_before_lots"] >= 0
    assert receipt["tau_theory"] in (pytest.approx(0.95), pytest.approx(1 / 1.2, abs=0.3))


def test_wrong_calls_say_what_is_wrong() -> None:
    frames, forecast = build_frames()
    with pytest.raises(ValueError, match="unmet_demand"):
        plan(frames, forecast, unmet_demand="maybe")
    with pytest.raises(ValueError, match="origin"):
        plan(frames, forecast, MONDAY + timedelta(weeks=1))
    twice = {**frames, "position": pl.concat([frames["position"], frames["position"].head(1)])}
    with pytest.raises(ValueError, match="position"):
        plan(twice, forecast)
    with pytest.raises(ValueError, match="version"):
        replay_receipt('{"version": 99}')
