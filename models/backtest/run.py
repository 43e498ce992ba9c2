"""The backtest: policies side by side on past windows, everything tuned on earlier windows only.

Gives a tidy frame of window x policy x segment for the lake, the docs and the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from models.backtest.calibrate import LEAST_WINDOWS
from models.backtest.replay import Progress, Replay, forecast_replay, outline_replay
from models.backtest.segments import ALL, BACKTEST_SCHEMA, list_figures
from models.backtest.shelf import Shelf, judge_actual, own_history, own_start
from models.backtest.simulator import Outcome, simulate
from models.backtest.tuning import BASELINE, POLICIES, Tuned, tune_policies
from models.backtest.windows import Window
from models.forecast.engine import Forecast

PLAUSIBLE, OWN = "plausible", "own_shelf"


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
    """As backtest_replay, of the policies that need no stock history, on the last windows before as_of.

    At most `windows` are scored, after the three that only warm up the tuning. An empty frame means too little history
    (under four windows).
    """
    replay = outline_replay(
        demand, catalog, terms, as_of, unmet_demand, n_paths=n_paths, max_windows=windows + LEAST_WINDOWS
    )
    if len(replay.windows) <= LEAST_WINDOWS:
        return pl.DataFrame(schema=BACKTEST_SCHEMA)
    return backtest_replay(forecast_replay(replay, demand, catalog, forecasts, progress), as_of, progress=progress)


def backtest_replay(
    replay: Replay,
    as_of: date,
    policies: Sequence[str] = POLICIES,
    shelf: Shelf | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Window x start x policy x segment (BACKTEST_SCHEMA) of a replay that has its forecasts, of four windows or more.

    Every window is lived from a plausible shelf (windows.start_window), every policy alike; with `shelf` also from what
    the chain really had on that day, beside what it then did (`actual`). Cover, bias, tau of a window come from those
    before it; the first three are not scored. ratio = cost over the tuned mean's of the same window, start and segment.
    """
    names = (BASELINE, *(name for name in policies if name != BASELINE))
    known = shelf if shelf is not None and shelf.is_known else None
    tuned = tune_policies(replay, names, known, progress)
    rows: list[dict[str, object]] = []
    for number, window in enumerate(replay.windows):
        ready = {name: of_window for name, each in tuned.items() if (of_window := each[number]) is not None}
        starts = [PLAUSIBLE] if known is None else [PLAUSIBLE, OWN]
        for starts_from in starts:
            outcomes = _live(replay, window, ready, known if starts_from == OWN else None, "actual" in names)
            for name, outcome in outcomes.items():
                place: dict[str, date | str | bool] = {
                    "as_of": as_of,
                    "window_starts_on": replay.history.panel.monday(window.first),
                    "starts_from": starts_from,
                    "policy": name,
                    "setting": ready[name].setting if name in ready else "",
                    "is_scored": number >= LEAST_WINDOWS,
                }
                rows += list_figures(replay.history, window, outcome, outcomes[BASELINE], place)
        if progress is not None:
            progress("backtest", (number + 1) / len(replay.windows))
    return pl.DataFrame(rows, schema=BACKTEST_SCHEMA)


def _live(
    replay: Replay, window: Window, ready: dict[str, Tuned], shelf: Shelf | None, with_actual: bool
) -> dict[str, Outcome]:
    """Policy -> outcome of one window, all from the same start and on the same demand."""
    history = replay.history if shelf is None else own_history(replay.history, shelf)
    start = replay.start(window) if shelf is None else own_start(history, shelf, window)
    outcomes = {
        name: simulate(history, window, start, each.policy, replay.is_backordered) for name, each in ready.items()
    }
    if shelf is not None and with_actual:
        outcomes["actual"] = judge_actual(history, shelf, window, start)
    return outcomes


def summarise_backtest(frame: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Per start, policy and `by` over the scored windows: means, the spread of cost and ratio, windows won.

    Without `by` of the whole chain. fill_rate and empty_share are those of all windows together.
    """
    kept = frame.filter(pl.col("is_scored"), (pl.col("segment_by") == ALL) if not by else pl.col("segment_by") != ALL)
    return kept.group_by("starts_from", "policy", *by, maintain_order=True).agg(
        pl.len().alias("windows"),
        pl.col("cost").mean(),
        pl.col("cost").std(ddof=0).alias("cost_spread"),
        pl.col("ratio").mean(),
        pl.col("ratio").std(ddof=0).alias("ratio_spread"),
        (pl.col("ratio") < 1.0 - 1e-9).sum().alias("won"),
        (1.0 - pl.col("short_qty").sum() / pl.col("demand_qty").sum()).alias("fill_rate"),
        pl.col("empty_share").mean(),
        pl.col("holding_cost").mean(),
        pl.col("shortage_cost").mean(),
        pl.col("stock_qty").mean(),
        pl.col("stock_value").mean(),
        pl.col("ordered_qty").mean(),
        pl.col("order_lines").mean(),
    )
