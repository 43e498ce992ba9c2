"""A figure over two dimensions at once: a heat map, or small multiples of its course."""

from __future__ import annotations

import re
from contextlib import nullcontext

import polars as pl
import streamlit as st

from dashboards import palette
from dashboards.blocks.answer import SUMS
from dashboards.board import Block
from dashboards.charts.heat import MOST_NAMED, draw_heat
from dashboards.charts.multiples import draw_multiples
from dashboards.members import spell
from dashboards.periods import list_whole_steps
from dashboards.reading import Reading
from dashboards.style import wide
from warehouse.catalogue import Metric

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONG = 18  # letters of a name that stand above a third of a phone


def show(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    """The first of the metrics."""
    if block.kind == "heat":
        _show_heat(block, metrics[0], reading, key)
    else:
        _show_multiples(block, metrics[0], reading, key)


def _show_heat(block: Block, metric: Metric, reading: Reading, key: str) -> None:
    down, across = block.levels[:2]
    rows = reading.ask([metric], (down, across)).filter(pl.col(metric.name).is_not_null())
    if rows.is_empty():
        st.caption(block.empty)
        return
    told = rows.drop_nulls()
    found = {(str(r[0]), str(r[1])): float(r[2]) for r in told.iter_rows()}
    names = [_in_order({place[at] for place in found}) for at in (0, 1)]
    values = [[found.get((name, other)) for other in names[1]] for name in names[0]]
    labels = [reading.name(level, codes) for level, codes in zip((down, across), names, strict=True)]
    figure = draw_heat(labels[0], labels[1], values, reading.words(metric), better=metric.better)
    with wide(key) if len(labels[1]) > MOST_NAMED else nullcontext():
        palette.show(figure, key=key)
    if told.height < rows.height:
        st.caption(f"Left out: what has no {spell(down)} or no {spell(across)}.")


def _show_multiples(block: Block, metric: Metric, reading: Reading, key: str) -> None:
    level, grain = reading.level(block), reading.grain([metric])
    if grain is None:
        st.caption(f"{metric.label} speaks of one moment; it has no course.")
        return
    grain = "week" if grain == "day" and "week" in metric.splits else grain
    rows = reading.ask([metric], (level, grain))
    steps = list_whole_steps(reading.selection.begin, reading.selection.end, grain)
    found = {(str(r[0]), r[1]): r[2] for r in rows.iter_rows()}
    names = sorted({name for name, _ in found})[: block.most]
    if not names:
        st.caption(block.empty)
        return
    courses = [
        [None if found.get((name, step)) is None else float(found[name, step]) for step in steps] for name in names
    ]
    whole = dict(reading.ask([metric], (grain,)).iter_rows())
    # a whole is shared out among its names; a share or a price is what it is
    by = len({name for name, _ in found}) if metric.unit in SUMS else 1
    usual = [None if whole.get(step) is None else float(whole[step]) / by for step in steps]
    labels = reading.name(level, names)
    figure = draw_multiples(labels, steps, courses, usual, reading.words(metric))
    with wide(key) if max(map(len, labels)) > LONG else nullcontext():
        palette.show(figure, key=key)


def _in_order(names: set[str]) -> list[str]:
    """Weekdays as a week goes, bands and numbers by the number they begin with, the rest by letter."""
    if names <= set(WEEKDAYS):
        return [day for day in WEEKDAYS if day in names]
    numbers = {name: re.search(r"-?\d+(\.\d+)?", name) for name in names}
    if all(numbers.values()) and not any(name[0].isupper() for name in names):
        return sorted(names, key=lambda name: (float(numbers[name][0]), name))  # type: ignore[index]
    return sorted(names)
