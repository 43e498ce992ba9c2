"""A heat map: one figure over two dimensions, light where there is little and dark where there is much."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dashboards import palette

MOST_NAMED = 8  # more columns are called by their codes; the rows have the names


def draw_heat(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    words: Callable[[float], str],
    *,
    better: str = "up",
) -> go.Figure:
    """`values[r][c]` of row r and column c, None where nothing is; a figure that is better low burns where high."""
    said = [["–" if value is None else words(value) for value in line] for line in values]
    many = len(columns) > MOST_NAMED
    few = len(rows) * len(columns) <= 200
    cells = {
        "type": "heatmap",
        "x": [name.split(" · ")[0] for name in columns] if many else list(columns),
        "y": list(rows),
        "z": [list(line) for line in values],
        "text": said,
        "texttemplate": "%{text}" if few else None,
        "textfont": {"size": 11},
        "hovertemplate": "%{y} · %{x}: %{text}<extra></extra>",
        "colorscale": palette.HEAT_UP if better != "down" else palette.HEAT_DOWN,
        "xgap": 1,
        "ygap": 1,
        "showscale": not few,
        "hoverongaps": False,
    }
    layout = palette.lay_out(
        max(220, 70 + 26 * len(rows)),
        unified=False,
        margin={"t": 8},
        xaxis={"type": "category", "side": "bottom"},
        yaxis=palette.ROWS,
    )
    return palette.draw([cells], layout)
