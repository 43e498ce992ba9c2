"""The forecasting engine: distributions of weekly demand for every series of the catalog, at one or many origins.

Reads the `demand` and `catalog` frames, gives Forecast objects. Order rules and money do not belong here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.features.festivals import align_seasons
from models.features.history import History, build_history
from models.features.known import NOTHING, Known
from models.features.panel import ANY_DAY, Floats, Panel, build_panel, close_stores, monday_of
from models.features.powers import pool_powers
from models.features.segments import name_segments
from models.features.spikes import damp_spikes
from models.features.successors import inherit_demand
from models.forecast.blend import expect
from models.forecast.boosted import BUDGET, LIGHT_BUDGET, Boosted, fit_boosted
from models.forecast.commonality import fit_common
from models.forecast.dispersion import Dispersion, fit_dispersion
from models.forecast.errors import collect_errors, expect_past
from models.forecast.schedule import MAX_CUTOFFS, list_cutoffs, list_error_cutoffs
from models.forecast.seats import Seats, seat_champions
from models.forecast.trials import hold_trials

FULL_CUTOFFS = 3

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Forecast:
    """Distribution of weekly demand seen from one origin.

    origin: Monday of step 0. series: store_code, sku in the row order of the arrays.
    mean: (n_series, n_weeks) expected units of each full week.
    shared, inner: (n_series,) variance of the gamma shock (mean 1) that all weeks of a path share, and of the one
        each week draws for itself: demand of step h ~ Poisson(mean_h * G * G_h).
    size: (n_series, n_weeks) negative binomial size k of single weeks, variance mean + mean^2 / k, or None: then
        1 / k = shared + inner + shared * inner.
    method: (n_series,) the model, the challenger that holds the series' segment, or the fallback that stood in.
    segment: (n_series,) category and kind of demand; champions: the choice of each segment (champion.py).
    common: variance of the factor that all series share in a week; it widens totals, and no single series.
    knots: (n_series, n_near, 6) quantiles of the near weeks learned directly (knots.py), nan where they were not.
    week_scale: what a size k is multiplied by for the quantiles of a single week (quantiles.py).
    """

    origin: date
    series: pl.DataFrame
    mean: Floats
    shared: Floats
    inner: Floats
    size: Floats | None
    method: NDArray[np.str_]
    segment: NDArray[np.str_] | None = None
    champions: pl.DataFrame | None = None
    common: float = 0.0
    knots: Floats | None = None
    week_scale: float = 1.0


def forecast(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    as_of: date,
    horizon_weeks: int = 16,
    progress: Progress | None = None,
    reigning: pl.DataFrame | None = None,
    known: Known = NOTHING,
) -> Forecast:
    """Forecast from complete weeks before `as_of`; step 0 is the week that holds it, as a full week.

    `reigning`: the champions of the last run; a segment without one is the model's. `known`: what is known ahead.
    """
    return forecast_origins(demand, catalog, [as_of], horizon_weeks, progress, reigning, known=known)[0]


def forecast_origins(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    origins: Sequence[date],
    horizon_weeks: int,
    progress: Progress | None = None,
    reigning: pl.DataFrame | None = None,
    max_cutoffs: int = MAX_CUTOFFS,
    known: Known = NOTHING,
) -> list[Forecast]:
    """One forecast per origin, in the order given, each from complete weeks before it only.

    Features are built once; models are trained at `max_cutoffs` days at most, an origin taking the latest not after
    it. Raises ValueError without origins or with a horizon under one week.
    """
    if not origins or horizon_weeks < 1:
        raise ValueError("a forecast needs at least one origin and one week of horizon")
    panel = prepare_panel(build_panel(demand, catalog, monday_of(max(origins)), ANY_DAY), known)
    history = build_history(panel, known)
    index = {day: max(panel.index_of(day), 0) for day in origins}
    cutoffs = list_cutoffs(list(index.values()), max_cutoffs)
    trained = sorted({*list_error_cutoffs(cutoffs[0], panel.n_series), *cutoffs})
    models = _train(history, trained, cutoffs, horizon_weeks, progress)
    past = expect_past(history, models, cutoffs[-1])
    errors, trials = collect_errors(history, past), hold_trials(history, past)
    spread = {cutoff: fit_dispersion(errors.before(cutoff)) for cutoff in cutoffs}
    common = {cutoff: fit_common(errors.before(cutoff), float(spread[cutoff].shared.mean())) for cutoff in cutoffs}
    held = {cutoff: seat_champions(trials.before(cutoff), reigning) for cutoff in cutoffs}
    made: dict[int, Forecast] = {}
    for done, origin in enumerate(sorted(set(index.values()))):
        cutoff = cutoffs[bisect_right(cutoffs, origin) - 1]
        one = _forecast_origin(history, models[cutoff], spread[cutoff], held[cutoff], origin, horizon_weeks)
        made[origin] = replace(one, common=common[cutoff])
        _report(progress, "forecast", (done + 1) / len(set(index.values())))
    return [made[index[day]] for day in origins]


def prepare_panel(panel: Panel, known: Known) -> Panel:
    """The panel as models see it: stores that close, spikes damped, successors' inheritance, festivals, powers."""
    panel = align_seasons(close_stores(panel, known.stores), known.festivals)
    panel = inherit_demand(damp_spikes(panel), known.predecessors)
    return replace(panel, powers=pool_powers(panel, known.powers))


def _train(
    history: History, trained: list[int], cutoffs: list[int], n_steps: int, progress: Progress | None
) -> dict[int, Boosted | None]:
    """A model per cutoff; deep ones only for a few origins, as a replay of years of orders would take minutes."""
    is_deep = len(cutoffs) <= FULL_CUTOFFS
    models: dict[int, Boosted | None] = {}
    for done, cutoff in enumerate(trained):
        is_full = is_deep and cutoff in cutoffs
        budget = BUDGET if is_full else LIGHT_BUDGET
        models[cutoff] = fit_boosted(history, cutoff, n_steps, budget, is_deep, with_knots=is_full)
        _report(progress, "train", (done + 1) / len(trained))
    return models


def _forecast_origin(
    history: History, model: Boosted | None, spread: Dispersion, seats: Seats, origin: int, n_steps: int
) -> Forecast:
    panel = history.panel
    seen = expect(history, model, origin, n_steps)
    shared, inner, size = spread.spread(seen.mean, seen.size)
    segment = name_segments(history, origin)
    made = Forecast(
        panel.monday(origin),
        panel.series,
        seen.mean,
        shared,
        inner,
        size,
        seen.method,
        segment,
        seats.champions,
        knots=seen.knots,
        week_scale=spread.week_scale,
    )
    return seats.take(made, history, origin)


def _report(progress: Progress | None, stage: str, share: float) -> None:
    if progress is not None:
        progress(stage, share)
