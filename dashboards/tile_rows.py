"""Figures on tiles, in rows of near equal length, two beside each other on a phone (style.py). Knows no figure.

A row is one piece of the page's text: a browser takes each part of `st.metric` through Markdown at a changed filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

ACROSS, LEAST_ACROSS = 5, 3
GOOD, BAD, NEITHER = "good", "bad", "neither"


@dataclass(frozen=True)
class Tile:
    """A figure in words. `help`: its definition, where one hovers. `change`: signed; what has no sign has no arrow.

    `better`: `up` or `down`; any other word leaves a change without praise or blame. Below the figure stands `picture`,
    which is markup, or else `note`.
    """

    label: str
    value: str
    help: str = ""
    change: str | None = None
    better: str = ""
    picture: str = ""
    note: str = ""


def show_tiles(*groups: Sequence[Tile]) -> None:
    """Each group in rows of its own."""
    st.html("".join(map(_write_rows, filter(None, groups))) or "<div></div>")


def across(count: int) -> int:
    """How many of so many tiles stand in a row. Worked: 9 stand as 5 and 4, 11 as 4, 4 and 3."""
    rows = -(-count // ACROSS)
    return max(-(-count // rows), LEAST_ACROSS)


def _write_rows(tiles: Sequence[Tile]) -> str:
    return f'<div class="ims-tiles ims-across-{across(len(tiles))}">{"".join(map(_write, tiles))}</div>'


def _write(tile: Tile) -> str:
    label, value, about = escape(tile.label), escape(tile.value), escape(tile.help)
    parts = [
        f'<div class="ims-label">{label}',
        f'<button type="button" class="ims-help" aria-label="{about}">?</button>' if about else "",
        f'</div><div class="ims-value">{value}</div>',
    ]
    if tile.change is not None:
        mark, praise = _judge(tile.change, tile.better)
        parts.append(f'<div class="ims-change ims-{praise}">{mark}{escape(tile.change)}</div>')
    if tile.picture or tile.note:
        parts.append(tile.picture or f'<p class="ims-note">{escape(tile.note)}</p>')
    return f'<div class="ims-tile">{"".join(parts)}</div>'


def _judge(change: str, better: str) -> tuple[str, str]:
    """The arrow of a change, and whether it is good."""
    way = {"+": "up", "-": "down"}.get(change[:1])
    if way is None:
        return "", NEITHER
    praise = NEITHER if better not in {"up", "down"} else GOOD if way == better else BAD
    return "↑ " if way == "up" else "↓ ", praise
