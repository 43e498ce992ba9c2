"""How the checks of the last runs ended: a bar for each run, the gravest at the foot."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from api.findings import Row
from dashboards import palette

KINDS = (
    ("blocking", "Stop publishing", palette.WITHOUT),
    ("warning", "Warn", palette.BEFORE),
    ("info", "Tell", palette.ARRIVAL),
    ("waived", "Waived", palette.DEMAND),
)


def draw_runs(runs: Sequence[Row]) -> go.Figure:
    """`runs` the newest first, as `api.findings.course` gives them."""
    shown = list(reversed(runs))
    names = [f"{run['started_at']:%d %b %H:%M}" for run in shown]
    traces = [
        {
            "type": "bar", "x": names, "y": [run[kind] for run in shown], "name": label, "marker": {"color": colour},
            "hovertemplate": f"%{{y}} {label.lower()}<extra></extra>",
        }
        for kind, label, colour in KINDS
    ]  # fmt: skip
    layout = palette.lay_out(260, y_title="Checks that failed", barmode="stack", xaxis={"type": "category"})
    return palette.draw(traces, layout)
