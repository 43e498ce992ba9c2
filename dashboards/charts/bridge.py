"""A waterfall from an earlier figure to today's: what each name added or took away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dashboards import palette

REST = "the rest"


def draw_bridge(
    names: Sequence[str],
    before: Sequence[float],
    now: Sequence[float],
    words: Callable[[float], str],
    *,
    before_label: str,
    now_label: str,
    most: int = 10,
    better: str = "up",
) -> go.Figure:
    """The `most` largest changes by name, the others summed up, between the two wholes."""
    changes = sorted(
        ((name, then, after - then) for name, then, after in zip(names, before, now, strict=True)),
        key=lambda change: -abs(change[2]),
    )
    shown, others = changes[:most], changes[most:]
    steps = [(name, change) for name, _, change in sorted(shown, key=lambda change: -change[2])]
    if others:
        steps.append((REST, sum(change for _, _, change in others)))
    good, bad = (palette.BRAND, palette.WITHOUT) if better != "down" else (palette.WITHOUT, palette.BRAND)
    figure = go.Figure(
        go.Waterfall(
            x=[before_label, *(name for name, _ in steps), now_label],
            y=[sum(before), *(change for _, change in steps), 0],
            measure=["absolute", *("relative" for _ in steps), "total"],
            text=[words(sum(before)), *(_signed(change, words) for _, change in steps), words(sum(now))],
            textposition="outside",
            hovertemplate="%{x}: %{text}<extra></extra>",
            increasing={"marker": {"color": good}},
            decreasing={"marker": {"color": bad}},
            totals={"marker": {"color": palette.DEMAND}},
            connector={"line": {"color": palette.GRID}},
        )
    )
    palette.lay_out(figure, height=340, y_title="", unified=False)
    palette.word_ticks(figure, [sum(before), sum(now)], words, "y")
    figure.update_layout(showlegend=False)
    figure.update_xaxes(type="category", tickangle=-30 if len(steps) > 6 else 0)
    return figure


def _signed(change: float, words: Callable[[float], str]) -> str:
    return f"+{words(change)}" if change > 0 else words(change)
