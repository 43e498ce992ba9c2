"""A Pareto chart: names from the largest down, and the share of the whole that they reach together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import plotly.graph_objects as go

from dashboards import palette
from dashboards.margins import LEAST_ASIDE


def draw_pareto(
    names: Sequence[str], values: Sequence[float], whole: float, words: Callable[[float], str], most: int = 30
) -> go.Figure:
    """Bars of the `most` largest, and the line of what they make up of the whole."""
    ranked = sorted(zip(names, values, strict=True), key=lambda pair: -pair[1])
    shown = ranked[:most]
    reached = list(accumulate(value / whole if whole else 0.0 for _, value in shown))
    bars = {
        "type": "bar", "name": "each", "x": [name for name, _ in shown], "y": [value for _, value in shown],
        "marker": {"color": palette.BRAND}, "customdata": [words(value) for _, value in shown],
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip
    line = {
        "type": "scatter", "name": "together", "x": bars["x"], "y": reached, "yaxis": "y2", "mode": "lines+markers",
        "line": {"color": palette.BEFORE, "width": 2}, "marker": {"size": 4},
        "hovertemplate": "%{y:.0%} together<extra></extra>",
    }  # fmt: skip
    layout = palette.lay_out(
        330,
        showlegend=False,
        margin={"r": LEAST_ASIDE},
        xaxis={"type": "category", "tickangle": -40 if len(shown) > 8 else 0},
        yaxis=palette.word_ticks([value for _, value in shown], words),
        yaxis2=palette.TICKS | {
            "overlaying": "y", "side": "right", "range": [0, 1.02], "tickvals": [0, 0.5, 0.8, 1], "tickformat": ".0%",
            "showgrid": False,
        },
    )  # fmt: skip
    return palette.draw([bars, line], layout)
