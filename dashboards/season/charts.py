"""A season week by week: what was asked for a year before, served or lost, and what is expected with its band."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboards import palette
from warehouse.formats import format_day, format_units

MOST_TICKS = 7  # these fit across a phone


def draw_season(weeks: pl.DataFrame) -> go.Figure:
    """`weeks` as a plan has them (models/policy/season_plan.py)."""
    days = weeks["week_starting_on"].to_list()
    likes = weeks["last_year_on"].to_list()
    sold, lost = weeks["last_qty"].to_list(), weeks["last_lost_qty"].to_list()
    mean, low, high = (weeks[name].to_list() for name in ("mean_qty", "low_qty", "high_qty"))
    expected = [
        f"{format_units(middle)} expected, {format_units(least)} to {format_units(most)}"
        for middle, least, most in zip(mean, low, high, strict=True)
    ]
    traces: list[palette.Part] = [
        {
            "type": "bar", "x": days, "y": sold, "name": "Sold a year before", "opacity": 0.55,
            "marker": {"color": palette.DEMAND}, "hovertemplate": "%{customdata}<extra></extra>",
            "customdata": [
                f"{format_units(value)} sold, week of {format_day(like)}"
                for value, like in zip(sold, likes, strict=True)
            ],
        },
        {
            "type": "bar", "x": days, "y": lost, "name": "Lost then, estimated", "opacity": 0.55,
            "marker": {"color": palette.WITHOUT}, "hovertemplate": "%{customdata}<extra></extra>",
            "customdata": [f"{format_units(value)} lost, estimated" for value in lost],
        },
        {
            "type": "scatter", "x": [*days, *days[::-1]], "y": [*high, *low[::-1]], "fill": "toself", "mode": "lines",
            "line": {"width": 0}, "fillcolor": palette.BAND_WIDE, "name": "8 in 10 weeks lie here", "hoverinfo": "skip",
        },
        {
            "type": "scatter", "x": days, "y": mean, "mode": "lines+markers", "name": "Expected", "marker": {"size": 5},
            "line": {"color": palette.BRAND, "width": 2.6}, "customdata": expected,
            "hovertemplate": "<b>%{customdata}</b><extra></extra>",
        },
    ]  # fmt: skip
    shown = days[:: max(1, -(-len(days) // MOST_TICKS))]
    layout = palette.lay_out(
        380,
        y_title="Units a week",
        barmode="stack",
        margin={"r": 26},
        xaxis={"tickvals": shown, "ticktext": [f"{day.day} {day:%b}" for day in shown]},
        yaxis={"tickformat": ","},
    )
    reached = [day for day, is_forecast in zip(days, weeks["is_forecast"].to_list(), strict=True) if is_forecast]
    if reached and len(reached) < len(days):
        line, word = palette.mark_day(reached[-1], "the forecast reaches to here", side="left")
        layout |= {"shapes": [line], "annotations": [word]}
    return palette.draw(traces, layout)
