"""Small multiples: the same course for many names on one scale, so that the odd one out is seen at a glance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import palette

ACROSS = 3  # a store's name fits above its course on a phone, too


def draw_multiples(
    names: Sequence[str],
    steps: Sequence[dt.date],
    courses: Sequence[Sequence[float | None]],
    usual: Sequence[float | None],
    words: Callable[[float], str],
) -> go.Figure:
    """`courses[n][s]` of name n at step s; what is usual is the dotted line in each."""
    across = min(ACROSS, max(1, len(names)))
    down = max(1, -(-len(names) // across))
    figure = make_subplots(
        rows=down,
        cols=across,
        shared_yaxes="all",
        shared_xaxes="all",
        subplot_titles=list(names),
        vertical_spacing=min(0.12, 0.5 / down),
        horizontal_spacing=0.03,
    )
    for at, course in enumerate(courses):
        place = {"row": at // across + 1, "col": at % across + 1}
        figure.add_scatter(
            x=list(steps),
            y=list(usual),
            mode="lines",
            line={"color": palette.DEMAND, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            **place,
        )
        figure.add_scatter(
            x=list(steps),
            y=list(course),
            mode="lines",
            line={"color": palette.BRAND, "width": 1.8},
            customdata=["–" if value is None else words(value) for value in course],
            hovertemplate=f"{names[at]} · %{{x|%d %b %Y}}: %{{customdata}}<extra></extra>",
            **place,
        )
    palette.lay_out(figure, height=60 + 130 * down, y_title="", unified=False)
    figure.update_layout(showlegend=False, margin={"l": 8, "r": 8, "t": 28, "b": 8})
    figure.update_annotations(font_size=12)
    figure.update_yaxes(showticklabels=False, nticks=3)
    figure.update_xaxes(nticks=3, tickangle=0, tickformat="%b", hoverformat="%d %b %Y")
    return figure
