"""The power grid: one figure by sphere and cylinder, as opticians lay it out: plus on top, no cylinder at the left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import plotly.graph_objects as go

from dashboards import palette

Cell = tuple[float, float]


def draw_powers(
    values: Mapping[Cell, float], said: Callable[[Cell], str], words: Callable[[float], str], *, better: str
) -> go.Figure:
    """`values` by (sphere, cylinder) in dioptres; what is not there stays empty. `said` is a cell's hover text."""
    spheres = sorted({sphere for sphere, _ in values}, reverse=True)
    cylinders = sorted({cylinder for _, cylinder in values}, reverse=True)
    cells = [[(sphere, cylinder) for cylinder in cylinders] for sphere in spheres]
    grid = {
        "type": "heatmap",
        "x": [spell_power(cylinder) for cylinder in cylinders],
        "y": [spell_power(sphere) for sphere in spheres],
        "z": [[values.get(cell) for cell in line] for line in cells],
        "text": [[words(values[cell]) if values.get(cell) else "" for cell in line] for line in cells],
        "texttemplate": "%{text}",
        "textfont": {"size": 10},
        "customdata": [[said(cell) for cell in line] for line in cells],
        "hovertemplate": "sphere %{y}, cylinder %{x}<br>%{customdata}<extra></extra>",
        "colorscale": palette.HEAT_DOWN if better == "down" else palette.HEAT_UP,
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "hoverongaps": False,
    }
    layout = palette.lay_out(
        90 + 17 * max(len(spheres), 6),
        y_title="Sphere",
        unified=False,
        xaxis={"type": "category", "side": "top", "title": {"text": "Cylinder"}},
        yaxis=palette.ROWS | {"tickfont": {"size": 10}, "dtick": 1},
    )
    return palette.draw([grid], layout)


def spell_power(dioptres: float) -> str:
    """`+1.25`, `-0.50`, `0.00`: an optician writes the sign."""
    return f"{dioptres:+.2f}" if dioptres else "0.00"
