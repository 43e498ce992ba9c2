"""The registry: a version is what a forecast says, and its card tells what made it."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.forecast.registry import MODELS_SCHEMA, hash_frame, register_forecast
from models.forecast.weekly import forecast_weekly

MONDAY = date(2024, 4, 15)
DEMAND = pl.DataFrame(
    {
        "store_code": ["A", "A", "A"],
        "sku": ["K", "K", "K"],
        "week_starting_on": [date(2024, 4, 1), date(2024, 4, 8), MONDAY],
        "demand_qty": [1.0, 2.0, 3.0],
        "in_stock_share": [1.0, 0.0, 1.0],
        "is_complete": [True, True, False],
    }
)


def register(kept: pl.DataFrame | None, mean: float, snapshot: int) -> pl.DataFrame:
    series = pl.DataFrame({"store_code": ["A"], "sku": ["K"]})
    spread = np.array([0.1])
    forecast = Forecast(MONDAY, series, np.full((1, 3), mean), spread, spread, None, np.array(["structural"]))
    return register_forecast(forecast, forecast_weekly(forecast, MONDAY), DEMAND, MONDAY, snapshot, "code", kept)


def test_a_version_names_what_was_said_and_from_what() -> None:
    row = register(None, 4.0, 7).row(0, named=True)
    assert row["version"] == f"20240415-{row['forecast_hash'][:8]}"
    assert (row["trained_from_on"], row["trained_until_on"]) == (date(2024, 4, 1), date(2024, 4, 8))
    assert (row["observed_weeks"], row["series_count"], row["horizon_weeks"], row["snapshot_id"]) == (1, 1, 3, 7)
    assert json.loads(row["metrics"])["rows_by_method"] == {"structural": 3}
    assert json.loads(row["parameters"])["boosting"]["learning_rate"] == 0.08
    assert "ims forecast again" in row["card"]
    assert "| `structural` | 3 |" in row["card"]


def test_the_same_forecast_twice_is_one_version_and_another_is_two() -> None:
    first = register(None, 4.0, 7)
    same = register(first, 4.0, 9)
    assert same["snapshot_id"].to_list() == [9]
    other = register(same, 5.0, 11)
    assert other["snapshot_id"].to_list() == [9, 11]
    assert other.schema == pl.Schema(MODELS_SCHEMA)


def test_the_hash_is_of_values_whatever_their_order() -> None:
    frame = pl.DataFrame(
        {"store_code": ["A", "B"], "sku": ["K", "K"], "week_starting_on": [MONDAY, MONDAY], "mean_qty": [1.0, 2.0]}
    )
    assert hash_frame(frame) == hash_frame(frame.reverse().select(*reversed(frame.columns)))
    assert hash_frame(frame) != hash_frame(frame.with_columns(mean_qty=pl.Series([1.0, np.nextafter(2.0, 3.0)])))
