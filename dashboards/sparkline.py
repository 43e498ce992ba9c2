"""A figure's course in small: a picture within the page's text.

Drawn here as SVG: each chart of `st.metric` is a program that a browser compiles and runs anew at a changed filter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import quote

from dashboards import palette

WIDTH, HEIGHT = 100.0, 30.0
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none">'
    '<path d="{line} V{height:g} H0 Z" fill="{ground}"/>'
    '<path d="{line}" fill="none" stroke="{ink}" stroke-width="1.6" vector-effect="non-scaling-stroke"/></svg>'
)
PICTURE = '<img class="ims-course" src="data:image/svg+xml,{drawing}" alt="{said}" title="{said}"/>'


def draw_sparkline(values: Sequence[float], words: Callable[[float], str]) -> str:
    """Two values at least, one step apart each; how low and how high they were is said on hover, and to a reader."""
    low, high = min(values), max(values)
    step, span = WIDTH / (len(values) - 1), (high - low) or 1.0
    heights = (HEIGHT - 1 - (value - low) / span * (HEIGHT - 2) for value in values)
    points = (f"{at * step:.4g},{height:.4g}" for at, height in enumerate(heights))
    said = f"Between {words(low)} and {words(high)}, last {words(values[-1])}"
    line = f"M{' L'.join(points)}"
    drawing = DRAWING.format(width=WIDTH, height=HEIGHT, line=line, ground=palette.BAND_WIDE, ink=palette.BRAND)
    return PICTURE.format(drawing=quote(drawing), said=escape(said))
