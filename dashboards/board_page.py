"""Draws a board: header, filters, tiles, then its blocks in rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from dashboards.alerts.top import show_top
from dashboards.blocks import answer, course, grids, names, table, trials
from dashboards.board import Block, Board
from dashboards.figures import first_month
from dashboards.header import show_header
from dashboards.members import spell
from dashboards.messages import say_no_store
from dashboards.passport import Passport
from dashboards.reading import Reading
from dashboards.selection import choose
from dashboards.tiles import show_board_tiles
from warehouse.catalogue import Metric
from warehouse.scope import InvalidQuery

DRAW: dict[str, Callable[[Block, list[Metric], Reading, str], None]] = {
    "answer": answer.show,
    "course": course.show,
    "bars": names.show,
    "pareto": names.show,
    "bridge": names.show,
    "heat": grids.show,
    "multiples": grids.show,
    "table": table.show,
    "trials": trials.show,
}
ON_TOP = {"answer", "trials"}


def view_of(board: Board) -> Callable[[Passport, SignedIn], None]:
    """The board as a view of the site."""
    return partial(show_board, board)


def show_board(board: Board, passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, board.permission)
    show_header(board.title, board.question, passport, scope.store_codes)
    if scope.store_codes == frozenset():
        say_no_store()
        return
    first = first_month(passport.snapshot_id, scope) or passport.data_as_of
    # each part in a place of its own: a browser draws all anew that moves up or down
    with st.container():
        selection = choose(board, passport, scope, first)
    reading = Reading(board, user, scope, passport, selection)
    with st.container():
        for block in board.blocks:
            if block.kind in ON_TOP and (metrics := reading.shown(block.metrics)):
                _draw(block, metrics, reading, block.kind)
        if board.alerts:
            show_top(passport, user, board.alerts, dict(selection.where).get("store"))
    with st.container():
        show_board_tiles(reading)
    for row in _rows(board, reading):
        places = st.columns([block.width for _, block, _ in row], gap="large") if len(row) > 1 else [st.container()]
        for place, (at, block, metrics) in zip(places, row, strict=True):
            with place:
                _show_block(block, metrics, reading, f"{board.name}-{at}")


def _rows(board: Board, reading: Reading) -> list[list[tuple[int, Block, list[Metric]]]]:
    """The blocks that show something to this reader, as many in a row as their widths allow."""
    rows: list[list[tuple[int, Block, list[Metric]]]] = []
    room = 0.0
    for at, block in enumerate(board.blocks):
        metrics = reading.shown(block.metrics)
        if not metrics or block.kind in ON_TOP:
            continue
        if block.width > room + 1e-9:
            rows.append([])
            room = 1.0
        rows[-1].append((at, block, metrics))
        room -= block.width
    return rows


def _show_block(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    metric = metrics[0]
    where = f" by {spell(reading.level(block))}" if block.levels and block.kind in {"bars", "pareto", "bridge"} else ""
    st.markdown(f"**{block.title or metric.label + where}**", help=None if block.title else metric.description)
    _draw(block, metrics, reading, key)


def _draw(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    try:
        DRAW[block.kind](block, metrics, reading, key)
    except InvalidQuery as error:
        st.caption(f":material/info: {error}")
