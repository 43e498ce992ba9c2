"""Small multiples: the same course for many names on one scale, so that the odd one out is seen at a glance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dashboards import palette

ACROSS = 3  # a store's name fits above its course on a phone, too
APART, ROOM = 0.09, 0.5  # between two cells: of a cell's width, and of its height, where the name stands
MOST_TICKS = 3
Course = Sequence[float | None]


def draw_multiples(
    names: Sequence[str],
    steps: Sequence[dt.date],
    courses: Sequence[Course],
    usual: Course,
    words: Callable[[float], str],
) -> go.Figure:
    """`courses[n][s]` of name n (one at least) at step s; what is usual is the dotted line in each.

    All cells lie on one pair of axes, the steps counted from a cell's left: axes for each of twelve names took a
    browser a third of the time of its page.
    """
    known = [value for course in (*courses, usual) for value in course if value is not None]
    low, high = min([*known, 0.0]), max([*known, 0.0])
    width, height = max(len(steps) - 1, 1), (high - low) or 1.0
    lefts = [column * width * (1 + APART) for column in range(min(ACROSS, len(names)))]
    cells = [(lefts[at % len(lefts)], -(at // len(lefts)) * height * (1 + ROOM)) for at in range(len(names))]
    said = [
        [_say(name, step, value, words) for step, value in zip(steps, course, strict=True)]
        for name, course in zip(names, courses, strict=True)
    ]
    grounds = [_lines(cells, [0, width], [[level] * 2] * len(cells)) for level in dict.fromkeys((0.0, high))]
    traces: list[palette.Part] = [
        *(ground | {"line": {"color": palette.GRID, "width": 1}, "hoverinfo": "skip"} for ground in grounds),
        _lines(cells, range(len(steps)), [usual] * len(cells))
        | {"line": palette.DOTTED | {"color": palette.DEMAND}, "hoverinfo": "skip"},
        _lines(cells, range(len(steps)), courses)
        | {
            "line": {"color": palette.BRAND, "width": 1.8},
            "customdata": [each for cell in said for each in (*cell, "")],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        {
            "type": "scatter", "mode": "text", "x": [left + width / 2 for left, _ in cells],
            "y": [base + high for _, base in cells], "text": list(names), "textposition": "top center",
            "textfont": {"size": 12}, "cliponaxis": False, "hoverinfo": "skip",
        },
    ]  # fmt: skip
    ticks = _ticks(steps)
    layout = palette.lay_out(
        40 + 130 * -(-len(names) // len(lefts)),
        unified=False,
        showlegend=False,
        margin={"t": 8},
        xaxis={
            "range": [-APART * width / 4, lefts[-1] + width * (1 + APART / 4)],
            "tickvals": [left + at for left in lefts for at in ticks],
            "ticktext": [word for _ in lefts for word in ticks.values()],
            "tickangle": 0,
        },
        yaxis={
            "visible": False,
            "range": [cells[-1][1] + low - height / 20, high + height * ROOM],
        },
    )  # fmt: skip
    return palette.draw(traces, layout)


def _lines(cells: Sequence[tuple[float, float]], steps: Sequence[int], courses: Sequence[Course]) -> palette.Part:
    """One trace for the same kind of line in every cell, interrupted between them."""
    x: list[float | None] = []
    y: list[float | None] = []
    for (left, base), course in zip(cells, courses, strict=True):
        x += [*(left + step for step in steps), None]
        y += [*(None if value is None else base + value for value in course), None]
    return {"type": "scatter", "mode": "lines", "x": x, "y": y}


def _say(name: str, step: dt.date, value: float | None, words: Callable[[float], str]) -> str:
    return f"{name} · {step:%d %b %Y}: {'–' if value is None else words(value)}"


def _ticks(steps: Sequence[dt.date]) -> dict[int, str]:
    """Which steps are named below a column: where months begin, as many as there is room for; within one, its ends."""
    begun = [at for at, step in enumerate(steps) if at and step.month != steps[at - 1].month]
    if not begun:
        return {at: f"{steps[at]:%d %b}" for at in sorted({0, len(steps) - 1}) if steps}
    return {at: f"{steps[at]:%b}" for at in begun[:: -(-len(begun) // MOST_TICKS)]}
