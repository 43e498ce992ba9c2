"""Two charts of runs: how long each took, and what the longest steps of one were waiting for or doing when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from api.pipeline_runs import Step
from dashboards import palette
from dashboards.runs.words import BUILT, COLOURS, STATES, spell_seconds

MOST_STEPS = 25


def draw_durations(runs: Sequence[dict[str, Any]]) -> go.Figure:
    """A bar for each run, the newest last, in the colour of how it ended."""
    shown = list(reversed(runs))
    names = [f"{run['started_at']:%d %b %H:%M:%S}" for run in shown]
    figure = go.Figure()
    for state, label in STATES.items():
        values = [run["seconds"] / 60 if run["state"] == state else None for run in shown]
        if any(value is not None for value in values):
            figure.add_bar(
                x=names,
                y=values,
                name=label,
                marker_color=COLOURS[state],
                customdata=[spell_seconds(run["seconds"]) for run in shown],
                hovertemplate=f"%{{customdata}}, {label.lower()}<extra></extra>",
            )
    palette.lay_out(figure, height=260, y_title="Minutes")
    figure.update_layout(barmode="stack")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=names, nticks=10)
    return figure


def draw_steps(steps: Sequence[Step]) -> go.Figure:
    """The longest steps, in the order they began, each from where it began to where it ended."""
    longest = sorted(steps, key=lambda step: -step.seconds)[:MOST_STEPS]
    shown = sorted(longest, key=lambda step: step.began_seconds)
    figure = go.Figure()
    figure.add_bar(
        y=[step.name for step in shown],
        x=[step.seconds for step in shown],
        base=[step.began_seconds for step in shown],
        orientation="h",
        marker_color=[palette.WITHOUT if step.is_failed else palette.BRAND for step in shown],
        customdata=[_said(step) for step in shown],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    palette.lay_out(figure, height=70 + 22 * max(len(shown), 3), y_title="", unified=False)
    figure.update_layout(showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8}, bargap=0.3)
    figure.update_xaxes(title="Seconds from the run's first step", showgrid=True, gridcolor=palette.GRID)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, rangemode="normal", tickfont_size=11)
    return figure


def _said(step: Step) -> str:
    parts = [spell_seconds(step.seconds)]
    if step.is_failed:
        parts.append("failed")
    if step.built:
        parts.append(BUILT.get(step.built, step.built))
    return ", ".join(parts)
