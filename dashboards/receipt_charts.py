"""Two charts of one suggested line: demand with its forecast, and the stock that ordering makes the difference to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards import palette
from dashboards.projection import Course
from warehouse.formats import format_day, format_share

FULL = 0.999


def draw_demand(history: pl.DataFrame, forecast: pl.DataFrame, as_of: dt.date) -> go.Figure:
    """Weekly demand as bars (weeks without full stock shaded) and the forecast with its 50 and 90 % bands."""
    complete = history.filter(pl.col("is_complete"))
    traces: list[palette.Part] = [
        {
            "type": "bar", "name": "Sold", "marker": {"color": palette.DEMAND},
            "x": complete["week_starting_on"].to_list(), "y": complete["demand_qty"].to_list(),
            "customdata": [format_share(share) for share in complete["in_stock_share"]],
            "hovertemplate": "%{y:.0f} sold, in stock %{customdata} of the week<extra></extra>",
        }
    ]  # fmt: skip
    half = dt.timedelta(hours=84)
    gaps = complete.filter(pl.col("in_stock_share") < FULL)["week_starting_on"].to_list()
    if gaps:
        marker = {"color": palette.STOCK_OUT}
        traces.append({"type": "bar", "x": [None], "y": [None], "name": "Not always in stock", "marker": marker})
    weeks = forecast["week_starting_on"].to_list()
    for low, high, colour, name in (
        ("p05", "p95", palette.BAND_WIDE, "9 weeks in 10"),
        ("p25", "p75", palette.BAND_NARROW, "1 week in 2"),
    ):
        least = forecast[low].to_list()
        edge = {"type": "scatter", "x": weeks, "mode": "lines", "line": {"width": 0}}
        traces += [
            {**edge, "y": least, "showlegend": False, "hoverinfo": "skip"},
            {
                **edge, "y": forecast[high].to_list(), "fill": "tonexty", "fillcolor": colour, "name": name,
                "customdata": least, "hovertemplate": f"{name}: %{{customdata:.0f}} to %{{y:.0f}}<extra></extra>",
            },
        ]  # fmt: skip
    traces.append({
        "type": "scatter", "name": "Expected", "x": weeks, "y": forecast["mean_qty"].to_list(),
        "mode": "lines+markers", "line": {"color": palette.BRAND, "width": 2.4}, "marker": {"size": 4},
        "hovertemplate": "expected %{y:.1f}<extra></extra>",
    })  # fmt: skip
    line, word = palette.mark_day(as_of - half, "forecast")
    shades = [palette.shade_days(monday - half, monday + half, palette.STOCK_OUT) for monday in gaps]
    return palette.draw(
        traces, palette.lay_out(290, y_title="Units a week", shapes=[*shades, line], annotations=[word])
    )


def draw_stock(with_order: Course, without: Course, row: dict[str, Any]) -> go.Figure:
    """The expected stock with the order and without it, from as_of to some time after the order's cover."""
    arrives, covers = row["arrives_on"], row["covers_until"]
    steps: palette.Part = {"shape": "hv"}
    ordered = f"With {row['suggested_qty']:,} ordered today"
    traces = [
        {
            "type": "scatter", "x": course.days, "y": course.stock, "mode": "lines", "name": name,
            "line": line, "hovertemplate": f"{said}: %{{y:.0f}}<extra></extra>",
        }
        for course, name, said, line in (
            (without, "Without this order", "without", steps | {"color": palette.WITHOUT, "width": 2, "dash": "dash"}),
            (with_order, ordered, "with", steps | {"color": palette.BRAND, "width": 2.4}),
        )
    ]  # fmt: skip
    lines, words = zip(
        palette.mark_day(arrives, f"arrives {format_day(arrives)[:-5]}", side="left"),
        palette.mark_day(covers, "next chance arrives"),
        strict=True,
    )
    highest = max([*with_order.stock, *without.stock, 1.0])
    layout = palette.lay_out(
        250,
        y_title="Units on hand",
        yaxis={"range": [0, highest * 1.22]},  # room for the words at the top
        shapes=[palette.shade_days(arrives, covers, palette.BAND_WIDE), *lines],
        annotations=list(words),
    )
    return palette.draw(traces, layout)
