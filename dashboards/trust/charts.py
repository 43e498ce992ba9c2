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
    ours, others = {"color": palette.BRAND, "width": 2.4}, {"color": palette.DEMAND, "width": 1.6, "dash": "dot"}
    traces = [
        {
            "type": "scatter", "x": list(weeks), "y": list(values), "mode": "lines+markers", "name": label,
            "marker": {"size": 4}, "line": others if at else ours,
            "hovertemplate": f"{label.lower()} %{{y:.1%}}<extra></extra>",
        }
        for at, (label, values) in enumerate(lines.items())
    ]  # fmt: skip
    layout = palette.lay_out(270, yaxis={"tickformat": ".0%"})
    if target is not None:
        word = {"text": target_label, "showarrow": False, "font": palette.SMALL}
        place = {"xref": "paper", "x": 0, "y": target, "xanchor": "left", "yanchor": "bottom"}
        layout |= {"shapes": [palette.mark_level(target)], "annotations": [word | place]}
        layout["yaxis"]["rangemode"] = "normal"
    return palette.draw(traces, layout)


def draw_replays(lines: Mapping[str, tuple[Sequence[dt.date], Values]]) -> go.Figure:
    """Cost of each policy by window, where the tuned weeks of cover are 1."""
    others = iter(OTHERS)
    traces = [
        {
            "type": "scatter", "x": list(windows), "y": list(values), "mode": "lines+markers", "name": policy(code),
            "line": {
                "color": COLOURS.get(code) or next(others, palette.DEMAND), "width": 2.6 if code == "ours" else 1.6,
            },
            "marker": {"size": 5}, "hovertemplate": f"{policy(code)}: %{{y:.3f}}<extra></extra>",
        }
        for code, (windows, values) in lines.items()
    ]  # fmt: skip
    title = "Cost; tuned weeks of cover = 1"
    layout = palette.lay_out(320, y_title=title, yaxis={"rangemode": "normal"}, shapes=[palette.mark_level(1.0)])
    return palette.draw(traces, layout)


def draw_ablation(names: Sequence[str], buys: Sequence[float], errors: Values) -> go.Figure:
    """What taking each ingredient away costs, the dearest on top, with twice its standard error."""
    bars = {
        "type": "bar", "orientation": "h", "y": list(names), "x": [value * 100 for value in buys],
        "marker": {"color": [palette.BRAND if value >= 0 else palette.WITHOUT for value in buys]},
        "error_x": {"type": "data", "array": [200 * (error or 0.0) for error in errors], "color": palette.QUIET},
        "hovertemplate": "%{y}: %{x:+.2f} points<extra></extra>",
    }  # fmt: skip
    title = {"text": "Points of cost that the ingredient saves"}
    layout = palette.lay_out(
        70 + 28 * max(len(names), 3),
        unified=False,
        showlegend=False,
        margin={"t": 8},
        xaxis={"title": title, "showgrid": True, "gridcolor": palette.GRID},
        yaxis=palette.ROWS,
    )
    return palette.draw([bars], layout)
