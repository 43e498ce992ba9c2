"""Quantiles of a week: learned ones sharpen the counts, and neither breaks what a quantile must keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from models.forecast.accuracy import pinball
from models.forecast.boosted import PARAMS
from models.forecast.dispersion import fit_dispersion
from models.forecast.distribution import LEVELS, count_quantiles
from models.forecast.engine import Forecast
from models.forecast.errors import Errors
from models.forecast.knots import GRID, fit_knots, predict_knots, read_knots
from models.forecast.quantiles import level_learned, week_quantiles

STEPS = 6


def make_forecast(knots: np.ndarray | None) -> Forecast:
    series = pl.DataFrame({"store_code": ["A", "A", "A"], "sku": ["1", "2", "3"]})
    mean = np.array([[4.0] * STEPS, [10.0] * STEPS, [0.0] * STEPS])
    spread = np.full(3, 0.2)
    return Forecast(
        date(2024, 1, 1), series, mean, spread, spread, None, np.full(3, "boosted_blend"), knots=knots, week_scale=1.3
    )


def test_knots_are_read_between_and_flat_beyond() -> None:
    knots = np.arange(6, dtype=float) * 2
    found = read_knots(knots, np.array([0.01, 0.05, 0.1, 0.5, 0.55, 0.95, 0.99]))
    assert found == pytest.approx([0.0, 0.0, 2 / 3, 5.0, 5.5, 10.0, 10.0])


def test_near_weeks_are_half_counts_half_knots_and_far_ones_counts() -> None:
    knots = np.full((3, 4, len(GRID)), np.nan)
    knots[0] = 5.2
    made, plain = (week_quantiles(make_forecast(each), STEPS) for each in (knots, None))
    on_level = 5.2 * level_learned(plain[0, :4], np.full((4, 19), 5.2))
    assert (made[0, :4] == np.rint((plain[0, :4] + on_level) / 2)).all()
    assert (made[0, 4:] == plain[0, 4:]).all()
    assert (made[1] == plain[1]).all(), "a row without knots keeps its counts"
    assert (made[2] == 0).all(), "nothing is sold where nothing is expected"
    assert (np.diff(made, axis=2) >= 0).all()


def test_learned_quantiles_stand_on_the_level_of_the_counts() -> None:
    knots = np.full((3, 4, len(GRID)), np.nan)
    knots[:2] = np.array([4.0, 10.0])[:, None, None]
    low, high = (week_quantiles(make_forecast(knots * times), STEPS) for times in (0.9, 1.1))
    assert abs(low[:, :4].sum() / high[:, :4].sum() - 1) < 0.02


def test_what_has_passed_of_the_first_week_is_out_of_both() -> None:
    knots = np.full((3, 4, len(GRID)), 8.0)
    whole, half = (week_quantiles(make_forecast(knots), STEPS, left) for left in (1.0, 0.5))
    assert (half[0, 0] < whole[0, 0]).all()
    assert (half[:, 1:] == whole[:, 1:]).all()


def test_learned_quantiles_find_a_shape_that_counts_cannot() -> None:
    rng = np.random.default_rng(0)
    n = 6_000
    level = rng.uniform(5.0, 20.0, n)
    is_pair = rng.random(n) < 0.5
    # nothing, or twice the level: no negative binomial has two humps
    units = np.where(is_pair, np.rint(2 * level), 0.0)
    rows = np.column_stack([np.log(level), rng.random(n)]).astype(np.float32)
    given = (rows, level, units, np.ones(n), PARAMS, 100)
    models = fit_knots(*given, workers=1)
    learned = read_knots(predict_knots(models, rows, level), LEVELS)
    counts = count_quantiles(level, np.ones(n))
    assert (np.diff(learned, axis=1) >= 0).all()
    assert pinball(units, learned, LEVELS).mean() < 0.9 * pinball(units, counts, LEVELS).mean()
    again = predict_knots(fit_knots(*given, workers=2), rows, level)
    assert again.tobytes() == predict_knots(models, rows, level).tobytes()
    assert len(models) == len(GRID)


def test_freak_weeks_widen_no_quantile_of_the_others() -> None:
    rng = np.random.default_rng(1)
    mean = np.full((2_000, 3), 20.0)
    units = rng.poisson(mean).astype(float)
    units[rng.random(units.shape) < 0.01] = 100.0
    errors = Errors(np.arange(2_000), mean, units, np.full(mean.shape, np.nan))
    found = fit_dispersion(errors)
    assert found.week_scale > 1.0
    assert replace(found, week_scale=1.0).sum_scale == found.sum_scale
