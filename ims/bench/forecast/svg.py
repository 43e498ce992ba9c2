"""Charts as SVG text: weekly lines with a band, and a grid of cells. Numbers in, a picture out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 900, 320, 60, 48, 44
INK, GREY, BLUE, ORANGE, GREEN = "#1f2933", "#9aa5b1", "#1f6feb", "#d9730d", "#2f855a"


@dataclass(frozen=True)
class Line:
    """A named line over columns; None is a gap. `dash` for what is not ours."""

    name: str
    values: Sequence[float | None]
    colour: str
    dash: bool = False


def draw_lines(
    title: str,
    labels: Sequence[str],
    lines: Sequence[Line],
    band: tuple[Sequence[float | None], Sequence[float | None]] | None = None,
    marks: dict[int, str] | None = None,
) -> str:
    """A chart of weekly values: `labels` (n,) under the axis, `band` low and high (n,), `marks` column -> words."""
    n = len(labels)
    everything = [v for line in lines for v in line.values if v is not None]
    everything += [v for v in (band[1] if band else []) if v is not None]
    ticks = round_ticks(max(everything, default=1.0))
    top = max(ticks[-1], 1.08 * max(everything, default=1.0))

    def x(column: int) -> float:
        return LEFT + (WIDTH - LEFT - 20) * column / max(n - 1, 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    out = _open(title, WIDTH, HEIGHT)
    for tick in ticks:
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e4e7eb"/>')
        out.append(_text(LEFT - 6, y(tick) + 4, f"{tick:,.6g}", anchor="end"))
    if band is not None:
        known = [i for i in range(n) if band[0][i] is not None and band[1][i] is not None]
        edge = [f"{x(i):.1f},{y(band[1][i] or 0):.1f}" for i in known]
        edge += [f"{x(i):.1f},{y(band[0][i] or 0):.1f}" for i in reversed(known)]
        out.append(f'<polygon points="{" ".join(edge)}" fill="{BLUE}" opacity="0.15"/>')
    for at, (column, words) in enumerate(sorted((marks or {}).items())):
        out.append(
            f'<line x1="{x(column):.1f}" x2="{x(column):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{GREY}"/>'
        )
        is_late = x(column) > WIDTH - 130
        out.append(
            _text(x(column) + (-3 if is_late else 3), TOP + 10 + 13 * (at % 3), words, "end" if is_late else "start")
        )
    for line in lines:
        for run in _runs(line.values):
            points = " ".join(f"{x(i):.1f},{y(line.values[i] or 0.0):.1f}" for i in run)
            dash = ' stroke-dasharray="4 3"' if line.dash else ""
            out.append(f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="1.8"{dash}/>')
    named = [(line.name, line.colour, 1.0) for line in lines]
    if band is not None:
        named.insert(2, ("four of five weeks within", BLUE, 0.15))
    for at, (name, colour, opacity) in enumerate(named):
        left = LEFT + 165 * at
        out.append(f'<rect x="{left}" y="28" width="10" height="10" fill="{colour}" fill-opacity="{opacity}"/>')
        out.append(_text(left + 14, 37, name))
    out += [_text(x(i), HEIGHT - BOTTOM + 16, labels[i], anchor="middle") for i in range(0, n, max(n // 9, 1))]
    return "\n".join([*out, "</svg>"]) + "\n"


def round_ticks(most: float) -> list[float]:
    """Ticks of an axis from 0 to `most` at steps of 1, 2 or 5: 266 gives 0, 50, ... 250."""
    wanted = max(most, 1e-9) / 5
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= wanted - 1e-12)
    return [round(step * at, 9) for at in range(int(most / step + 1e-9) + 1)]


def draw_grids(
    title: str, rows: Sequence[str], columns: Sequence[str], grids: dict[str, Sequence[Sequence[float]]]
) -> str:
    """Grids side by side, one colour scale each; rows and columns name the cells."""
    cell, gap = 15, 90
    width = gap + len(grids) * (len(columns) * cell + gap)
    height = 84 + len(rows) * cell
    out = _open(title, width, height)
    for at, (name, values) in enumerate(grids.items()):
        left = gap + at * (len(columns) * cell + gap)
        most = max((v for row in values for v in row), default=1.0) or 1.0
        out.append(_text(left, 40, f"{name}; darkest {most:,.3g}"))
        for i, row in enumerate(values):
            if i % 2 == 0:
                out.append(_text(left - 6, 58 + i * cell + 11, rows[i], anchor="end"))
            for j, value in enumerate(row):
                shade = f'fill="{BLUE}" fill-opacity="{(value / most) ** 0.6:.3f}"'
                out.append(f'<rect x="{left + j * cell}" y="{58 + i * cell}" width="{cell}" height="{cell}" {shade}/>')
        for j in range(0, len(columns), 2):
            out.append(_text(left + j * cell + 7, 58 + len(rows) * cell + 14, columns[j], anchor="middle"))
    return "\n".join([*out, "</svg>"]) + "\n"


def _open(title: str, width: float, height: float) -> list[str]:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    font = 'font-family="sans-serif" font-size="11"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="12" y="18" font-size="13" font-weight="bold" fill="{INK}">{escape(title)}</text>',
    ]


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(words)}</text>'


def _runs(values: Sequence[float | None]) -> list[list[int]]:
    runs: list[list[int]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(i)
    return [run for run in runs if len(run) > 1]
