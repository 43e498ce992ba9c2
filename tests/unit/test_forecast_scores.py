"""Forecasts kept and set against what came."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from models.forecast.scores import KEPT_SCHEMA, keep_forecast, score_forecasts

MONDAY = dt.date(2024, 5, 6)


def weekly(as_of: dt.date, mean: float = 3.0, weeks: int = 6) -> pl.DataFrame:
    first = as_of - dt.timedelta(days=as_of.weekday())
    rows = [
        {"as_of": as_of, "store_code": "A", "sku": "p", "week_starting_on": first + dt.timedelta(weeks=week)}
        for week in range(weeks)
    ]
    quantiles = {"p05": 0.0, "p50": mean, "p80": mean + 2, "p90": mean + 3, "p95": mean + 4}
    return pl.DataFrame(rows).with_columns(mean_qty=pl.lit(mean), **{k: pl.lit(v) for k, v in quantiles.items()})


def demand(*units: float | None) -> pl.DataFrame:
    """Weeks that end with the fourth after MONDAY; None is a week without stock."""
    first = MONDAY + dt.timedelta(weeks=4 - len(units))
    return pl.DataFrame(
        {
            "store_code": "A",
            "sku": "p",
            "week_starting_on": [first + dt.timedelta(weeks=week) for week in range(len(units))],
            "demand_qty": [float(each or 0) for each in units],
            "in_stock_share": [0.5 if each is None else 1.0 for each in units],
            "is_complete": True,
        }
    )


def test_four_whole_weeks_of_a_forecast_are_kept() -> None:
    kept = keep_forecast(weekly(MONDAY), None, MONDAY)
    assert kept.schema == KEPT_SCHEMA
    assert kept["week_starting_on"].to_list() == [MONDAY + dt.timedelta(weeks=week) for week in range(4)]
    thursday = MONDAY + dt.timedelta(days=3)
    assert keep_forecast(weekly(thursday), None, thursday)["week_starting_on"][0] == MONDAY + dt.timedelta(weeks=1)


def test_the_first_forecast_of_a_week_stays_and_old_ones_go() -> None:
    kept = keep_forecast(weekly(MONDAY), None, MONDAY)
    tuesday = MONDAY + dt.timedelta(days=1)
    assert keep_forecast(weekly(tuesday, 9.0), kept, tuesday).equals(kept)
    assert keep_forecast(weekly(MONDAY, 9.0), kept, MONDAY)["mean_qty"].to_list() == [9.0] * 4
    later = MONDAY + dt.timedelta(weeks=1)
    assert keep_forecast(weekly(later), kept, later)["as_of"].unique().sort().to_list() == [MONDAY, later]
    much_later = MONDAY + dt.timedelta(weeks=26)
    assert keep_forecast(weekly(much_later), kept, much_later)["as_of"].unique().to_list() == [much_later]


def test_errors_loss_and_cover_of_the_weeks_that_came() -> None:
    scores = score_forecasts(keep_forecast(weekly(MONDAY), None, MONDAY), demand(1, 4, 2, 6, None, 9, 0))
    assert scores["week_starting_on"].to_list() == [MONDAY + dt.timedelta(weeks=week) for week in (0, 2, 3)]
    assert scores["error_qty"].to_list() == [-3.0, -6.0, 3.0]
    assert scores["absolute_error_qty"].to_list() == [3.0, 6.0, 3.0]
    assert scores["p90_cover_share"].to_list() == [0.5, 0.0, 1.0]
    assert scores["weeks_ahead"].to_list() == [1, 3, 4]
    # 1, 4, 2 were known on that Monday: changes of 3 and 2
    assert scores["naive_error_qty"].to_list() == [2.5, 2.5, 2.5]
    # y 6 against 3, 5, 6, 7: .5 x 3, .8 x 1, 0, .05 x 1
    assert scores["pinball_qty"][0] == pytest.approx((1.5 + 0.8 + 0.0 + 0.05) / 4)


def test_what_is_not_known_is_not_judged() -> None:
    kept = keep_forecast(weekly(MONDAY), None, MONDAY)
    assert score_forecasts(kept, demand(None, None, None, None)).is_empty()
    running = demand(1, 1, 1, 1).with_columns(is_complete=False)
    assert score_forecasts(kept, running).is_empty()
    assert score_forecasts(kept, demand(6, 1, 1, 1))["naive_error_qty"].to_list() == [None] * 4
