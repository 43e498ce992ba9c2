"""Tiles: each figure with its course in small, its change, and its definition where one hovers."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboards.members import spell
from dashboards.periods import list_whole_steps
from dashboards.reading import Reading
from dashboards.selection import BESIDE, clock_of
from dashboards.sparkline import draw_sparkline
from dashboards.tile_rows import Tile, show_tiles
from warehouse.catalogue import ESTIMATED, Metric, catalogue

LEAST_ESTIMATED = 0.01
LEAST_STEPS = 3
FEW = 3  # so many without a course have rows of their own, which are lower


def show_board_tiles(reading: Reading) -> None:
    """The board's tiles, those with a value; a sentence says what they are compared with."""
    metrics = reading.shown(reading.board.tiles)
    found = _ask_all(reading, metrics)
    known = [metric for metric in metrics if found.get(metric.name) is not None]
    moving = [metric for metric in known if _course(metric, found)]
    still = [metric for metric in known if metric not in moving]
    if len(still) < FEW:
        show_tiles([_tile(metric, found, reading, beside=bool(moving)) for metric in known])
    else:
        groups = [[_tile(metric, found, reading) for metric in group] for group in (moving, still)]
        show_tiles(*(reversed(groups) if still[0] is known[0] else groups))
    if said := _say(reading, metrics, known, found):
        st.caption("\n\n".join(said))


def _say(reading: Reading, metrics: list[Metric], known: list[Metric], found: dict[str, Any]) -> list[str]:
    said = []
    if untold := [metric.label for metric in metrics if metric not in known]:
        said.append(f"No figure yet: {', '.join(untold)}.")
    tiles = [catalogue()[name] for name in reading.board.tiles]
    if left_out := [metric.label for metric in tiles if not reading.selection.fits(metric)]:
        said.append(f"Not told by {', '.join(sorted(map(spell, reading.selection.fixed)))}: {', '.join(left_out)}.")
    if any(_change(metric, found) is not None for metric in known):
        said.append(f"Change against {BESIDE[reading.selection.beside]}.")
    return said


def _ask_all(reading: Reading, metrics: list[Metric]) -> dict[str, Any]:
    """Every value by column: figures of a time, of a moment, with targets, with estimated parts, and the courses."""
    found: dict[str, Any] = {}
    estimates = [catalogue()[f"{m.name}{ESTIMATED}"] for m in metrics if m.estimated is not None]
    for group in _alike([*metrics, *estimates], reading):
        found |= reading.ask(group, beside=True).row(0, named=True)
    for grain in ("day", "week", "month"):
        for group in _alike([metric for metric in metrics if reading.grain([metric]) == grain], reading):
            rows = reading.ask(group, (grain,))
            if clock_of(group[0]) == "day":
                whole = list_whole_steps(reading.selection.begin, reading.selection.end, grain)
                rows = rows.filter(pl.col(grain).is_in(whole))
            found |= {f"{metric.name}_course": rows[metric.name].to_list() for metric in group}
    return found


def _alike(metrics: list[Metric], reading: Reading) -> list[list[Metric]]:
    """Figures that one question can ask for together."""
    by_target = reading.selection.beside == "target"
    groups: dict[tuple[str | None, bool], list[Metric]] = {}
    for metric in metrics:
        groups.setdefault((clock_of(metric), by_target and metric.target is not None), []).append(metric)
    return list(groups.values())


def _course(metric: Metric, found: dict[str, Any]) -> list[float]:
    """Empty where there are too few steps to show one."""
    known = [float(value) for value in found.get(f"{metric.name}_course", []) if value is not None]
    return known if len(known) >= LEAST_STEPS else []


def _tile(metric: Metric, found: dict[str, Any], reading: Reading, *, beside: bool = False) -> Tile:
    """`beside`: others of its row have a course; where it has none, it says there what it is."""
    course = _course(metric, found)
    estimated = found.get(f"{metric.name}{ESTIMATED}") or 0.0
    about = metric.description
    if metric.kpi:
        about += f" ({metric.kpi})"
    if estimated >= LEAST_ESTIMATED:
        about += f" {estimated:.0%} of it rests on estimates."
    words = reading.words(metric)
    return Tile(
        metric.label,
        ("≈ " if estimated >= LEAST_ESTIMATED else "") + words(found[metric.name]),
        about,
        _change(metric, found),
        metric.better,
        draw_sparkline(course, words) if course else "",
        metric.description if beside else "",
    )


def _change(metric: Metric, found: dict[str, Any]) -> str | None:
    reached = found.get(f"{metric.name}_attainment_share")
    if reached is not None:
        return f"{_signed((float(reached) - 1) * 100)} % to target"
    now, before = found[metric.name], found.get(f"{metric.name}_before")
    if before is None:
        return None
    if metric.unit == "share":
        return f"{_signed((float(now) - float(before)) * 100)} points"
    share = found.get(f"{metric.name}_change_share")
    return None if share is None else f"{_signed(float(share) * 100)} %"


def _signed(value: float) -> str:
    """`+1.2`, `-0.3`; what rounds to nothing has no sign."""
    return f"{value:+.1f}" if round(value, 1) else "0.0"
