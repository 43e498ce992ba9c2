"""Charts of trust: error, bias and coverage by week; replayed cost by window; what each ingredient buys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboards import palette
from dashboards.trust.words import policy

Values = Sequence[float | None]
COLOURS = {"ours": palette.BRAND, "perfect_foresight": palette.ARRIVAL, "actual": palette.WITHOUT}
OTHERS = (palette.BEFORE, palette.DEMAND, "#7a6aa8", "#a8996a")


def draw_weeks(
    weeks: Sequence[dt.date], lines: Mapping[str, Values], *, target: float | None = None, target_label: str = ""
) -> go.Figure:
    """Shares by week: the first line is ours, the others are for comparison; `target` is what it should be."""
    figure = go.Figure()
    for at, (label, values) in enumerate(lines.items()):
        figure.add_scatter(
            x=list(weeks),
            y=list(values),
            mode="lines+markers",
            name=label,
            marker={"size": 4},
            line={"color": palette.BRAND, "width": 2.4}
            if at == 0
            else {"color": palette.DEMAND, "width": 1.6, "dash": "dot"},
            hovertemplate=f"{label.lower()} %{{y:.1%}}<extra></extra>",
        )
    palette.lay_out(figure, height=270, y_title="")
    figure.update_yaxes(tickformat=".0%")
    if target is not None:
        figure.add_hline(y=target, line={"color": palette.QUIET, "width": 1, "dash": "dot"})
        figure.add_annotation(
            xref="paper", x=0, y=target, text=target_label, showarrow=False, xanchor="left", yanchor="bottom",
            font={"size": 11, "color": palette.QUIET},
        )  # fmt: skip
        figure.update_yaxes(rangemode="normal")
    return figure


def draw_replays(lines: Mapping[str, tuple[Sequence[dt.date], Values]]) -> go.Figure:
    """Cost of each policy by window, where the tuned weeks of cover are 1."""
    figure = go.Figure()
    others = iter(OTHERS)
    for code, (windows, values) in lines.items():
        colour = COLOURS.get(code) or next(others, palette.DEMAND)
        figure.add_scatter(
            x=list(windows),
            y=list(values),
            mode="lines+markers",
            name=policy(code),
            line={"color": colour, "width": 2.6 if code == "ours" else 1.6},
            marker={"size": 5},
            hovertemplate=f"{policy(code)}: %{{y:.3f}}<extra></extra>",
        )
    palette.lay_out(figure, height=320, y_title="Cost; tuned weeks of cover = 1")
    figure.update_yaxes(rangemode="normal")
    figure.add_hline(y=1.0, line={"color": palette.QUIET, "width": 1, "dash": "dot"})
    return figure


def draw_ablation(names: Sequence[str], buys: Sequence[float], errors: Values) -> go.Figure:
    """What taking each ingredient away costs, the dearest on top, with twice its standard error."""
    figure = go.Figure()
    figure.add_bar(
        y=list(names),
        x=[value * 100 for value in buys],
        orientation="h",
        marker_color=[palette.BRAND if value >= 0 else palette.WITHOUT for value in buys],
        error_x={"type": "data", "array": [200 * (error or 0.0) for error in errors], "color": palette.QUIET},
        hovertemplate="%{y}: %{x:+.2f} points<extra></extra>",
    )
    palette.lay_out(figure, height=70 + 28 * max(len(names), 3), y_title="", unified=False)
    figure.update_layout(showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    figure.update_xaxes(title="Points of cost that the ingredient saves", showgrid=True, gridcolor=palette.GRID)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, rangemode="normal")
    return figure
