"""What every file for a spreadsheet must keep: text stays text, nothing in a cell is run. Writes no file itself."""

from __future__ import annotations

import polars as pl

FORMULA_STARTS = r"^[=+\-@\t\r]"
TEXT_STAYS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def escape_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before each text that a spreadsheet would run: `=1+1` becomes `'=1+1`.

    For CSV only, which knows no types (OWASP, CSV injection); workbooks get TEXT_STAYS_TEXT.
    """
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(text.str.contains(FORMULA_STARTS)).then("'" + text).otherwise(text).name.keep())
