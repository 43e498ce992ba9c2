"""Small multiples: the same course for many names on one scale, so that the odd one out is seen at a glance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import plotly.graph_objects as go

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
    traces: list[palette.Part] = []
    titles: list[palette.Part] = []
    for at, (name, course) in enumerate(zip(names, courses, strict=True)):
        x, y = _axis("x", at % across), _axis("y", at // across)
        place = {"type": "scatter", "x": list(steps), "mode": "lines", "xaxis": x, "yaxis": y}
        said = ["–" if value is None else words(value) for value in course]
        traces += [
            {**place, "y": list(usual), "line": palette.DOTTED | {"color": palette.DEMAND}, "hoverinfo": "skip"},
            {
                **place, "y": list(course), "line": {"color": palette.BRAND, "width": 1.8}, "customdata": said,
                "hovertemplate": f"{name} · %{{x|%d %b %Y}}: %{{customdata}}<extra></extra>",
            },
        ]  # fmt: skip
        titles.append({
            "text": name, "font": {"size": 12}, "showarrow": False, "xref": f"{x} domain", "x": 0.5,
            "xanchor": "center", "yref": f"{y} domain", "y": 1, "yanchor": "bottom",
        })  # fmt: skip
    layout = palette.lay_out(
        60 + 130 * down,
        unified=False,
        showlegend=False,
        margin={"t": 28},
        annotations=titles,
        grid={
            "rows": down, "columns": across, "pattern": "coupled",
            "xgap": _gap(across, 0.03), "ygap": _gap(down, min(0.12, 0.5 / down)),
        },
        xaxis={"nticks": 3, "tickangle": 0, "tickformat": "%b", "hoverformat": "%d %b %Y"},
        yaxis={"showticklabels": False, "nticks": 3},
    )  # fmt: skip
    # a column has one time axis and a row one scale: an axis for each name costs more than all of its course
    for letter, count in (("x", across), ("y", down)):
        for at in range(1, count):
            layout[f"{letter}axis{at + 1}"] = layout[f"{letter}axis"] | {"matches": letter}
    return palette.draw(traces, layout)


def _axis(letter: str, at: int) -> str:
    """Plotly calls the first axis `x`, the second `x2`."""
    return f"{letter}{at + 1}" if at else letter


def _gap(count: int, share: float) -> float:
    """Between `count` cells, of a cell's and a gap's width; `share` is a gap's part of the whole: 3, 0.03: 0.087."""
    return share * count / (1 + share)
