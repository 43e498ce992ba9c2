"""A replay prepared once and asked many times: a chain's history, its windows, and forecasts from every origin in them.

Gives money per window and cell. What to choose from it is calibrate.py, what to show of it is run.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from models.backtest.history import PAIR, History, read_history
from models.backtest.policies import FixedCover, Foresight, PathRule
from models.backtest.simulator import Outcome, simulate
from models.backtest.windows import (
    MAX_WINDOWS,
    Start,
    Window,
    keep_replayable,
    list_origins,
    list_windows,
    start_window,
)
from models.features.known import NOTHING, Known
from models.forecast.engine import Forecast, forecast_origins
from models.forecast.schedule import MAX_CUTOFFS
from models.policy.costs import CARRYING_RATE, DEFAULT_RATIO
from models.policy.paths import Ints

REPLAY_SERIES = 600
FORECAST_SERIES = 3000
WORKERS = 2
Cell = tuple[float, float]
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Replay:
    """History, windows (oldest first) with what each starts from, and week -> (forecast, row of each pair in it)."""

    history: History
    windows: list[Window]
    is_backordered: bool
    n_paths: int
    forecasts: dict[int, tuple[Forecast, Ints]] = field(default_factory=dict)

    def start(self, window: Window) -> Start:
        return start_window(self.history, window)

    def run_covers(self, covers: Sequence[float]) -> list[Outcome]:
        """Fixed-cover mean, one cell per cover (weeks beyond lead time + review), one outcome per window."""
        policy = FixedCover(covers)
        return [simulate(self.history, w, self.start(w), policy, self.is_backordered) for w in self.windows]

    def run_foresight(self) -> list[Outcome]:
        """Perfect foresight, one outcome per window."""
        policy = Foresight(self.is_backordered)
        return [simulate(self.history, w, self.start(w), policy, self.is_backordered) for w in self.windows]

    def run_cells(
        self,
        cells: Sequence[Cell],
        report: Callable[[float], None] | None = None,
        rule: type[PathRule] = PathRule,
    ) -> list[Outcome]:
        """The path rule at each (bias, tau shift), one outcome per window; windows run side by side."""
        policy = rule(cells, self.forecasts, self.is_backordered, self.n_paths)

        def run(window: Window) -> Outcome:
            return simulate(self.history, window, self.start(window), policy, self.is_backordered)

        outcomes = []
        with ThreadPoolExecutor(WORKERS) as pool:
            for outcome in pool.map(run, self.windows):
                outcomes.append(outcome)
                if report is not None:
                    report(len(outcomes) / len(self.windows))
        return outcomes


def outline_replay(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    terms: pl.DataFrame,
    as_of: date,
    unmet_demand: str,
    *,
    leads: pl.DataFrame | None = None,
    n_paths: int = 300,
    max_series: int = REPLAY_SERIES,
    max_windows: int = MAX_WINDOWS,
    carrying_rate: float = CARRYING_RATE,
    default_ratio: float = DEFAULT_RATIO,
) -> Replay:
    """A replay on history before as_of, still without forecasts: what it needs is known, nothing costly is done.

    Chains of more than `max_series` supplied pairs are replayed on a fixed sample of them: one pair of numbers is
    chosen for the whole chain, and a few hundred pairs settle it. `leads` (lead_times.LEAD_SCHEMA): how long orders
    take, where learnt.
    """
    first = demand["week_starting_on"].min()
    n_weeks = (as_of - first).days // 7 if isinstance(first, date) else 0
    history = read_history(
        demand,
        catalog,
        keep_replayable(terms, n_weeks),
        as_of,
        leads=leads,
        max_series=max_series,
        carrying_rate=carrying_rate,
        default_ratio=default_ratio,
    )
    windows = list_windows(history.terms, history.panel.n_weeks, max_windows)
    return Replay(history, windows, unmet_demand == "backordered", n_paths)


def forecast_replay(
    replay: Replay,
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    forecasts: Sequence[Forecast] | None = None,
    progress: Progress | None = None,
    max_cutoffs: int = MAX_CUTOFFS,
    known: Known = NOTHING,
) -> Replay:
    """The replay with a forecast from every origin in it, given (in any order) or made here.

    Made here they learn from the replayed pairs and others beside them, 3,000 in all, by models trained at
    `max_cutoffs` days at most, with what was `known` ahead. Raises ValueError if one given is missing.
    """
    history = replay.history
    origins = list_origins(history, replay.windows)
    if forecasts is None and origins:
        pool = _pool_pairs(catalog, history)
        weeks = int(np.ceil(history.terms.cover_days.max() / 7.0))
        seen = demand.join(pool.select(PAIR), on=PAIR, how="semi")
        forecasts = forecast_origins(
            seen, pool, origins, weeks, progress, max_cutoffs=max_cutoffs, known=known.as_replayed()
        )
    held = {history.panel.index_of(made.origin): (made, _match_rows(history, made)) for made in forecasts or []}
    missing = [day for day in origins if history.panel.index_of(day) not in held]
    if missing:
        raise ValueError(f"forecasts: none from {missing[0]}, which the replay needs ({len(missing)} missing)")
    return replace(replay, forecasts=held)


def _match_rows(history: History, forecast: Forecast) -> Ints:
    rows = history.panel.series.join(forecast.series.with_row_index("row"), on=PAIR, how="left", maintain_order="left")[
        "row"
    ]
    return rows.cast(pl.Int64).fill_null(-1).to_numpy().astype(np.int64)


def _pool_pairs(catalog: pl.DataFrame, history: History) -> pl.DataFrame:
    """The replayed pairs and others beside them, up to 3,000, for the forecast to learn from."""
    if catalog.height <= FORECAST_SERIES:
        return catalog
    replayed = catalog.join(history.panel.series, on=PAIR, how="semi")
    others = catalog.join(history.panel.series, on=PAIR, how="anti").sort(PAIR)
    return pl.concat([replayed, others.sample(FORECAST_SERIES - replayed.height, seed=0)])
