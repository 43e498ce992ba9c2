"""The global model: gradient boosting of weekly counts over all series at once, and of how far they scatter.

Reads a history before a cutoff, gives means and negative binomial sizes. Blending and fallbacks belong to the engine.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import digamma

from models.features.history import History
from models.features.panel import Floats, Ints
from models.features.rows import Matrix, origin_rows, series_levels, step_rows
from models.forecast.knots import FEW, MANY, STEPS, draw_near, fit_knots, predict_knots
from models.forecast.sampling import ORIGIN_WEEKS, sample_rows

if TYPE_CHECKING:
    import lightgbm

# Series times origins from which deeper trees and a learned size pay (docs/forecast.md).
MANY_PAIRS = 200_000
LEAST_ROWS = 1_500
LEAST_CUTOFF = 20
BUDGET = 300_000
LIGHT_BUDGET = 120_000
SIZE_ROWS = 150_000
SIZE_RANGE = (-4.0, 6.0)
START_SIZE = float(np.log(3.0))
# Two losses that err differently: their mean beats either on both chains measured.
LOSSES: tuple[dict[str, Any], ...] = (
    {"objective": "poisson"},
    {"objective": "tweedie", "tweedie_variance_power": 1.4},
)
LEVEL_EDGES = (0.1, 1.0)
SCALE_UNITS, SCALE_RANGE = 100.0, (0.7, 2.0)
WORKERS = 2

PARAMS: dict[str, Any] = {
    "learning_rate": 0.08,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 63,
    "lambda_l2": 1.0,
    "verbose": -1,
    # one thread each, several models at a time: threads that wait for each other starve on a busy machine
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 20,
}


@dataclass(frozen=True)
class Predicted:
    """mean (n, n_steps) units; size k (n, n_steps), knots (n, 4 at most, 6): None where not learned."""

    mean: Floats
    size: Floats | None
    knots: Floats | None


@dataclass(frozen=True)
class Boosted:
    """Trained before `cutoff`. members: mean models on the log level; size: model of log k, or None.

    scales: (n_members, 3) what brings a member's sum over its rows to what sold, by level under .1, under 1, above.
    knots: models of quantiles (knots.py), none where only means are asked for.
    """

    cutoff: int
    members: list[lightgbm.Booster]
    size: lightgbm.Booster | None
    scales: Floats
    knots: list[lightgbm.Booster] = field(default_factory=list)

    def predict(self, history: History, origin: int, n_steps: int, series: Ints, with_knots: bool = False) -> Predicted:
        """What is expected of `series` in the weeks from column `origin` on."""
        t = np.full(len(series), origin, dtype=np.int64)
        known, _ = origin_rows(history, series, t)
        level = series_levels(history, series, t)

        def see(step: int) -> tuple[Floats, Floats | None, Floats | None]:
            ahead, _ = step_rows(history, series, t, np.full(len(series), step + 1, dtype=np.int64))
            rows = np.hstack([known, ahead])
            mean = _average(self.members, self.scales, rows, level) * level
            knots = predict_knots(self.knots, rows, level) if with_knots and self.knots and step < STEPS else None
            if self.size is None:
                return mean, None, knots
            rows = np.column_stack([rows, np.log(mean)]).astype(np.float32)
            raw = np.asarray(self.size.predict(rows, raw_score=True, num_threads=1)) + START_SIZE
            return mean, np.exp(np.clip(raw, *SIZE_RANGE)), knots

        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            steps = list(pool.map(see, range(n_steps)))
        means, sizes, knots = zip(*steps, strict=True)
        return Predicted(
            np.column_stack(means),
            None if self.size is None else np.column_stack(sizes),
            None if knots[0] is None else np.stack([each for each in knots if each is not None], axis=1),
        )


def build_rows(history: History, i: Ints, t: Ints, h: Ints) -> tuple[Matrix, Floats]:
    """Feature matrix and levels of (series, origin, step) triples of equal length."""
    origin, _ = origin_rows(history, i, t)
    step, _ = step_rows(history, i, t, h)
    return np.hstack([origin, step]), series_levels(history, i, t)


def fit_boosted(
    history: History,
    cutoff: int,
    n_steps: int,
    budget: int = BUDGET,
    is_deep: bool = True,
    seed: int = 0,
    with_knots: bool = False,
) -> Boosted | None:
    """Models from targets before `cutoff`, or None when there is too little to learn from.

    Mean: LightGBM with init_score = log level (a model of what the level gets wrong), Poisson and Tweedie 1.4
    averaged; more and larger trees where rows are many and `is_deep`. Size: there too, a second model of log k with
    the mean held.
    """
    if cutoff < LEAST_CUTOFF:
        return None
    i, t, h = sample_rows(history, cutoff, n_steps, budget, seed)
    if len(i) < LEAST_ROWS:
        return None
    rows, level = build_rows(history, i, t, h)
    units, share = history.panel.demand[i, t + h - 1], history.panel.weight[i, t + h - 1]
    is_many = is_deep and history.panel.n_series * min(cutoff, ORIGIN_WEEKS) >= MANY_PAIRS
    members = _fit_means(rows, level, units, share, is_many)
    # how the mean scatters is learned on one core, quantiles on the other
    with ThreadPoolExecutor(max_workers=1) as beside:
        knots = beside.submit(_fit_knots, rows, level, units, share, h, is_many) if with_knots else None
        scales = _fit_scales(members, rows, level, units, share)
        size = None
        if is_many:
            keep = np.arange(len(i))
            if len(i) > SIZE_ROWS:
                keep = np.sort(np.random.default_rng(seed + 3).choice(len(i), SIZE_ROWS, replace=False))
            mean = _average(members, scales, rows[keep], level[keep]) * level[keep]
            size = _fit_size(rows[keep], mean, units[keep], share[keep])
        return Boosted(cutoff, members, size, scales, knots.result() if knots else [])


def _fit_knots(
    rows: Matrix, level: Floats, units: Floats, share: Floats, h: Ints, is_many: bool
) -> list[lightgbm.Booster]:
    near = draw_near(h)
    settings = dict(MANY if is_many else FEW)
    rounds, params = settings.pop("rounds"), PARAMS | settings
    workers = 1 if is_many else WORKERS
    return fit_knots(rows[near], level[near], units[near], share[near], params, rounds, workers)


def _fit_means(rows: Matrix, level: Floats, units: Floats, share: Floats, is_many: bool) -> list[lightgbm.Booster]:
    import lightgbm

    shape = {"num_leaves": 63 if is_many else 31}
    rounds = 300 if is_many else 150
    weight = None if (share >= 1.0).all() else share

    def fit(loss: dict[str, Any]) -> lightgbm.Booster:
        params = PARAMS | shape | loss
        data = lightgbm.Dataset(rows, units, weight=weight, init_score=np.log(level), params=params)
        return lightgbm.train(params, data, rounds)

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return list(pool.map(fit, LOSSES))


def _fit_size(rows: Matrix, mean: Floats, units: Floats, share: Floats) -> lightgbm.Booster:
    """Model of a = log k by the negative binomial likelihood of what sold on the shelf, with the mean held.

    Gradient -k (psi(y+k) - psi(k) + log k + 1 - log(k+mu) - (k+y)/(k+mu)); the hessian's stand-in keeps steps small.
    """
    import lightgbm

    def objective(raw: Floats, _: lightgbm.Dataset) -> tuple[Floats, Floats]:
        a = np.clip(raw, *SIZE_RANGE)
        k = np.exp(a)
        slope = digamma(units + k) - digamma(k) + a + 1 - np.log(k + mean) - (k + units) / (k + mean)
        gradient = -k * slope
        return gradient, np.maximum(np.abs(gradient) / 2, 0.05) + 0.05

    params = PARAMS | {
        "objective": objective,
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_data_in_leaf": 500,
    }
    rows = np.column_stack([rows, np.log(mean)]).astype(np.float32)
    mean, units = mean * share, units * share
    data = lightgbm.Dataset(rows, units, init_score=np.full(len(units), START_SIZE), params=params)
    return lightgbm.train(params, data, 100)


def _fit_scales(members: list[lightgbm.Booster], rows: Matrix, level: Floats, units: Floats, share: Floats) -> Floats:
    """Factors (n_members, 3): a Tweedie loss weighs slow rows more, and is a quarter too low on sums of sparse ones."""
    group = np.digitize(level, LEVEL_EDGES)
    sold = np.bincount(group, units * share, 3)
    scales = np.ones((len(members), 3))
    for at, member in enumerate(members):
        ratio = np.exp(np.asarray(member.predict(rows, raw_score=True, num_threads=1)))
        meant = np.bincount(group, ratio * level * share, 3)
        scales[at] = np.clip((sold + SCALE_UNITS) / (meant + SCALE_UNITS), *SCALE_RANGE)
    return scales


def _average(members: list[lightgbm.Booster], scales: Floats, rows: Matrix, level: Floats) -> Floats:
    group = np.digitize(level, LEVEL_EDGES)
    total = np.zeros(len(rows))
    for member, scale in zip(members, scales, strict=True):
        total += scale[group] * np.exp(np.asarray(member.predict(rows, raw_score=True, num_threads=1)))
    return total / len(members)
