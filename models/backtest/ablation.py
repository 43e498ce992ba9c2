"""What each ingredient of ours buys: the same windows with it taken away, everything else tuned anew.

Reads a replay with its forecasts; changes forecasts or the rule, never history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from models.backtest.calibrate import COVERS, LEAST_WINDOWS, SHIFTS
from models.backtest.history import History
from models.backtest.policies import PathRule, chain_season, deseasonalised_mean
from models.backtest.replay import Cell, Progress, Replay
from models.backtest.tuning import CELLS, choose_cells, choose_covers
from models.features.panel import Panel
from models.forecast.blend import structural_share
from models.forecast.engine import Forecast
from models.forecast.structural import close, structural
from models.policy.paths import Floats, Ints

ABLATION_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "variant": pl.String,
    "windows": pl.Int64,
    "cost": pl.Float64,
    "ratio": pl.Float64,
    "ratio_spread": pl.Float64,
    "won": pl.Int64,
    "buys": pl.Float64,
    "buys_error": pl.Float64,
}
Change = Callable[[Panel, int, Forecast, Ints], Forecast]


@dataclass(frozen=True)
class Variant:
    """A change of the forecasts (None: none), the rule, and the cells that may be chosen from."""

    name: str
    change: Change | None = None
    rule: type[PathRule] = PathRule
    cells: Sequence[Cell] = tuple(CELLS)


class BaseStock(PathRule):
    """The rule without its walk: order up to a quantile of the demand until the cover ends, as if nothing were lost."""

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        return PathRule(self.cells, self.forecasts, True, self.n_paths).order(history, week, on_hand, due)


def ablate_replay(replay: Replay, as_of: date, progress: Progress | None = None) -> pl.DataFrame:
    """One row per variant (ABLATION_SCHEMA), `ours` first, over the scored windows of a plausible start."""
    covers = np.array([outcome.cost for outcome in replay.run_covers(COVERS)])
    chosen = choose_covers(covers)
    base = covers[np.arange(len(covers)), chosen][LEAST_WINDOWS:]
    rows: list[dict[str, object]] = []
    ours: Floats | None = None
    for number, variant in enumerate(VARIANTS):
        costs = _cost_variant(replay, variant, covers, chosen)[LEAST_WINDOWS:]
        ratios = costs / np.maximum(base, 1e-9)
        ours = ratios if ours is None else ours
        gap = ratios - ours
        rows.append(
            {
                "as_of": as_of,
                "variant": variant.name,
                "windows": len(ratios),
                "cost": float(costs.mean()),
                "ratio": float(ratios.mean()),
                "ratio_spread": float(ratios.std()),
                "won": int((ratios < 1).sum()),
                "buys": float(gap.mean()),
                "buys_error": float(gap.std(ddof=1) / len(gap) ** 0.5) if len(gap) > 1 else None,
            }
        )
        if progress is not None:
            progress("ablate", (number + 1) / len(VARIANTS))
    return pl.DataFrame(rows, schema=ABLATION_SCHEMA)


def _cost_variant(replay: Replay, variant: Variant, covers: Floats, chosen: Sequence[int]) -> Floats:
    """Cost of each window, its cell chosen among the variant's on the windows before it."""
    changed = replay
    if variant.change is not None:
        made = {
            week: (variant.change(replay.history.panel, week, forecast, rows), rows)
            for week, (forecast, rows) in replay.forecasts.items()
        }
        changed = replace(replay, forecasts=made)
    cells = [variant.cells[0]] * len(replay.windows)
    if len(variant.cells) > 1:
        costs = np.array([outcome.cost for outcome in changed.run_cells(variant.cells, rule=variant.rule)])
        cells = choose_cells(costs, covers, chosen, variant.cells)
    return np.array(
        [
            replace(changed, windows=[window]).run_cells([cell], rule=variant.rule)[0].cost[0]
            for window, cell in zip(changed.windows, cells, strict=True)
        ]
    )


