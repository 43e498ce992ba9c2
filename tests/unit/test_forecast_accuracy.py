"""Accuracy measures against hand-made answers, quantiles against scipy, paths against their moments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.forecast import accuracy
from models.forecast.dispersion import fit_dispersion
from models.forecast.distribution import LARGE, LEVELS, count_quantiles, draw_paths, week_size
from models.forecast.errors import Errors


def test_pinball_of_a_high_quantile() -> None:
    loss = accuracy.pinball(np.array([10.0, 6.0]), np.full((2, 1), 8.0), np.array([0.9]))
    np.testing.assert_allclose(loss[:, 0], [1.8, 0.2])


def test_one_number_for_all_quantiles_costs_the_absolute_error() -> None:
    units = np.array([10.0, 0.0])
    assert accuracy.weighted_quantile_loss(units, np.full((2, 19), 5.0), LEVELS) == pytest.approx(1.0)
    assert accuracy.weighted_absolute_error(units, np.array([8.0, 1.0])) == pytest.approx(0.3)


def test_coverage_of_counts_has_two_sides() -> None:
    assert accuracy.coverage(np.array([0, 1, 2]), np.array([1, 1, 1])) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert accuracy.exact_coverage(np.array([3.0]), np.array([0.8]), np.array([1.0]), 0.9) == pytest.approx(0.5)


def test_bias_counts_only_what_is_kept() -> None:
    units, mean = np.array([10.0, 0.0]), np.array([11.0, 9.0])
    assert accuracy.bias(units, mean) == pytest.approx(1.0)
    assert accuracy.bias(units, mean, np.array([True, False])) == pytest.approx(0.1)


def test_nothing_sold_has_no_relative_loss() -> None:
    assert np.isnan(accuracy.weighted_quantile_loss(np.zeros(3), np.zeros((3, 19)), LEVELS))
    assert np.isnan(accuracy.bias(np.zeros(3), np.ones(3)))


@settings(max_examples=40)
@given(st.floats(0.001, 2 * LARGE), st.floats(0.05, 500))
def test_quantiles_are_those_of_the_negative_binomial(mean: float, size: float) -> None:
    ours = count_quantiles(np.array([mean]), np.array([size]))[0]
    theirs = stats.nbinom.ppf(LEVELS, size, size / (size + mean))
    assert (np.diff(ours) >= 0).all()
    # a level that falls on a step of the distribution may round either way
    below = stats.nbinom.cdf(np.minimum(ours, theirs), size, size / (size + mean))
    assert ((ours == theirs) | (np.abs(below - LEVELS) < 1e-9)).all()


def test_the_worked_quantile_and_the_empty_mean() -> None:
    assert count_quantiles(np.array(2.0), np.array(1.0))[9] == 1.0
    assert count_quantiles(np.array([0.0]), np.array([1.0])).sum() == 0.0


def test_paths_have_the_variance_they_promise() -> None:
    mean, shared, inner = np.full((1, 3), 5.0), np.array([0.2]), np.array([0.3])
    paths = draw_paths(mean, shared, inner, 40_000, 3)[:, 0, :]
    weekly = 5.0 + 25.0 / week_size(shared, inner)[0]
    assert paths[:, 0].var() == pytest.approx(weekly, rel=0.06)
    total = 15.0 + 225.0 * 0.2 + 3 * 25.0 * 0.3 * 1.2
    assert paths.sum(axis=1).var() == pytest.approx(total, rel=0.06)
    np.testing.assert_array_equal(draw_paths(mean, shared, inner, 50, 3), draw_paths(mean, shared, inner, 50, 3))


def test_dispersion_finds_what_the_errors_were_drawn_with() -> None:
    rng = np.random.default_rng(4)
    mean = np.repeat(rng.gamma(1.0, 8.0, 20_000)[:, None] + 0.5, 3, axis=1)
    shared, inner = 0.15, 0.3
    common = rng.gamma(1 / shared, shared, (20_000, 1))
    units = rng.poisson(mean * common * rng.gamma(1 / inner, inner, mean.shape)).astype(float)
    errors = Errors(np.zeros(20_000, dtype=np.int64), mean, units, np.full(mean.shape, np.nan))
    found = fit_dispersion(errors)
    got_shared, got_inner, size = found.spread(np.full((1, 3), 10.0), None)
    assert size is None
    assert got_shared[0] == pytest.approx(shared, rel=0.25)
    assert got_inner[0] == pytest.approx(inner * (1 + shared), rel=0.25)
    assert found.sum_scale == pytest.approx(1.0, abs=0.12)


def test_a_series_that_scatters_more_than_its_class_is_told_apart() -> None:
    rng = np.random.default_rng(4)
    series = np.tile(np.arange(100), 50)
    mean = np.full((5_000, 3), 8.0)
    inner = np.where(series < 20, 1.0, 0.1)[:, None]
    units = rng.poisson(mean * rng.gamma(1 / inner, inner, mean.shape)).astype(float)
    nothing = np.full(mean.shape, np.nan)
    found = fit_dispersion(Errors(np.zeros(5_000, dtype=np.int64), mean, units, nothing, series, 101))
    assert found.own is not None
    assert found.own[:20].mean() > 2.0 * found.own[20:100].mean()
    assert found.own[100] == 1.0  # nothing seen of it: as its class
    _, wild, _ = found.spread(np.full((1, 3), 8.0), None, np.array([3]))
    _, calm, _ = found.spread(np.full((1, 3), 8.0), None, np.array([50]))
    assert wild[0] > 2.0 * calm[0]
    blind = fit_dispersion(Errors(np.zeros(5_000, dtype=np.int64), mean, units, nothing))
    assert blind.own is None
