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
    said = [spell_seconds(run["seconds"]) for run in shown]
    traces = [
        {
            "type": "bar", "x": names, "name": label, "marker": {"color": COLOURS[state]}, "customdata": said,
            "y": [run["seconds"] / 60 if run["state"] == state else None for run in shown],
            "hovertemplate": f"%{{customdata}}, {label.lower()}<extra></extra>",
        }
        for state, label in STATES.items()
        if any(run["state"] == state for run in shown)
    ]  # fmt: skip
    order = {"type": "category", "categoryorder": "array", "categoryarray": names, "nticks": 10}
    return palette.draw(traces, palette.lay_out(260, y_title="Minutes", barmode="stack", xaxis=order))


def draw_steps(steps: Sequence[Step]) -> go.Figure:
    """The longest steps, in the order they began, each from where it began to where it ended."""
    longest = sorted(steps, key=lambda step: -step.seconds)[:MOST_STEPS]
    shown = sorted(longest, key=lambda step: step.began_seconds)
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [step.name for step in shown],
        "x": [step.seconds for step in shown],
        "base": [step.began_seconds for step in shown],
        "marker": {"color": [palette.WITHOUT if step.is_failed else palette.BRAND for step in shown]},
        "customdata": [_said(step) for step in shown],
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
    }
    title = {"text": "Seconds from the run's first step"}
    layout = palette.lay_out(
        70 + 22 * max(len(shown), 3),
        unified=False,
        showlegend=False,
        margin={"t": 8},
        bargap=0.3,
        xaxis={"title": title, "showgrid": True, "gridcolor": palette.GRID},
        yaxis=palette.ROWS | {"tickfont": {"size": 11}},
    )
    return palette.draw([bars], layout)


def _said(step: Step) -> str:
    parts = [spell_seconds(step.seconds)]
    if step.is_failed:
        parts.append("failed")
    if step.built:
        parts.append(BUILT.get(step.built, step.built))
    return ", ".join(parts)
