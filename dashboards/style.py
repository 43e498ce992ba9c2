"""How every page is set beyond the theme: measures, contrast, tiles, and what changes on a phone."""

from __future__ import annotations

from typing import Any

import streamlit as st

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.4rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stMainBlockContainer"] h1 { padding: .3rem 0 0; }
[data-testid="stMetric"] { padding: 0; }
/* small print that eyes can read: the theme gives it 60 % of the ink, which is 4.4 to 1 on white */
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] :is(p, li, code) { color: inherit; }
[data-testid="stCaptionContainer"] { opacity: .88; }
[data-testid="stSliderThumbValue"], [data-testid="stSliderThumbValue"] p,
[data-testid="stButtonGroup"] button[data-selected="true"] p,
[data-testid="stTab"][aria-selected="true"] p { color: light-dark(#0f6b5c, #4cc2a8); }
.ims-user { text-align: right; font-size: .85rem; opacity: .75; margin-bottom: -2.2rem; }
.ims-user a { color: inherit; }
.st-key-views { margin-bottom: -1.4rem; }
/* tiles: rows of near equal length, filled; what a figure is stands where others have their course */
[class*="st-key-tiles-"] { --across: 3; }
[class*="st-key-tiles-4"] { --across: 4; }
[class*="st-key-tiles-5"] { --across: 5; }
[class*="st-key-tiles-"] > * { flex: 1 1 calc(100% / var(--across) - 1rem); min-width: 0; max-width: 50%; }
[class*="st-key-tiles-"] [data-testid="stMetricLabel"] p { white-space: normal; }
.ims-course { display: block; width: 100%; height: 3.5rem; }
/* what a chart says has the page's ink, light or dark; notes and words inside bars have a colour of their own */
.stPlotlyChart :is([class$="tick"], .infolayer .legend, .heatmap-label, .textpoint, .g-xtitle, .g-ytitle) text,
.stPlotlyChart .bartext-outside { fill: currentColor !important; }
/* a chart with many columns keeps its width, and is moved sideways where the screen is narrower */
[class*="st-key-wide-"] { overflow-x: auto; }
[class*="st-key-wide-"] > * { min-width: 44rem; }
@media (max-width: 640px) {
  .ims-user { margin-bottom: -.5rem; }
  [class*="st-key-tiles-"] { --across: 2; }
  [class*="st-key-tiles-"] > * { max-width: 100%; }
  [data-testid="stHorizontalBlock"] { row-gap: 1rem; }
  [data-testid="stHorizontalBlock"]:has([data-testid="stSelectbox"]) > [data-testid="stColumn"] {
    min-width: calc(50% - 1rem); flex: 1 1 calc(50% - 1rem);
  }
  [data-testid="stHorizontalBlock"] > [data-testid="stColumn"]:has([data-testid="stDateInput"]) { min-width: 100%; }
}
</style>"""


def wide(name: str) -> Any:
    """A container whose chart keeps a readable width where the screen is narrower, and is moved sideways there."""
    return st.container(key=f"wide-{name}")
