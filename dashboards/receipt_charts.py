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
    figure = go.Figure()
    complete = history.filter(pl.col("is_complete"))
    figure.add_bar(
        x=complete["week_starting_on"].to_list(),
        y=complete["demand_qty"].to_list(),
        name="Sold",
        marker_color=palette.DEMAND,
        customdata=[format_share(share) for share in complete["in_stock_share"]],
        hovertemplate="%{y:.0f} sold, in stock %{customdata} of the week<extra></extra>",
    )
    gaps = complete.filter(pl.col("in_stock_share") < FULL)["week_starting_on"].to_list()
    for monday in gaps:
        begin, end = monday - dt.timedelta(hours=84), monday + dt.timedelta(hours=84)
        figure.add_vrect(x0=begin, x1=end, fillcolor=palette.STOCK_OUT, line_width=0, layer="below")
    if gaps:
        figure.add_bar(x=[None], y=[None], name="Not always in stock", marker_color=palette.STOCK_OUT)
    weeks = forecast["week_starting_on"].to_list()
    for low, high, colour, name in (
        ("p05", "p95", palette.BAND_WIDE, "9 weeks in 10"),
        ("p25", "p75", palette.BAND_NARROW, "1 week in 2"),
    ):
        figure.add_scatter(
            x=weeks, y=forecast[low].to_list(), mode="lines", line_width=0, showlegend=False, hoverinfo="skip"
        )
        figure.add_scatter(
            x=weeks,
            y=forecast[high].to_list(),
            mode="lines",
            line_width=0,
            fill="tonexty",
            fillcolor=colour,
            name=name,
            customdata=forecast[low].to_list(),
            hovertemplate=f"{name}: %{{customdata:.0f}} to %{{y:.0f}}<extra></extra>",
        )
    figure.add_scatter(
        x=weeks,
        y=forecast["mean_qty"].to_list(),
        mode="lines+markers",
        line={"color": palette.BRAND, "width": 2.4},
        marker={"size": 4},
        name="Expected",
        hovertemplate="expected %{y:.1f}<extra></extra>",
    )
    palette.lay_out(figure, height=290, y_title="Units a week")
    palette.mark_day(figure, as_of - dt.timedelta(hours=84), "forecast")
    return figure


def draw_stock(with_order: Course, without: Course, row: dict[str, Any]) -> go.Figure:
    """The expected stock with the order and without it, from as_of to some time after the order's cover."""
    figure = go.Figure()
    figure.add_vrect(
        x0=row["arrives_on"], x1=row["covers_until"], fillcolor=palette.BAND_WIDE, line_width=0, layer="below"
    )
    figure.add_scatter(
        x=without.days,
        y=without.stock,
        mode="lines",
        line={"color": palette.WITHOUT, "width": 2, "dash": "dash", "shape": "hv"},
        name="Without this order",
        hovertemplate="without: %{y:.0f}<extra></extra>",
    )
    figure.add_scatter(
        x=with_order.days,
        y=with_order.stock,
        mode="lines",
        line={"color": palette.BRAND, "width": 2.4, "shape": "hv"},
        name=f"With {row['suggested_qty']:,} ordered today",
        hovertemplate="with: %{y:.0f}<extra></extra>",
    )
    palette.lay_out(figure, height=250, y_title="Units on hand")
    highest = max([*with_order.stock, *without.stock, 1.0])
    figure.update_yaxes(range=[0, highest * 1.22])  # room for the words at the top
    palette.mark_day(figure, row["arrives_on"], f"arrives {format_day(row['arrives_on'])[:-5]}", side="left")
    palette.mark_day(figure, row["covers_until"], "next chance arrives")
    return figure
