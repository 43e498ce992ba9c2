"""A figure by name, one level at a time: bars, a Pareto chart, a bridge from the compared period. A click digs on."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from dashboards import palette
from dashboards.blocks.answer import SUMS
from dashboards.board import Block
from dashboards.charts.bridge import draw_bridge
from dashboards.charts.pareto import draw_pareto
from dashboards.members import spell
from dashboards.reading import Reading, can_dig
from dashboards.sales_charts import draw_bars
from dashboards.selection import BESIDE, dig
from warehouse.catalogue import Metric


def show(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    """The first of the metrics by the level where the reader stands."""
    metric, level = metrics[0], reading.level(block)
    rows = reading.ask([metric], (level,), beside=block.kind == "bridge")
    # what has ended since moved the whole as well: a bridge without it does not reach the other side
    told = [name for name in (metric.name, f"{metric.name}_before") if name in rows.columns]
    rows = rows.filter(pl.any_horizontal(pl.col(told).is_not_null())).with_columns(pl.col(told).fill_null(0))
    if block.kind == "bars" and metric.unit in SUMS:
        rows = rows.filter(pl.col(metric.name) != 0)
    if all(rows.select(pl.col(told).eq(0).all()).row(0)):
        st.caption(block.empty)
        return
    names = reading.name(level, rows[level])
    figure = _draw(block, metric, names, rows, reading)
    if figure is None:
        st.caption(f"There is nothing to set {metric.label} beside in these days.")
        return
    if can_dig(block, level):
        codes = {name: str(code) for name, code in zip(names, rows[level], strict=True) if code is not None}
        palette.show(figure, key, on_select=lambda: _dig_into(key, level, codes), selection_mode="points")
        st.caption(f"Click {'an' if spell(level)[0] in 'aeiou' else 'a'} {spell(level)} to see it alone.")
    else:
        palette.show(figure, key=key)


def _draw(block: Block, metric: Metric, names: list[str], rows: pl.DataFrame, reading: Reading) -> go.Figure | None:
    values = [float(value) for value in rows[metric.name]]
    words = reading.words(metric)
    if block.kind == "bars":
        return draw_bars(names, values, words, block.most)
    whole = reading.ask([metric], beside=True).row(0, named=True)
    if block.kind == "pareto":
        return draw_pareto(names, values, float(whole[metric.name]), words, block.most)
    if whole.get(f"{metric.name}_before") is None:
        return None
    before = [float(value) for value in rows[f"{metric.name}_before"]]
    return draw_bridge(
        names,
        before,
        values,
        # what sold nothing in these days has no figure, and a bridge goes down to 0
        (float(whole[f"{metric.name}_before"]), float(whole[metric.name] or 0)),
        words,
        before_label=BESIDE[reading.selection.beside].capitalize(),
        now_label="Now",
        most=block.most,
        better=metric.better,
    )


def _dig_into(key: str, level: str, codes: dict[str, str]) -> None:
    """Bars and bridges name their members along the side, a Pareto chart below."""
    points: list[dict[str, Any]] = st.session_state[key]["selection"]["points"]
    code = next((codes[name] for point in points[:1] for name in (point.get("y"), point.get("x")) if name in codes), "")
    if code:
        dig(level, code)
