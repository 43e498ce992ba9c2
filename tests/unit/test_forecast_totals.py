"""Totals: every level adds up to the published weeks, and is as wide as the series are wrong together."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.forecast.commonality import YOUNG_COMMON, fit_common
from models.forecast.engine import Forecast
from models.forecast.errors import Errors
from models.forecast.totals import LEVELS, total_forecasts
from models.forecast.weekly import forecast_weekly

MONDAY = date(2024, 4, 15)


def make_forecast(common: float) -> tuple[Forecast, pl.DataFrame]:
    catalog = pl.DataFrame(
        [(store, f"K{k}", "Frames" if k < 3 else None) for store in "AB" for k in range(5)],
        schema=["store_code", "sku", "category"],
        orient="row",
    )
    n = catalog.height
    mean = np.random.default_rng(0).gamma(2.0, 3.0, (n, 4))
    spread = np.full(n, 0.1)
    series = catalog.select("store_code", "sku")
    return Forecast(MONDAY, series, mean, spread, spread, None, np.full(n, "structural"), common=common), catalog


@pytest.mark.parametrize("as_of", [MONDAY, date(2024, 4, 18)])
def test_every_level_adds_up_to_the_published_weeks(as_of: date) -> None:
    forecast, catalog = make_forecast(0.01)
    weekly = forecast_weekly(forecast, as_of)
    totals = total_forecasts(forecast, weekly, catalog, as_of)
    published = dict(weekly.group_by("week_starting_on").agg(pl.col("mean_qty").sum()).iter_rows())
    for level in LEVELS:
        summed = totals.filter(level=level).group_by("week_starting_on").agg(pl.col("mean_qty").sum())
        for week, units in summed.iter_rows():
            assert units == pytest.approx(published[week], rel=1e-12)
    assert totals.filter(level="store_category").height == 2 * 2 * 4


def test_a_total_is_wider_by_what_all_share_and_narrower_than_quantiles_added() -> None:
    widths = []
    for common in (0.0, 0.04):
        forecast, catalog = make_forecast(common)
        weekly = forecast_weekly(forecast, MONDAY)
        chain = total_forecasts(forecast, weekly, catalog, MONDAY).filter(level="chain")
        assert (chain["p10"] <= chain["p50"]).all()
        assert (chain["p50"] <= chain["p90"]).all()
        widths.append(float((chain["p90"] - chain["p50"]).sum()))
        assert float(chain["p90"].sum()) < float(weekly["p90"].sum())
    assert widths[1] > 1.2 * widths[0]


def test_the_common_factor_is_found_in_sums_of_errors() -> None:
    rng = np.random.default_rng(4)
    origins, series = 40, 300
    mean = np.full((origins * series, 3), 5.0)
    shock = np.repeat(rng.gamma(25.0, 1 / 25.0, origins), series)[:, None]
    errors = Errors(np.repeat(np.arange(origins), series), mean, rng.poisson(mean * shock).astype(float), mean)
    assert fit_common(errors, 0.0) == pytest.approx(0.04, rel=0.4)
    assert fit_common(Errors(errors.origin[:9], mean[:9], mean[:9], mean[:9]), 0.0) == YOUNG_COMMON
