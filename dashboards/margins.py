"""Room for the words at a chart's ticks, known before it is drawn: margins that grow have a browser draw it twice.

Plotly widens what is still too narrow, as where a letter is wider than most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

# in pixels: a letter's width and a line's height, and what lies between the words and the chart
LETTER, LINE, ASIDE, BELOW, LEAST_ASIDE = 6.5, 16, 27, 20, 46


def margins_of(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> dict[str, Any]:
    """Those of the layout's margins that its words decide: `l` and `b`, pixels, where the words are known."""
    left, below = (_words_at(axis, traces, layout) for axis in ("y", "x"))
    margin: dict[str, Any] = {}
    if left:
        margin["l"] = max(layout["margin"]["l"], math.ceil(LETTER * max(map(len, left))) + ASIDE, LEAST_ASIDE)
    if below and not layout["xaxis"].get("tickangle") and layout["xaxis"].get("side") != "top":
        margin["b"] = max(layout["margin"]["b"], LINE * max(word.count("<br>") + 1 for word in below) + BELOW)
    return margin


def _words_at(axis: str, traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> list[str]:
    """What the ticks of the axis say, where that is known before it is drawn."""
    part = layout[f"{axis}axis"]
    if not part.get("visible", True):
        return []
    named = [name for trace in traces for name in trace.get(axis, ()) if isinstance(name, str)]
    return list(part.get("ticktext", named))
