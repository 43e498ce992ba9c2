"""The board's question answered in a sentence or two: the figure, how it changed, and who moved it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboards.board import Block
from dashboards.problems import literal
from dashboards.reading import Reading
from dashboards.selection import BESIDE
from warehouse.catalogue import Metric
from warehouse.formats import format_metric

SUMS = {"money", "units", "count"}  # a member that is not there counts as 0 in these
WORSE, BETTER = 3, 2
KEPT_TOGETHER, STUCK = "\u00a0", "\u2060"  # a space and nothing, at which no line breaks


@dataclass(frozen=True)
class Move:
    """A member's figure, and by how much it is another than in the compared time; None where nothing is compared."""

    name: str
    now: float
    change: float | None


def show(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    """The first of the metrics; nothing where it has no value."""
    metric = metrics[0]
    whole = reading.ask([metric], beside=True).row(0, named=True)
    if whole[metric.name] is None:
        return
    words = reading.words(metric)
    now, before = float(whole[metric.name]), whole.get(f"{metric.name}_before")
    sentences = [_tell(metric, now, None if before is None else float(before), words, BESIDE[reading.selection.beside])]
    moves = _moves(metric, reading, reading.level(block))
    if len(moves) > 1:
        sentences += _name_movers(metric, moves, words, reading.passport.currency)
    st.markdown(" ".join(sentences))


def _tell(metric: Metric, now: float, before: float | None, words: Callable[[float], str], beside: str) -> str:
    said = f"**{metric.label}: {words(now)}**"
    if before is None:
        return f"{said}."
    if words(now) == words(before):
        return f"{said}, as {beside}."
    if metric.unit == "share":
        much = f"{abs(now - before) * 100:.1f} points"
    elif metric.unit in {"days", "minutes"} or not before:
        much = words(abs(now - before))
    else:
        much = f"{abs(now / before - 1) * 100:.1f} %"
    is_good = (now > before) == (metric.better != "down")
    colour = "green" if is_good else "red"
    side = "more" if now > before else "less"
    return f"{said}, :{colour}[**{much} {side}**] than {beside} ({words(before)})."


def _moves(metric: Metric, reading: Reading, level: str) -> list[Move]:
    rows = reading.ask([metric], (level,), beside=True)
    moves = []
    for name, row in zip(reading.name(level, rows[level]), rows.iter_rows(named=True), strict=True):
        now, before = row[metric.name], row.get(f"{metric.name}_before")
        if metric.unit in SUMS and f"{metric.name}_before" in row:
            now, before = now or 0.0, before or 0.0
        if now is not None and row[level] is not None:
            moves.append(Move(name, float(now), None if before is None else float(now) - float(before)))
    return moves


def _name_movers(metric: Metric, moves: list[Move], words: Callable[[float], str], currency: str) -> list[str]:
    changed = [move for move in moves if move.change is not None and _say_change(metric, move, currency)]
    if not changed:
        ranked = sorted(moves, key=lambda move: -move.now)
        most = "Most" if metric.unit in SUMS else "Highest"
        named = [f"{literal(move.name)} {words(move.now)}" for move in ranked[:WORSE] if move.now]
        return [f"{most}: {', '.join(named)}."] if named else []
    up = sorted((move for move in changed if (move.change or 0) > 0), key=lambda move: -(move.change or 0))
    down = sorted((move for move in changed if (move.change or 0) < 0), key=lambda move: move.change or 0)
    sides = [("Down most", down), ("Up most", up)]
    if metric.better == "down":
        sides.reverse()
    return [
        f"{label}: {', '.join(f'{literal(move.name)} {_say_change(metric, move, currency)}' for move in side[:most])}."
        for (label, side), most in zip(sides, (WORSE, BETTER), strict=True)
        if side
    ]


def _say_change(metric: Metric, move: Move, currency: str) -> str:
    """`+₹1.2 L (+8 %)`, `−1.3 points`, `+7 d`; empty where it rounds to nothing."""
    change = move.change or 0.0
    sign = ("+" if change > 0 else "−") + STUCK
    if metric.unit == "share":
        said = f"{abs(change) * 100:.1f}"
        return "" if float(said) == 0 else f"{sign}{said} points"
    said = format_metric(abs(change), metric.unit, currency, compact=True)
    if said == format_metric(0.0, metric.unit, currency, compact=True):
        return ""
    said = said.replace(" ", KEPT_TOGETHER)
    before = move.now - change
    if metric.unit not in SUMS:
        return f"{sign}{said}"
    if not move.now or not before:
        return f"{sign}{said} ({'nothing now' if before else 'nothing then'})"
    return f"{sign}{said} ({sign}{abs(change / before) * 100:.0f}{KEPT_TOGETHER}%)"
