"""Calibration finds a biased forecast, looks at no later window, repeats itself, and names its fallbacks."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.backtest.calibrate import calibrate_policy, calibrate_replay, choose_cell
from models.backtest.coverage import measure_levels
from models.backtest.history import read_history
from models.backtest.replay import Replay, forecast_replay, outline_replay
from models.backtest.run import backtest_replay, run_backtest, summarise_backtest
from models.backtest.segments import BACKTEST_SCHEMA
from models.backtest.windows import list_origins, list_windows
from models.forecast.engine import Forecast
from models.policy.calibration import CALIBRATION_SCHEMA, is_reusable, read_calibration

MONDAY = date(2022, 1, 3)
N_PAIRS, N_WEEKS = 20, 64
AS_OF = MONDAY + timedelta(weeks=N_WEEKS)
Frames = dict[str, pl.DataFrame]


def build_frames(n_weeks: int = N_WEEKS) -> Frames:
    random = np.random.default_rng(5)
    pairs = pl.DataFrame({"store_code": ["S1"] * N_PAIRS, "sku": [f"P{i:02d}" for i in range(N_PAIRS)]})
    units = random.poisson(np.linspace(0.5, 9, N_PAIRS)[:, None] * np.ones((1, n_weeks)))
    weeks = pl.DataFrame({"week_starting_on": [MONDAY + timedelta(weeks=w) for w in range(n_weeks)]})
    text = [pl.lit("A").alias(name) for name in ("category", "subcategory", "brand", "cluster", "region")]
    days = [pl.lit(None, pl.Date).alias(name) for name in ("launched_on", "discontinued_on")]
    money = [pl.lit(None, pl.Float64).alias(name) for name in ("unit_price", "unit_cost", "service_level")]
    terms = {"vendor_code": "V", "lead_time_days": 14, "review_period_days": 7, "moq": 1, "pack_size": 1}
    costs = {"holding_cost_per_unit_week": 0.2, "shortage_cost_per_unit": 1.0, "display_min": 0}
    return {
        "demand": pairs.join(weeks, how="cross").with_columns(
            pl.Series("demand_qty", units.ravel().astype(float)), in_stock_share=1.0, is_complete=True
        ),
        "catalog": pairs.with_columns(*text, *days, *money[:2], pl.lit(True).alias("is_in_assortment")),
        "terms": pairs.with_columns(
            *(pl.lit(value).alias(name) for name, value in {**terms, **costs}.items()),
            *money[1:],
            pl.lit(None, pl.Float64).alias("lead_time_sd_days"),
        ),
    }


def build_replay(frames: Frames, inflate: float = 1.0) -> Replay:
    history = read_history(frames["demand"], frames["catalog"], frames["terms"], AS_OF)
    forecasts = []
    for origin in list_origins(history, list_windows(history.terms, history.panel.n_weeks)):
        week = history.panel.index_of(origin)
        mean = inflate * history.panel.demand[:, week - 20 : week].mean(axis=1, keepdims=True) * np.ones((1, 4))
        narrow = np.full(N_PAIRS, 0.01)
        forecasts.append(Forecast(origin, history.panel.series, mean, narrow, narrow, None, np.full(N_PAIRS, "m")))
    outline = outline_replay(**frames, as_of=AS_OF, unmet_demand="lost", n_paths=100)
    return forecast_replay(outline, frames["demand"], frames["catalog"], forecasts)


def test_a_forecast_half_too_high_is_brought_down() -> None:
    frames = build_frames()
    honest = calibrate_replay(build_replay(frames), AS_OF)
    frame = calibrate_replay(build_replay(frames, 1.4), AS_OF)
    assert dict(frame.schema) == CALIBRATION_SCHEMA
    chosen = read_calibration(frame)
    assert chosen.bias < read_calibration(honest).bias
    assert chosen.bias * 1.4 < 1.3
    cells = frame.filter(pl.col("kind") == "cell").group_by("bias", "tau_shift").agg(pl.col("ratio").mean())
    theory = cells.filter(pl.col("bias") == 1.0, pl.col("tau_shift") == 0.0)["ratio"][0]
    assert theory - cells["ratio"].min() > 0.05
    assert frame.filter(pl.col("kind") == "chosen")["ratio"][0] == pytest.approx(cells["ratio"].min())


def test_the_same_history_gives_the_same_numbers() -> None:
    frames = build_frames()
    assert calibrate_replay(build_replay(frames), AS_OF).equals(calibrate_replay(build_replay(frames), AS_OF))


def test_the_flat_part_of_the_ridge_is_averaged() -> None:
    cells = [(0.85, 0.0), (0.9, -0.15), (1.0, 0.0)]
    ratios = np.array([[0.95, 0.953, 0.99], [0.95, 0.953, 0.99]])
    assert choose_cell(ratios, cells) == (pytest.approx(0.875), pytest.approx(-0.075))


def test_backtest_tunes_on_earlier_windows_only() -> None:
    frames = build_frames()
    first = backtest_replay(build_replay(frames), AS_OF)
    last_window = first["window_starts_on"].max()
    assert isinstance(last_window, date)
    later = pl.col("week_starting_on") >= last_window + timedelta(weeks=6)
    changed = frames["demand"].with_columns(
        pl.when(later).then(pl.col("demand_qty") * 5).otherwise(pl.col("demand_qty")).alias("demand_qty")
    )
    second = backtest_replay(build_replay({**frames, "demand": changed}), AS_OF)
    before = pl.col("window_starts_on") < last_window
    assert dict(first.schema) == BACKTEST_SCHEMA
    assert first.filter(before).equals(second.filter(before))
    assert not first.filter(~before).equals(second.filter(~before))
    summary = {row["policy"]: row for row in summarise_backtest(first).to_dicts()}
    assert summary["tuned_mean"]["ratio"] == pytest.approx(1.0)
    assert summary["perfect_foresight"]["cost"] < min(summary[p]["cost"] for p in ("tuned_mean", "ours"))
    assert summary["ours"]["ratio"] < 1.1


def test_too_little_history_falls_back_to_theory_by_name() -> None:
    frames = build_frames(40)
    frame = calibrate_policy(**frames, as_of=MONDAY + timedelta(weeks=40), unmet_demand="lost")
    chosen = read_calibration(frame)
    assert (chosen.bias, chosen.tau_shift) == (1.0, 0.0)
    assert chosen.note.startswith("theory: 2 windows")
    assert run_backtest(**frames, as_of=MONDAY + timedelta(weeks=40), unmet_demand="lost").is_empty()


def test_no_terms_and_promised_service_fall_back_too() -> None:
    frames = build_frames()
    nobody = calibrate_policy(frames["demand"], frames["catalog"], frames["terms"].head(0), AS_OF, "lost")
    assert read_calibration(nobody).note.startswith("theory")
    promised = frames["terms"].with_columns(pl.lit(0.95).alias("service_level"))
    frame = calibrate_policy(frames["demand"], frames["catalog"], promised, AS_OF, "lost")
    assert "service levels" in read_calibration(frame).note


def test_a_distribution_too_wide_is_read_at_a_lower_level() -> None:
    replay = build_replay(build_frames())
    honest = measure_levels(replay)[0.9]
    wide = {
        week: (dataclasses.replace(made, shared=np.full(N_PAIRS, 0.5)), rows)
        for week, (made, rows) in replay.forecasts.items()
    }
    assert honest == pytest.approx(0.9, abs=0.04)
    assert measure_levels(dataclasses.replace(replay, forecasts=wide))[0.9] == pytest.approx(0.8, abs=0.005)
    frame = calibrate_replay(replay, AS_OF)
    assert read_calibration(frame).p90_level == honest


def test_a_missing_forecast_is_named() -> None:
    frames = build_frames()
    outline = outline_replay(**frames, as_of=AS_OF, unmet_demand="lost", n_paths=100)
    with pytest.raises(ValueError, match="missing"):
        forecast_replay(outline, frames["demand"], frames["catalog"], [])


def test_an_earlier_calibration_is_used_again_for_four_weeks() -> None:
    frames = build_frames()
    first = calibrate_replay(build_replay(frames), AS_OF)
    later = AS_OF + timedelta(weeks=4)
    assert calibrate_policy(**frames, as_of=later, unmet_demand="lost", previous=first).equals(first)
    assert not is_reusable(first, later + timedelta(days=1))
    assert not is_reusable(first, AS_OF - timedelta(days=1))
    theory = calibrate_policy(frames["demand"], frames["catalog"], frames["terms"].head(0), AS_OF, "lost")
    assert not is_reusable(theory, AS_OF)
