"""The one look of every chart: colours that hold on light and on dark ground, and a quiet layout.

Text, grid and ground follow the page's theme, which Streamlit applies on top.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

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
# on hover a chart offers itself as a picture, and nothing else
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"scale": 2, "filename": "ims"},
}
HEAT_UP = [[0.0, "rgba(31, 156, 130, 0.06)"], [0.5, "rgba(31, 156, 130, 0.4)"], [1.0, "rgba(31, 156, 130, 0.8)"]]
HEAT_DOWN = [[0.0, "rgba(208, 96, 74, 0.05)"], [0.5, "rgba(208, 96, 74, 0.36)"], [1.0, "rgba(208, 96, 74, 0.75)"]]


def ink() -> str:
    """The colour of text on half-transparent ground: it follows the page, of which Plotly knows nothing."""
    return "#e6eeeb" if st.context.theme.type == "dark" else "#1d2b27"


def lay_out(figure: go.Figure, *, height: int, y_title: str, unified: bool = True) -> go.Figure:
    """Give a figure the house's margins, legend, grid and hover."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        hovermode="x unified" if unified else "closest",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "font": {"size": 12}},
        bargap=0.22,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(showgrid=False, zeroline=False, automargin=True)
    figure.update_yaxes(title=y_title, gridcolor=GRID, zeroline=False, rangemode="tozero", automargin=True)
    return figure


def mark_day(figure: go.Figure, day: object, text: str, *, side: str = "right") -> None:
    """A thin dotted line at a day, with a word at its top."""
    figure.add_shape(
        type="line", x0=day, x1=day, y0=0, y1=1, yref="paper", line={"color": QUIET, "width": 1, "dash": "dot"}
    )
    figure.add_annotation(
        x=day,
        y=1,
        yref="paper",
        text=text,
        showarrow=False,
        xanchor="left" if side == "right" else "right",
        yanchor="top",
        xshift=4 if side == "right" else -4,
        font={"size": 11, "color": QUIET},
    )


def word_ticks(figure: go.Figure, values: Sequence[float | None], words: Callable[[float], str], axis: str) -> None:
    """Ticks at round steps, written as people write that figure (lakh and crore where they do)."""
    known = [value for value in values if value is not None]
    highest, lowest = max([*known, 0.0]), min([*known, 0.0])
    if highest - lowest < sys.float_info.min:  # nothing to divide: a span of less has no power of ten
        return
    step = _round_step((highest - lowest) / 4)
    ticks = [step * index for index in range(math.floor(lowest / step), math.ceil(highest / step) + 1)]
    figure.update_layout({f"{axis}axis": {"tickvals": ticks, "ticktext": [words(tick) for tick in ticks]}})


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, near it: 37 becomes 50, and 22 becomes 20."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about * 0.8)
