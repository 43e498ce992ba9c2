"""A waterfall from an earlier figure to today's: what each name added or took away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import plotly.graph_objects as go

from dashboards import palette

REST = "the rest"
TOLERANCE = 1e-6  # of the wholes: rounding of sums is no step


def draw_bridge(
    names: Sequence[str],
    before: Sequence[float],
    now: Sequence[float],
    wholes: tuple[float, float],
    words: Callable[[float], str],
    *,
    before_label: str,
    now_label: str,
    most: int = 10,
    better: str = "up",
) -> go.Figure:
    """The `most` largest changes by name, and the rest in one, between the wholes of then and now.

    The steps lead from one whole to the other: what the names do not explain is part of the rest.
    """
    changes = sorted(
        ((name, then, after - then) for name, then, after in zip(names, before, now, strict=True)),
        key=lambda change: -abs(change[2]),
    )
    steps = [(name, change) for name, _, change in sorted(changes[:most], key=lambda change: -change[2])]
    rest = wholes[1] - wholes[0]
    for _, change in steps:
        rest -= change
    if len(changes) > most or abs(rest) > TOLERANCE * max(map(abs, wholes)):
        steps.append((REST, rest))
    good, bad = (palette.BRAND, palette.WITHOUT) if better != "down" else (palette.WITHOUT, palette.BRAND)
    steps_down = {
        "type": "waterfall",
        "orientation": "h",
        "y": [before_label, *(name for name, _ in steps), now_label],
        "x": [wholes[0], *(change for _, change in steps), 0],
        "measure": ["absolute", *("relative" for _ in steps), "total"],
        "text": [words(wholes[0]), *(_signed(change, words) for _, change in steps), words(wholes[1])],
        "textposition": "outside",
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "increasing": {"marker": {"color": good}},
        "decreasing": {"marker": {"color": bad}},
        "totals": {"marker": {"color": palette.DEMAND}},
        "connector": {"line": {"color": palette.GRID}},
    }
    layout = palette.lay_out(
        60 + 28 * (len(steps) + 2),
        unified=False,
        showlegend=False,
        margin={"t": 4},
        xaxis={"visible": False, "range": _reach(wholes, [change for _, change in steps])},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
    )
    return palette.draw([steps_down], layout)


def _reach(wholes: tuple[float, float], changes: Sequence[float]) -> list[float]:
    """From where to where the bars run: not from 0 where the steps would be too small to be seen."""
    stops = [wholes[1], *accumulate([wholes[0], *changes])]
    low, high = min(stops), max(stops)
    span = (high - low) or abs(high) or 1.0
    begin = low - 0.5 * span
    return [begin if begin > 0 else min(0.0, low - 0.3 * span), high + 0.6 * span]


def _signed(change: float, words: Callable[[float], str]) -> str:
    return f"+{words(change)}" if change > 0 else words(change)
