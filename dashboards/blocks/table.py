"""Figures by name as a table: sorted, formatted, a row to dig into, and the same as a file."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboards.board import Block
from dashboards.downloads import write_csv, write_table
from dashboards.files import File, offer
from dashboards.members import spell
from dashboards.reading import Reading, can_dig
from dashboards.selection import clock_of, dig
from warehouse.catalogue import Metric
from warehouse.dimensions import is_time
from warehouse.formats import format_metric

MOST_ROWS = 500
EXPORT = "export:plain"


def show(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    """All of the metrics by the level where the reader stands: days in order, else the largest of the first on top."""
    level = reading.level(block)
    metrics = [metric for metric in metrics if level in metric.splits]
    rows = _read(metrics, level, reading)
    if rows.is_empty():
        st.caption(block.empty)
        return
    shown = rows.head(MOST_ROWS)
    table = shown.to_pandas()
    if not is_time(level):
        table[level] = reading.name(level, shown[level])
    words: dict[str, Any] = {}
    config: dict[str, Any] = {level: spell(level).capitalize()}
    if is_time(level):
        config[level] = st.column_config.DateColumn(spell(level).capitalize(), format="ddd DD MMM YYYY")
    for metric in metrics:
        table[metric.name] = table[metric.name].astype(float)
        words[metric.name] = lambda value, unit=metric.unit: format_metric(value, unit, reading.passport.currency)
        config[metric.name] = st.column_config.NumberColumn(metric.label, help=metric.description)
    selectable = can_dig(block, level)
    st.dataframe(
        table.style.format(words, na_rep="–"),
        hide_index=True,
        column_config=config,
        key=key,
        on_select=(lambda: _dig_into(key, level, shown)) if selectable else "ignore",
        selection_mode="single-row",
        placeholder="–",
        alt=f"{', '.join(metric.label for metric in metrics)} by {spell(level)}",
    )
    hint = f"Choose a row to see that {spell(level)} alone. " if selectable else ""
    more = f"The first {MOST_ROWS:,} of {rows.height:,} rows; a file holds all." if rows.height > MOST_ROWS else ""
    if hint or more:
        st.caption(hint + more)
    _offer(block, metrics, level, reading, key)


def _read(metrics: list[Metric], level: str, reading: Reading) -> pl.DataFrame:
    """Figures that go by different clocks are asked for apart, and stand side by side."""
    frames = [
        reading.ask(group, (level,))
        for clock in dict.fromkeys(clock_of(metric) for metric in metrics)
        if (group := [metric for metric in metrics if clock_of(metric) == clock])
    ]
    rows = frames[0]
    for frame in frames[1:]:
        rows = rows.join(frame, on=level, how="full", coalesce=True, nulls_equal=True)
    rows = rows.select(level, *(metric.name for metric in metrics))
    if is_time(level):
        return rows.sort(level)
    return rows.sort(metrics[0].name, level, descending=[True, False], nulls_last=True)


def _offer(block: Block, metrics: list[Metric], level: str, reading: Reading, key: str) -> None:
    board, selection = reading.board, reading.selection

    def rows_for(scope: Any) -> pl.DataFrame:
        allowed = Reading(board, reading.user, scope, reading.passport, selection)
        return _read(allowed.shown([metric.name for metric in metrics]), level, allowed)

    about = {
        "board": board.name,
        "begin": str(selection.begin),
        "end": str(selection.end),
        "where": dict(selection.where),
        "snapshot_id": reading.passport.snapshot_id,
    }
    name = f"{board.name}-by-{level}-{selection.begin}-{selection.end}-snapshot-{reading.passport.snapshot_id}"
    labels = {level: spell(level).capitalize()} | {metric.name: metric.label for metric in metrics}

    def write_as_csv(scope: Any) -> tuple[bytes, int]:
        rows = rows_for(scope)
        return write_csv(rows), rows.height

    def write_as_xlsx(scope: Any) -> tuple[bytes, int]:
        rows = rows_for(scope)
        return write_table(rows, labels, reading.passport, about), rows.height

    with st.container(horizontal=True, gap="small"):
        for label, ending, write in (("CSV", "csv", write_as_csv), ("Excel", "xlsx", write_as_xlsx)):
            file = File(board.name, f"{name}.{ending}", board.permission, EXPORT, write, about)
            if file.may_be_taken(reading.user):
                offer(label, file)


def _dig_into(key: str, level: str, rows: pl.DataFrame) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    value = rows[level][chosen[0]] if chosen else None
    if value is not None:
        dig(level, str(value))