def _swap(forecast: Forecast, rows: Ints, mean: Floats) -> Forecast:
    """The forecast with other means for the replayed pairs: `mean` (n, n_weeks) in the panel's order."""
    changed, known = forecast.mean.copy(), rows >= 0
    changed[rows[known]] = mean[known]
    return replace(forecast, mean=changed)


def _structural(panel: Panel, week: int, forecast: Forecast, rows: Ints) -> Forecast:
    n_weeks = forecast.mean.shape[1]
    return _swap(forecast, rows, close(panel, week, structural(panel, week, n_weeks)))


def _boosted(panel: Panel, week: int, forecast: Forecast, rows: Ints) -> Forecast:
    """The structural share taken out of the blend again, where the pair has one."""
    share = structural_share(forecast.series.height, week)
    base = close(panel, week, structural(panel, week, forecast.mean.shape[1]))
    mean = np.where((rows >= 0)[:, None], forecast.mean[rows], 0.0)
    blended = (np.where(rows >= 0, forecast.method[rows], "") == "boosted_blend")[:, None]
    return _swap(forecast, rows, np.where(blended, np.maximum(mean - share * base, 0.0) / (1.0 - share), mean))


def _mean_season(panel: Panel, week: int, forecast: Forecast, rows: Ints) -> Forecast:
    season = chain_season(panel, week)
    ahead = season[panel.weeks_of_year(week, week + forecast.mean.shape[1])]
    return _swap(forecast, rows, deseasonalised_mean(panel, week, season)[:, None] * ahead)


def _scatter(shared: float, inner: float) -> Change:
    return lambda _panel, _week, made, _rows: replace(made, shared=shared * made.shared, inner=inner * made.inner)


def _independent(_panel: Panel, _week: int, made: Forecast, _rows: Ints) -> Forecast:
    total = made.shared + made.inner + made.shared * made.inner
    return replace(made, shared=np.full_like(made.shared, 1e-6), inner=total)


def _one_scatter(_panel: Panel, _week: int, made: Forecast, _rows: Ints) -> Forecast:
    shared, inner = (np.full_like(each, np.median(each)) for each in (made.shared, made.inner))
    return replace(made, shared=shared, inner=inner)


def _class_scatter(_panel: Panel, _week: int, made: Forecast, _rows: Ints) -> Forecast:
    """Ten classes of volume, each series as the mean of its class."""
    volume = made.mean.mean(axis=1)
    group = np.searchsorted(np.quantile(volume, np.linspace(0, 1, 11)[1:-1]), volume)
    size = np.maximum(np.bincount(group, minlength=10), 1)
    shared, inner = (np.bincount(group, each, 10)[group] / size[group] for each in (made.shared, made.inner))
    return replace(made, shared=shared, inner=inner)


VARIANTS = (
    Variant("ours"),
    Variant("bias and tau as theory says, nothing tuned", cells=[(1.0, 0.0)]),
    Variant("tau tuned, no bias", cells=[(1.0, shift) for shift in SHIFTS]),
    Variant("bias tuned, tau as theory says", cells=[(bias, 0.0) for bias in (0.7, 0.8, 0.9, 1.0)]),
    Variant("order up to a level, no walk of the stock", rule=BaseStock),
    Variant("weeks scatter alone, no shared shock", _independent),
    Variant("no scatter but Poisson's", _scatter(1e-3, 1e-3)),
    Variant("scatter halved", _scatter(0.5, 0.5)),
    Variant("scatter half as much again", _scatter(1.5, 1.5)),
    Variant("no scatter of a series' own, only its volume's", _class_scatter),
    Variant("one scatter for all volumes", _one_scatter),
    Variant("boosted forecast alone", _boosted),
    Variant("structural forecast alone", _structural),
    Variant("13-week mean x season as the forecast", _mean_season),
)
