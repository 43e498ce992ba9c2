"""The one look of every chart: colours that hold on light and on dark ground, and a quiet layout.

Grid and marks are half transparent, and text takes the ink of the page (style.py), so that one figure serves both.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboards.margins import margins_of

Part = dict[str, Any]

BRAND = "#1f9c82"
DEMAND = "#8a9a96"
BEFORE = "#b9874a"
WITHOUT = "#d0604a"
ARRIVAL = "#4a86c5"
BAND_WIDE = "rgba(31, 156, 130, 0.16)"
BAND_NARROW = "rgba(31, 156, 130, 0.28)"
STOCK_OUT = "rgba(208, 96, 74, 0.18)"
QUIET = "rgba(138, 154, 150, 0.9)"
GRID = "rgba(138, 154, 150, 0.18)"
DOTTED: Part = {"color": QUIET, "width": 1, "dash": "dot"}
SMALL: Part = {"size": 11, "color": QUIET}
# on hover a chart offers itself as a picture, and nothing else
CONFIG: Part = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"scale": 2, "filename": "ims"},
}
# a y axis of names, the first of them on top
ROWS: Part = {"type": "category", "autorange": "reversed", "showgrid": False, "rangemode": "normal"}
# on a bubble of its own ground, whatever lies below
HOVER: Part = {"bgcolor": "#1d2b27", "bordercolor": "#1d2b27", "font": {"color": "#ffffff", "size": 13}}
# words at the ends of an axis stand out: what would hide them measures every word
TICKS: Part = {
    "ticks": "", "ticklabelstandoff": 5, "ticklabeloverflow": "allow", "zeroline": False, "automargin": True,
}  # fmt: skip
FONT: Part = {"family": '"Source Sans", sans-serif', "size": 12, "color": "#66736f"}  # the colour: in a picture alone
HEAT_UP = [[0.0, "rgba(31, 156, 130, 0.06)"], [0.5, "rgba(31, 156, 130, 0.4)"], [1.0, "rgba(31, 156, 130, 0.8)"]]
HEAT_DOWN = [[0.0, "rgba(208, 96, 74, 0.05)"], [0.5, "rgba(208, 96, 74, 0.36)"], [1.0, "rgba(208, 96, 74, 0.75)"]]


def draw(traces: Sequence[Part], layout: Part) -> go.Figure:
    """A figure of traces and a layout as Plotly's reference writes them: no short cuts like `line_width`."""
    layout = layout | {"margin": layout["margin"] | margins_of(traces, layout)}
    # unchecked: Plotly's checks are most of what a chart costs; tests/dashboards/test_charts.py makes them
    return go.Figure({"data": traces, "layout": layout}, _validate=False)


def show(figure: go.Figure, key: str, **more: Any) -> None:
    """Put it on the page; `more` is what `st.plotly_chart` knows besides.

    Streamlit's own theme has a browser draw every chart twice: `lay_out` is the theme here.
    """
    if "on_select" in more:  # what Streamlit sets in such a chart once it is drawn, and has it drawn again for
        figure.layout.update(clickmode="event+select", dragmode="pan")
    st.plotly_chart(figure, theme=None, config=CONFIG, key=key, **more)


def lay_out(height: int, *, y_title: str = "", unified: bool = True, **more: Any) -> Part:
    """The house's margins, legend, grid and hover; `more` adds to its parts, or adds parts."""
    house: Part = {
        "height": height,
        "template": "none",
        "font": FONT,
        "hoverlabel": HOVER,
        # the same always: Streamlit puts another chart in the place of one whose data changed, and shows it twice
        "datarevision": 1,
        "margin": {"l": 8, "r": 8, "t": 42, "b": 8},
        "hovermode": "x unified" if unified else "closest",
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "font": {"size": 12}},
        "bargap": 0.22,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": TICKS | {"showgrid": False},
        "yaxis": TICKS | {"title": {"text": y_title}, "gridcolor": GRID, "rangemode": "tozero"},
    }
    return house | {name: house.get(name, {}) | part if isinstance(part, dict) else part for name, part in more.items()}


def mark_day(day: object, text: str, *, side: str = "right") -> tuple[Part, Part]:
    """A thin dotted line at a day, and a word at its top: a shape and an annotation."""
    right = side == "right"
    line = {"type": "line", "x0": day, "x1": day, "y0": 0, "y1": 1, "yref": "paper", "line": DOTTED}
    word = {"x": day, "y": 1, "yref": "paper", "text": text, "showarrow": False, "font": SMALL, "yanchor": "top"}
    return line, word | {"xanchor": "left" if right else "right", "xshift": 4 if right else -4}


def shade_days(begin: object, end: object, colour: str) -> Part:
    """A shape: the days from `begin` to `end`, behind the traces."""
    place = {"x0": begin, "x1": end, "xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
    return {"type": "rect", "fillcolor": colour, "line": {"width": 0}, "layer": "below", **place}


def mark_level(level: float) -> Part:
    """A shape: a thin dotted line across, at a height."""
    return {"type": "line", "x0": 0, "x1": 1, "xref": "x domain", "y0": level, "y1": level, "yref": "y", "line": DOTTED}


def word_ticks(values: Sequence[float | None], words: Callable[[float], str]) -> Part:
    """Ticks of an axis at round steps, written as people write that figure (lakh and crore where they do)."""
    known = [value for value in values if value is not None]
    highest, lowest = max([*known, 0.0]), min([*known, 0.0])
    if highest - lowest < sys.float_info.min:  # nothing to divide: a span of less has no power of ten
        return {}
    step = _round_step((highest - lowest) / 4)
    ticks = [step * index for index in range(math.floor(lowest / step), math.ceil(highest / step) + 1)]
    return {"tickvals": ticks, "ticktext": [words(tick) for tick in ticks]}


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, near it: 37 becomes 50, and 22 becomes 20."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about * 0.8)
