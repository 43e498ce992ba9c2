"""A figure over time, with the compared time under it."""

from __future__ import annotations

import streamlit as st

from dashboards import palette
from dashboards.board import Block
from dashboards.periods import list_steps, list_whole_steps
from dashboards.reading import Reading
from dashboards.sales_charts import draw_course
from dashboards.selection import BESIDE
from warehouse.catalogue import Metric


def show(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    """The first of the metrics."""
    metric = metrics[0]
    grain = reading.grain([metric])
    if grain is None:
        st.caption(f"{metric.label} speaks of one moment; it has no course.")
        return
    rows = reading.ask([metric], (grain,), beside=True)
    begin, end = reading.selection.begin, reading.selection.end
    steps = list_whole_steps(begin, end, grain)
    before_name = next((name for name in (f"{metric.name}_before", f"{metric.name}_target") if name in rows), None)
    now, before = (
        [None if found.get(step) is None else float(found[step]) for step in steps]
        for found in (
            dict(zip(rows[grain].to_list(), rows[metric.name].to_list(), strict=True)),
            dict(zip(rows[grain].to_list(), rows[before_name].to_list(), strict=True)) if before_name else {},
        )
    )
    if all(value is None for value in now):
        st.caption(block.empty)
        return
    label = BESIDE[reading.selection.beside].capitalize() if before_name else ""
    palette.show(draw_course(steps, now, steps, before, f"By {grain}", label, reading.words(metric)), key=key)
    if len(steps) < len(list_steps(begin, end, grain)):
        st.caption(f"Whole {grain}s alone: the days at the ends of the period would look like a fall.")
