"""Each policy as it would have stood before a window: what it can be tuned by, chosen on earlier windows only.

Reads a replay; gives one-cell policies. What they then cost is judged in run.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.backtest.calibrate import BIASES, COVERS, LEAST_WINDOWS, SHIFTS, choose_cell, choose_cover
from models.backtest.policies import FixedCover, Foresight, PathRule
from models.backtest.replay import Cell, Progress, Replay
from models.backtest.rules import MinMax
from models.backtest.shelf import Shelf, learn_incumbent
from models.backtest.simulator import Policy, simulate
from models.policy.paths import Floats

BASELINE = "tuned_mean"
POLICIES = (BASELINE, "min_max", "incumbent", "ours", "theory", "perfect_foresight", "actual")
CELLS: list[Cell] = [(bias, shift) for bias in BIASES for shift in SHIFTS]
MIN_MAX = tuple((level, gap) for level in (*(-0.75 + 0.25 * s for s in range(9)), 2.5, 5.0) for gap in (0.25, 1.0, 2.0))


@dataclass(frozen=True)
class Tuned:
    """A policy of one cell, ready for a window, and its setting in words."""

    policy: Policy
    setting: str


def tune_policies(
    replay: Replay, names: tuple[str, ...], shelf: Shelf | None, progress: Progress | None = None
) -> dict[str, list[Tuned | None]]:
    """Name -> one tuned policy per window, None where history does not tell it.

    The first three windows have nothing before them: what they show is tuned on themselves, and is not scored.
    """
    numbers = range(len(replay.windows))
    covers = np.array([outcome.cost for outcome in replay.run_covers(COVERS)])
    chosen = choose_covers(covers)
    found: dict[str, list[Tuned | None]] = {}
    for name in names:
        if name == BASELINE:
            found[name] = [Tuned(FixedCover([COVERS[at]]), f"cover {COVERS[at]:+.2f} weeks") for at in chosen]
        elif name == "min_max":
            found[name] = _tune_min_max(replay)
        elif name == "ours":
            report = (lambda share: progress("tune", share)) if progress else None
            costs = np.array([outcome.cost for outcome in replay.run_cells(CELLS, report)])
            found[name] = [_path_rule(replay, cell) for cell in choose_cells(costs, covers, chosen, CELLS)]
        elif name == "theory":
            found[name] = [_path_rule(replay, (1.0, 0.0)) for _ in numbers]
        elif name == "perfect_foresight":
            found[name] = [Tuned(Foresight(replay.is_backordered), "") for _ in numbers]
        elif name == "incumbent" and shelf is not None:
            found[name] = [_incumbent(replay, shelf, number) for number in numbers]
    return found


def choose_covers(covers: Floats) -> list[int]:
    """Column of the cover chosen for each window from the costs (n_windows, n_covers) of those before it."""
    return [choose_cover(covers[before(number)]) for number in range(len(covers))]


def choose_cells(costs: Floats, covers: Floats, chosen: Sequence[int], cells: Sequence[Cell]) -> list[Cell]:
    """Bias and shift of tau for each window, from the costs (n_windows, n_cells) of the windows before it."""
    return [
        choose_cell(costs[before(number)] / np.maximum(covers[before(number), at], 1e-9)[:, None], cells)
        for number, at in enumerate(chosen)
    ]


def before(number: int) -> slice:
    """The windows that window `number` may be tuned on; the first three have none, and take themselves."""
    return slice(0, number) if number >= LEAST_WINDOWS else slice(0, LEAST_WINDOWS)


def _tune_min_max(replay: Replay) -> list[Tuned | None]:
    policy = MinMax(MIN_MAX)
    costs = np.array(
        [simulate(replay.history, w, replay.start(w), policy, replay.is_backordered).cost for w in replay.windows]
    )
    tuned: list[Tuned | None] = []
    for number in range(len(replay.windows)):
        level, gap = MIN_MAX[choose_cover(costs[before(number)])]
        tuned.append(Tuned(MinMax([(level, gap)]), f"minimum {level:+.2f} weeks, maximum {gap:.2f} above"))
    return tuned


def _path_rule(replay: Replay, cell: Cell) -> Tuned:
    rule = PathRule([cell], replay.forecasts, replay.is_backordered, replay.n_paths)
    return Tuned(rule, f"bias {cell[0]:.3f}, tau shift {cell[1]:+.3f}")


def _incumbent(replay: Replay, shelf: Shelf, number: int) -> Tuned | None:
    rule = learn_incumbent(replay.history, shelf, replay.windows[number].first)
    if rule is None:
        return None
    cover, share = np.median(rule.cover_weeks), np.median(rule.order_share)
    return Tuned(rule, f"cover {cover:.1f} weeks, ordered at {100 * share:.0f} % of reviews below it")
