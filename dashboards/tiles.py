"""Tiles: each figure with its course in small, its change, and its definition where one hovers."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboards.members import spell
from dashboards.periods import list_whole_steps
from dashboards.problems import literal
from dashboards.reading import Reading
from dashboards.selection import BESIDE, clock_of
from dashboards.sparkline import draw_sparkline
from dashboards.tile_rows import tile_rows
from warehouse.catalogue import ESTIMATED, Metric, catalogue

LEAST_ESTIMATED = 0.01
LEAST_STEPS = 3
FEW = 3  # so many without a course have rows of their own, which are lower


def show_tiles(reading: Reading) -> None:
    """The board's tiles, those with a value; a sentence says what they are compared with."""
    metrics = reading.shown(reading.board.tiles)
    found = _ask_all(reading, metrics)
    known = [metric for metric in metrics if found.get(metric.name) is not None]
    moving = [metric for metric in known if _course(metric, found)]
    still = [metric for metric in known if metric not in moving]
    groups = [still, moving] if still and still[0] is known[0] else [moving, still]
    for group in groups if len(still) >= FEW else [known]:
        place = tile_rows(len(group), group[0].name) if group else None
        for metric in group:
            _show_tile(place, metric, found, reading, room_left=len(group) > len(still) and metric in still)
    untold = [metric.label for metric in metrics if metric not in known]
    if untold:
        st.caption(f"No figure yet: {', '.join(untold)}.")
    left_out = [
        catalogue()[name].label for name in reading.board.tiles if not reading.selection.fits(catalogue()[name])
    ]
    if left_out:
        st.caption(f"Not told by {', '.join(sorted(map(spell, reading.selection.fixed)))}: {', '.join(left_out)}.")
    if any(_change(metric, found) is not None for metric in known):
        st.caption(f"Change against {BESIDE[reading.selection.beside]}.")


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


def _show_tile(place: Any, metric: Metric, found: dict[str, Any], reading: Reading, *, room_left: bool) -> None:
    """`room_left`: the others of its row have a course there; it says what it is instead."""
    course = _course(metric, found)
    estimated = found.get(f"{metric.name}{ESTIMATED}") or 0.0
    help_text = metric.description
    if metric.kpi:
        help_text += f" ({metric.kpi})"
    if estimated >= LEAST_ESTIMATED:
        help_text += f" {estimated:.0%} of it rests on estimates."
    change = _change(metric, found)
    is_still = change is not None and change.startswith("0.0 ")
    words = reading.words(metric)
    tile = place.container(
        border=True, height="stretch", gap="xxsmall", vertical_alignment="distribute" if course else "top"
    )
    tile.metric(
        metric.label,
        ("≈ " if estimated >= LEAST_ESTIMATED else "") + words(found[metric.name]),
        change,
        delta_color="off" if is_still else {"up": "normal", "down": "inverse"}.get(metric.better, "off"),
        delta_arrow="off" if is_still else "auto",
        help=help_text,
    )
    if course:
        tile.html(draw_sparkline(course, words))
    elif room_left:
        tile.caption(literal(metric.description))


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
