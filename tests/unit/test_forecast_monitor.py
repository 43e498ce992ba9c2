"""Monitoring: segments add up to the chain, and what is wrong beyond noise becomes an alert."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.forecast.champion import CHAMPION_SCHEMA
from models.forecast.monitor import monitor_forecasts, raise_alerts

FIRST = dt.date(2024, 1, 1)


def make_scores(bias: float = 0.0, baseline: float = 1.2, cover: float = 0.9, weeks: int = 12) -> pl.DataFrame:
    """40 rows a week of demand about 10; the mean is off by `bias`, a 13-week mean errs `baseline` times as much."""
    rng = np.random.default_rng(3)
    n = 40 * weeks
    demand = rng.poisson(10.0, n).astype(float)
    mean = np.full(n, 10.0 * (1 + bias))
    return pl.DataFrame(
        {
            "store_code": np.tile([f"S{i % 4}" for i in range(40)], weeks),
            "sku": np.tile([f"K{i}" for i in range(40)], weeks),
            "week_starting_on": [FIRST + dt.timedelta(weeks=w) for w in range(weeks) for _ in range(40)],
            "demand_qty": demand,
            "mean_qty": mean,
            "absolute_error_qty": np.abs(mean - demand),
            "baseline_error_qty": baseline * np.abs(mean - demand),
            "pinball_qty": 0.3 * np.abs(mean - demand),
            "p90_cover_share": (rng.random(n) < cover).astype(float),
        }
    )


SEGMENTS = pl.DataFrame(
    {
        "store_code": [f"S{i % 4}" for i in range(40)],
        "sku": [f"K{i}" for i in range(40)],
        "segment": ["Frames / lumpy" if i < 20 else "Lenses / smooth" for i in range(40)],
    }
)


def alerts(scores: pl.DataFrame) -> set[str]:
    return set(raise_alerts(monitor_forecasts(scores, SEGMENTS), None).filter(segment="all")["alert"])


def test_segments_add_up_to_the_chain() -> None:
    monitor = monitor_forecasts(make_scores(), SEGMENTS)
    total = monitor.filter(segment="all")["demand_qty"].sum()
    assert monitor.filter(pl.col("segment") != "all")["demand_qty"].sum() == pytest.approx(total)
    assert monitor.filter(segment="all").height == 12


def test_a_sound_forecast_raises_nothing() -> None:
    assert raise_alerts(monitor_forecasts(make_scores(), SEGMENTS), None).is_empty()


@pytest.mark.parametrize(
    ("wrong", "alert"),
    [({"bias": 0.3}, "BIAS"), ({"cover": 0.6}, "COVERAGE"), ({"baseline": 0.7}, "BEHIND_BASELINE")],
)
def test_what_is_wrong_beyond_noise_is_told(wrong: dict[str, float], alert: str) -> None:
    assert alert in alerts(make_scores(**wrong))


def test_a_loss_that_grew_is_drift() -> None:
    late = pl.col("week_starting_on") >= FIRST + dt.timedelta(weeks=4)
    grown = make_scores().with_columns(
        pinball_qty=pl.when(late).then(2 * pl.col("pinball_qty")).otherwise("pinball_qty")
    )
    assert alerts(grown) == {"DRIFT"}


def test_a_lost_seat_is_told_with_who_took_it() -> None:
    row = {"segment": "Frames / lumpy", "champion": "mean_52", "previous": "boosted_blend", "is_changed": True}
    row |= {"rival_gain_ratio": 0.1, "noise_ratio": 0.05, "reason": "mean_52 replaces boosted_blend"}
    champions = pl.DataFrame(
        [row | {name: None for name in CHAMPION_SCHEMA if name not in row}], schema=CHAMPION_SCHEMA
    )
    (told,) = raise_alerts(monitor_forecasts(make_scores(), SEGMENTS), champions).iter_rows(named=True)
    assert (told["alert"], told["fallback"]) == ("CHAMPION_FELL_BEHIND", "mean_52")
