"""Charts of the Sales view: a metric over time beside an earlier period, and by store or category."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dashboards import palette
from warehouse.formats import format_day

Values = Sequence[float | None]
MOST_BARS, MOST_TICKS = 12, 8


def draw_course(
    steps: Sequence[dt.date],
    now: Values,
    before_steps: Sequence[dt.date],
    before: Values,
    label: str,
    before_label: str,
    words: Callable[[float], str],
) -> go.Figure:
    """The metric over time, the earlier period under it, aligned step by step."""
    traces: list[palette.Part] = [
        {
            "type": "scatter", "x": list(steps), "y": list(now), "mode": "lines", "name": label,
            "line": {"color": palette.BRAND, "width": 2.6}, "fillcolor": palette.BAND_WIDE,
            "fill": None if None in now else "tozeroy",  # over a gap it would show what was not
            "customdata": [_said(value, words) for value in now],
            "hovertemplate": "<b>%{customdata}</b><extra></extra>",
        }
    ]  # fmt: skip
    if any(value is not None for value in before):
        said = [f"{_said(value, words)} ({format_day(day)})" for day, value in zip(before_steps, before, strict=True)]
        traces.insert(0, {
            "type": "scatter", "x": list(steps), "y": list(before), "mode": "lines", "name": before_label,
            "line": {"color": palette.DEMAND, "width": 1.6, "dash": "dot"},
            "customdata": said, "hovertemplate": "%{customdata}<extra></extra>",
        })  # fmt: skip
    shown = list(steps)[:: max(1, -(-len(steps) // MOST_TICKS))]
    layout = palette.lay_out(
        330,
        margin={"r": 30},  # room for the last day's name
        xaxis={"tickvals": shown, "ticktext": [_tick(day, steps) for day in shown]},
        yaxis=palette.word_ticks([*now, *before], words),
    )
    return palette.draw(traces, layout)


def draw_bars(names: Sequence[str], values: Values, words: Callable[[float], str], most: int = MOST_BARS) -> go.Figure:
    """The metric by name, the largest on top; at most so many."""
    ranked = sorted(zip(names, values, strict=True), key=lambda pair: -(pair[1] or 0.0))[:most][::-1]
    bars = {
        "type": "bar", "x": [value for _, value in ranked], "y": [name for name, _ in ranked], "orientation": "h",
        "marker": {"color": palette.BRAND}, "text": [_said(value, words) for _, value in ranked],
        "textposition": "auto", "textangle": 0, "hovertemplate": "%{y}: %{text}<extra></extra>",
    }  # fmt: skip
    height = 60 + 34 * max(len(ranked), 2)
    return palette.draw([bars], palette.lay_out(
        height, unified=False, showlegend=False, margin={"t": 4}, xaxis={"visible": False}, yaxis={"showgrid": False},
    ))  # fmt: skip


def _tick(day: dt.date, steps: Sequence[dt.date]) -> str:
    """The year is said where it begins, at the first tick and at each January's first."""
    year = f"<br>{day.year}" if day == steps[0] or (day.month == 1 and day.day <= 7) else ""
    return f"{day.day} {day:%b}{year}"


def _said(value: float | None, words: Callable[[float], str]) -> str:
    return "–" if value is None else words(value)
