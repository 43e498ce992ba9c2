"""Champion and challenger: the better one takes a segment, noise changes nothing, fewer trials than six never do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.forecast.champion import choose_champions
from models.forecast.trials import MODEL, Trials

ROWS, ORIGINS = 40, 12


def make_trials(model_error: float, rival_error: float, origins: int = ORIGINS, noise: float = 0.0) -> Trials:
    """Poisson demand of 6 a week; the model and one rival are off by a factor each, the rival by luck as well."""
    rng = np.random.default_rng(5)
    n = ROWS * origins
    units = rng.poisson(6.0, (n, 3)).astype(float)
    luck = np.repeat(rng.normal(0, noise, origins), ROWS)[:, None]
    flat = np.full((n, 3), 6.0)
    means = {MODEL: flat * (1 + model_error), "mean_52": flat * (1 + rival_error + luck)}
    return Trials(np.repeat(np.arange(origins) * 3 + 10, ROWS), np.full(n, "Frames / smooth"), units, means)


def test_a_challenger_that_is_better_beyond_noise_takes_the_segment() -> None:
    row = choose_champions(make_trials(0.8, 0.0)).row(0, named=True)
    assert (row["champion"], row["previous"], row["is_changed"]) == ("mean_52", MODEL, True)
    assert row["champion_loss"] < row["rival_loss"]
    assert "beyond the noise" in row["reason"]


def test_a_challenger_that_is_better_by_noise_only_does_not() -> None:
    row = choose_champions(make_trials(0.1, 0.0, noise=0.25)).row(0, named=True)
    assert row["champion"] == MODEL
    assert not row["is_changed"]


def test_too_few_trials_change_nothing() -> None:
    row = choose_champions(make_trials(0.8, 0.0, origins=5)).row(0, named=True)
    assert row["champion"] == MODEL
    assert "fewer than 6" in row["reason"]


@pytest.mark.parametrize(("error", "champion"), [(0.02, "mean_52"), (0.8, MODEL)])
def test_who_reigns_is_judged_as_the_model_is(error: float, champion: str) -> None:
    reigning = pl.DataFrame({"segment": ["Frames / smooth"], "champion": ["mean_52"]})
    assert choose_champions(make_trials(0.0, error), reigning)["champion"].to_list() == [champion]


def test_trials_of_weeks_to_come_are_not_seen() -> None:
    trials = make_trials(0.8, 0.0)
    cut = trials.before(40)
    assert cut.origin.max() + 3 <= 40
    later = replace(trials, units=np.where(trials.origin[:, None] > 37, 99.0, trials.units))
    assert choose_champions(cut).equals(choose_champions(later.before(40)))
