"""What a list for people consists of: its columns as read and as printed, and the rows. Knows no file format.

Which stores and whether costs are in it is settled here, once for every list and format, by the scope of who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from api.identity.scope import Scope

Kind = Literal["text", "code", "units", "number", "money", "share", "day"]
TYPES: dict[Kind, type[pl.DataType]] = {
    "text": pl.String,
    "code": pl.String,
    "units": pl.Int64,
    "number": pl.Float64,
    "money": pl.Float64,
    "share": pl.Float64,
    "day": pl.Date,
}


@dataclass(frozen=True)
class Column:
    """`name` in files for programs, `title` for people; `width` in letters; 0 keeps it off the printed page.

    `is_cost`: absent, not empty, for whoever may not see costs. `is_filled_in`: left empty for a pen or a keyboard.
    """

    name: str
    title: str
    kind: Kind
    width: int
    on_paper: int = 0
    is_cost: bool = False
    is_filled_in: bool = False


@dataclass(frozen=True)
class Listing:
    """A list: rows in order, a sheet for each value of `sheet_by`, a page for each value of `page_by`."""

    kind: str
    title: str
    columns: Sequence[Column]
    rows: pl.DataFrame
    sheet_by: str
    page_by: str
    rest: str = "Other"  # the sheet of rows without a value

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]


def lay_out(
    kind: str,
    title: str,
    columns: Sequence[Column],
    rows: pl.DataFrame,
    scope: Scope,
    sheet_by: str,
    page_by: str,
    stores: Sequence[str] = ("store_code",),
    rest: str = "Other",
) -> Listing:
    """The list as the scope shows it: rows one of whose `stores` it reaches, no cost for whoever may see none."""
    seen = [column for column in columns if scope.sees_cost or not column.is_cost]
    if scope.store_codes is not None:
        rows = rows.filter(pl.any_horizontal(pl.col(name).is_in(sorted(scope.store_codes)) for name in stores))
    missing = [column for column in seen if column.name not in rows.columns]
    whole = rows.with_columns(pl.lit(None).alias(column.name) for column in missing)
    frame = whole.select(pl.col(column.name).cast(TYPES[column.kind]) for column in seen)
    return Listing(kind, title, seen, frame, sheet_by, page_by, rest)
