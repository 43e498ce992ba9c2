"""A Pareto chart: names from the largest down, and the share of the whole that they reach together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import plotly.graph_objects as go

from dashboards import palette


def draw_pareto(
    names: Sequence[str], values: Sequence[float], whole: float, words: Callable[[float], str], most: int = 30
) -> go.Figure:
    """Bars of the `most` largest, and the line of what they make up of the whole."""
    ranked = sorted(zip(names, values, strict=True), key=lambda pair: -pair[1])
    shown = ranked[:most]
    reached = list(accumulate(value / whole if whole else 0.0 for _, value in shown))
    figure = go.Figure()
    figure.add_bar(
        x=[name for name, _ in shown],
        y=[value for _, value in shown],
        marker_color=palette.BRAND,
        customdata=[words(value) for _, value in shown],
        hovertemplate="%{customdata}<extra></extra>",
        name="each",
    )
    figure.add_scatter(
        x=[name for name, _ in shown],
        y=reached,
        yaxis="y2",
        mode="lines+markers",
        line={"color": palette.BEFORE, "width": 2},
        marker={"size": 4},
        hovertemplate="%{y:.0%} together<extra></extra>",
        name="together",
    )
    palette.lay_out(figure, height=330, y_title="")
    palette.word_ticks(figure, [value for _, value in shown], words, "y")
    figure.update_layout(
        showlegend=False,
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 1.02],
            "tickvals": [0, 0.5, 0.8, 1],
            "tickformat": ".0%",
            "showgrid": False,
        },
    )
    figure.update_xaxes(type="category", tickangle=-40 if len(shown) > 8 else 0)
    return figure
