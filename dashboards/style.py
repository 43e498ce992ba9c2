"""How every page is set beyond the theme: measures, contrast, tiles, and what changes on a phone."""

from __future__ import annotations

from typing import Any

import streamlit as st

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.4rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stMainBlockContainer"] h1 { padding: .3rem 0 0; }
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
.ims-tiles { --across: 3; display: flex; flex-wrap: wrap; gap: 1rem; }
.ims-tiles + .ims-tiles { margin-top: 1rem; }
.ims-across-4 { --across: 4; }
.ims-across-5 { --across: 5; }
.ims-tile {
  display: flex; flex-direction: column; gap: .3rem; position: relative; padding: calc(1rem - 1px);
  flex: 1 1 calc(100% / var(--across) - 1rem); min-width: 0; max-width: 50%; line-height: 1.4;
  border: 1px solid light-dark(rgba(23, 33, 31, .16), rgba(255, 255, 255, .2)); border-radius: .6rem;
}
.ims-label { font-size: .875rem; }
.ims-value { font-size: 1.65rem; font-weight: 600; line-height: 1.3; }
.ims-change {
  align-self: start; padding: 0 .45rem; border-radius: 1rem; font-size: .875rem;
  background: color-mix(in srgb, currentColor 9%, transparent);
}
.ims-good { color: light-dark(#0f6b5c, #4cc2a8); }
.ims-bad { color: light-dark(#9e303b, #ff9c97); }
.ims-note { margin: .2rem 0 0; font-size: .875rem; opacity: .88; }
.ims-help {
  margin-left: .45rem; padding: 0; width: 1.05rem; height: 1.05rem; border: 1px solid currentColor; border-radius: 50%;
  background: none; color: inherit; font: inherit; font-size: .7rem; line-height: 1; opacity: .75; cursor: help;
}
.ims-help:is(:hover, :focus)::after {
  content: attr(aria-label); position: absolute; z-index: 10; bottom: calc(100% - .3rem); left: .5rem; right: .5rem;
  padding: .6rem .75rem; border-radius: .5rem; background: #1d2b27; color: #fff; text-align: left;
  font-size: .8125rem; line-height: 1.45; box-shadow: 0 2px 12px rgba(0, 0, 0, .25);
}
.ims-help:is(:hover, :focus) { opacity: 1; }
.ims-course { display: block; width: 100%; height: 3.5rem; margin-top: auto; padding-top: .3rem; }
/* what a chart says has the page's ink, light or dark; notes and words inside bars have a colour of their own */
.stPlotlyChart :is([class$="tick"], .infolayer .legend, .heatmap-label, .textpoint, .g-xtitle, .g-ytitle) text,
.stPlotlyChart .bartext-outside { fill: currentColor !important; }
/* a chart with many columns keeps its width, and is moved sideways where the screen is narrower */
[class*="st-key-wide-"] { overflow-x: auto; }
[class*="st-key-wide-"] > * { min-width: 44rem; }
@media (max-width: 640px) {
  .ims-user { margin-bottom: -.5rem; }
  .ims-tiles { --across: 2; }
  .ims-tile { max-width: 100%; }
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
