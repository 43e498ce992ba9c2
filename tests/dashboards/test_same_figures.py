"""A figure is the same wherever it is read: the tile of a board, `ims metrics query`, the file taken from the board.

Boards ask the copy of what is published, the command line the lake.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json

import polars as pl
import pytest
import streamlit as st
from typer.testing import CliRunner

from dashboards import copies
from dashboards.board import boards
from dashboards.periods import days_of, start_of
from dashboards.selection import clock_of
from ims.commands.metrics import app
from tests.dashboards.tiles import tiles_on
from warehouse.catalogue import Metric, catalogue
from warehouse.formats import format_metric

pytestmark = pytest.mark.slow
BOARDS = {board.name: board for board in boards()}
AS_OF, FIRST = dt.date(2026, 11, 23), dt.date(2025, 9, 1)


def ask(metrics: list[Metric], span: tuple[dt.date, dt.date], *by: str) -> list[dict[str, object]]:
    """What the command line says of figures that go by one clock."""
    (clock,) = {clock_of(metric) for metric in metrics}
    begin, end = (start_of(day, clock) if clock else day for day in span)
    where = ["--where", f"{clock}={begin}..{end}"] if clock else []
    split = ["--by", ",".join(by)] if by else []
    names = [metric.name for metric in metrics]
    result = CliRunner().invoke(app, ["query", *names, *split, *where, "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def by_clock(names) -> list[list[Metric]]:
    found: dict[str | None, list[Metric]] = {}
    for name in names:
        found.setdefault(clock_of(catalogue()[name]), []).append(catalogue()[name])
    return list(found.values())


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_tiles_the_command_line_and_files_agree(world, site, monkeypatch, name: str) -> None:
    monkeypatch.setattr(st, "secrets", {"databases": dataclasses.asdict(world.installation.databases)})
    copies.look(world.installation.databases, world.installation.settings)
    board = BOARDS[name]
    span = days_of(board.span, AS_OF, FIRST)
    site.sign_in(world.installation)
    page = site.open_view(world.installation, board.title)
    assert not page.exception
    tiles = {tile.label: tile.value.removeprefix("≈ ") for tile in tiles_on(page)}
    for group in by_clock(board.tiles):
        (row,) = ask(group, span)
        for metric in group:
            if row[metric.name] is not None:
                assert tiles[metric.label] == format_metric(row[metric.name], metric.unit, "INR", compact=True)
    files = {key: take for key, take in page.session_state["files"].items() if key.endswith(".csv")}
    for block in (block for block in board.blocks if block.kind == "table"):
        level = block.levels[0]
        groups = by_clock(each for each in block.metrics if level in catalogue()[each].splits)
        take = next((take for key, take in files.items() if key.startswith(f"{name}-by-{level}-")), None)
        if take is None:
            assert not any(ask(group, span, level) for group in groups)
            continue
        rows = pl.read_csv(io.BytesIO(take()), infer_schema=False)
        told = {row[level]: row for row in rows.iter_rows(named=True)}
        for group in groups:
            for row in ask(group, span, level):
                for metric in group:
                    shown, said = told[_text(row[level])].get(metric.name), row[metric.name]
                    if shown is not None:
                        same = shown is said is None if said is None else float(shown) == pytest.approx(float(said))
                        assert same, (metric.name, row)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
