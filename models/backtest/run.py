"""The backtest: policies side by side on past windows, everything tuned on earlier windows only.

Gives a tidy frame of window x policy for docs, dashboards and the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from models.backtest.calibrate import BIASES, COVERS, LEAST_WINDOWS, SHIFTS, choose_cell, choose_cover
from models.backtest.replay import Progress, Replay, forecast_replay, outline_replay
from models.backtest.simulator import Outcome
from models.backtest.windows import Window
from models.forecast.engine import Forecast
from models.policy.paths import Floats

BACKTEST_SCHEMA: dict[str, type[pl.DataType]] = {
    "window_starts_on": pl.Date,
    "policy": pl.String,
    "setting": pl.String,
    "is_scored": pl.Boolean,
    "cost": pl.Float64,
    "holding_cost": pl.Float64,
    "shortage_cost": pl.Float64,
    "demand_qty": pl.Float64,
    "short_qty": pl.Float64,
    "fill_rate": pl.Float64,
    "stock_qty": pl.Float64,
    "ratio": pl.Float64,
}


def run_backtest(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    terms: pl.DataFrame,
    as_of: date,
    unmet_demand: str,
    *,
    forecasts: Sequence[Forecast] | None = None,
    windows: int = 12,
    n_paths: int = 300,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Window x policy (BACKTEST_SCHEMA): tuned_mean, path_rule, path_rule_theory, perfect_foresight.

    At most `windows` are scored. The three before them only warm up the tuning (is_scored false): cover, bias and tau
    of a window come from those before it. ratio = cost over the tuned mean's of the same window; stock_qty = units
    at the end of the weeks, summed.
    An empty frame means too little history (under four windows).
    """
    replay = outline_replay(
        demand, catalog, terms, as_of, unmet_demand, n_paths=n_paths, max_windows=windows + LEAST_WINDOWS
    )
    if len(replay.windows) <= LEAST_WINDOWS:
        return pl.DataFrame(schema=BACKTEST_SCHEMA)
    return backtest_replay(forecast_replay(replay, demand, catalog, forecasts, progress), progress)


def backtest_replay(replay: Replay, progress: Progress | None = None) -> pl.DataFrame:
    """As run_backtest, on a replay that has its forecasts, of four windows or more."""
    cells = [(bias, shift) for bias in BIASES for shift in SHIFTS] + [(1.0, 0.0)]
    cells = list(dict.fromkeys(cells))
    covers = replay.run_covers(COVERS)
    ours = replay.run_cells(cells, lambda share: progress("backtest", share) if progress else None)
    perfect = replay.run_foresight()
    cover_costs = np.array([outcome.cost for outcome in covers])
    our_costs = np.array([outcome.cost for outcome in ours])
    rows = []
    for index, window in enumerate(replay.windows):
        # windows that only warm up have nothing before them: they show what hindsight would have taken
        past = slice(0, index) if index >= LEAST_WINDOWS else slice(0, LEAST_WINDOWS)
        cover = choose_cover(cover_costs[past])
        bias, shift = choose_cell(our_costs[past] / np.maximum(cover_costs[past, cover], 1e-9)[:, None], cells)
        tuned = _replay_one(replay, window, (bias, shift))
        base = float(covers[index].cost[cover])
        is_scored = index >= LEAST_WINDOWS
        for policy, setting, outcome, cell in (
            ("tuned_mean", f"cover {COVERS[cover]:+.2f} weeks", covers[index], cover),
            ("path_rule", f"bias {bias:.3f}, tau shift {shift:+.3f}", tuned, 0),
            ("path_rule_theory", "bias 1, no shift", ours[index], cells.index((1.0, 0.0))),
            ("perfect_foresight", "", perfect[index], 0),
        ):
            day = replay.history.panel.monday(window.first)
            rows.append(
                {"window_starts_on": day, "policy": policy, "setting": setting, "is_scored": is_scored}
                | _figures(outcome, cell, base)
            )
    return pl.DataFrame(rows, schema=BACKTEST_SCHEMA)


def summarise_backtest(frame: pl.DataFrame) -> pl.DataFrame:
    """Per policy over the scored windows: mean cost, mean ratio and its spread, windows won, fill rate, mean stock."""
    return (
        frame.filter(pl.col("is_scored"))
        .group_by("policy", maintain_order=True)
        .agg(
            pl.len().alias("windows"),
            pl.col("cost").mean(),
            pl.col("ratio").mean(),
            pl.col("ratio").std(ddof=0).alias("ratio_spread"),
            (pl.col("ratio") < 1.0).sum().alias("won"),
            (1.0 - pl.col("short_qty").sum() / pl.col("demand_qty").sum()).alias("fill_rate"),
            pl.col("stock_qty").mean(),
        )
    )


def _replay_one(replay: Replay, window: Window, cell: tuple[float, float]) -> Outcome:
    alone = Replay(replay.history, [window], replay.is_backordered, replay.n_paths, replay.forecasts)
    return alone.run_cells([cell])[0]


def _figures(outcome: Outcome, cell: int, base: float) -> dict[str, object]:
    def at(values: Floats) -> float:
        return float(values[cell])

    return {
        "cost": at(outcome.cost),
        "holding_cost": at(outcome.holding),
        "shortage_cost": at(outcome.shortage),
        "demand_qty": at(outcome.demand),
        "short_qty": at(outcome.short),
        "fill_rate": at(outcome.fill_rate),
        "stock_qty": at(outcome.stock),
        "ratio": at(outcome.cost) / base if base > 0 else None,
    }
