"""The charts of docs/backtest.md as SVG: cost window by window, and the loss and the stock behind the means.

Takes numbers, gives text. Nothing but lines, bars and words, so that a diff of it can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from dashboards.palette import ARRIVAL, BEFORE, BRAND, DEMAND, WITHOUT

COLOURS = {"ours": BRAND, "tuned_mean": BEFORE, "min_max": ARRIVAL, "incumbent": WITHOUT, "actual": WITHOUT}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 820, 320, 64, 54, 40
INK = "#5c6b67"


def draw_lines(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """One line per policy over the windows; the scale begins at 0."""
    most = max((value for values in series.values() for value in values), default=1.0) or 1.0
    step = (WIDTH - LEFT - 20) / max(len(labels) - 1, 1)
    parts = _frame(title, most)
    for place, label in enumerate(labels):
        anchor = "middle" if place < len(labels) - 1 else "end"
        parts.append(_text(LEFT + place * step, HEIGHT - BOTTOM + 16, label, anchor))
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS.get(name, DEMAND)
        points = " ".join(f"{LEFT + place * step:.0f},{_y(value, most):.0f}" for place, value in enumerate(values))
        width = 3 if name == "ours" else 1.6
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts.append(_key(number, name, colour))
    return _close(parts)


def draw_stacks(title: str, stacks: Mapping[str, tuple[float, float]]) -> str:
    """One bar per policy: shortage above holding, in money."""
    most = max((sum(pair) for pair in stacks.values()), default=1.0) or 1.0
    step = (WIDTH - LEFT - 20) / max(len(stacks), 1)
    parts = _frame(title, most)
    for place, (name, (holding, shortage)) in enumerate(stacks.items()):
        left, wide = LEFT + (place + 0.2) * step, 0.6 * step
        bottom, middle, top = _y(0, most), _y(holding, most), _y(holding + shortage, most)
        parts.append(f'<rect x="{left:.0f}" y="{middle:.0f}" width="{wide:.0f}" height="{bottom - middle:.0f}" '
                     f'fill="{ARRIVAL}"/>')  # fmt: skip
        parts.append(f'<rect x="{left:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{middle - top:.0f}" '
                     f'fill="{WITHOUT}"/>')  # fmt: skip
        parts.append(_text(left + wide / 2, HEIGHT - BOTTOM + 16, name, "middle"))
    parts += [_key(0, "holding", ARRIVAL), _key(1, "shortage", WITHOUT)]
    return _close(parts)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP - 10)


def _frame(title: str, most: float) -> list[str]:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11" fill="{INK}"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="13">{escape(title)}</text>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share * most, most)
        parts.append(f'<line x1="{LEFT}" y1="{y:.0f}" x2="{WIDTH - 20}" y2="{y:.0f}" stroke="#e3e8e6"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{share * most:,.0f}", "end"))
    return parts


def _key(number: int, name: str, colour: str) -> str:
    x = LEFT + 130 * number
    return f'<rect x="{x}" y="29" width="10" height="10" fill="{colour}"/>' + _text(x + 15, 38, name, "start")


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'


def _close(parts: list[str]) -> str:
    return "\n".join([*parts, "</svg>"]) + "\n"
