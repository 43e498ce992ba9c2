"""A list as a workbook for people: a sheet for each vendor, route or store, frozen and filtered, and its passport."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.handouts.layout import Column, Kind, Listing
from warehouse.spreadsheets import TEXT_STAYS_TEXT

FORMATS: dict[Kind, str] = {
    "units": "#,##0",
    "number": "#,##0.0",
    "money": "#,##0.00",
    "share": "0 %",
    "day": "d mmm yyyy",
}
HEADER = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3A4D", "text_wrap": True, "valign": "vcenter"}
FILLED_IN = {"bg_color": "#FFF8DC", "border": 1, "border_color": "#D9CFA8"}
STRONG = {"bold": True}
MAX_SHEETS, NAME_LENGTH = 60, 31
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")


def write_workbook(listing: Listing, passport: Mapping[str, str], path: Path) -> None:
    """All rows first, then a sheet for each value of `sheet_by` (MAX_SHEETS at most), then the passport."""
    from xlsxwriter import Workbook

    with Workbook(path, {**TEXT_STAYS_TEXT, "default_date_format": FORMATS["day"]}) as book:
        book.set_properties({"title": listing.title, "comments": passport.get("Snapshot", "")})
        formats = _formats(book, listing)
        taken: set[str] = set()
        _write_sheet(book, _name("All", taken), listing, listing.rows, formats)
        for value, rows in _groups(listing):
            _write_sheet(book, _name(value or listing.rest, taken), listing, rows, formats)
        _write_passport(book, _name("Passport", taken), passport)


def _groups(listing: Listing) -> list[tuple[str | None, pl.DataFrame]]:
    if listing.sheet_by not in listing.rows.columns or listing.rows.is_empty():
        return []
    keys = listing.rows[listing.sheet_by].unique(maintain_order=True).to_list()
    ordered = sorted((key for key in keys if key is not None), key=str.casefold) + [None] * (None in keys)
    if not 1 < len(ordered) <= MAX_SHEETS:
        return []
    return [(key, listing.rows.filter(pl.col(listing.sheet_by).eq_missing(pl.lit(key)))) for key in ordered]


def _formats(book: Any, listing: Listing) -> dict[str, Any]:
    made = {}
    for column in listing.columns:
        look: dict[str, Any] = {"valign": "top"}
        if column.kind in FORMATS:
            look["num_format"] = FORMATS[column.kind]
        elif column.kind == "code":
            look["num_format"] = "@"
        if column.is_filled_in:
            look |= FILLED_IN
        if column.name in ("suggested_qty", "ordered_qty"):
            look |= STRONG
        made[column.name] = book.add_format(look)
    made["header"] = book.add_format(HEADER)
    return made


def _write_sheet(book: Any, name: str, listing: Listing, rows: pl.DataFrame, formats: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(name)
    for place, column in enumerate(listing.columns):
        sheet.set_column(place, place, column.width, formats[column.name])
        sheet.write_string(0, place, column.title, formats["header"])
        _write_column(sheet, place, column, rows[column.name].to_list(), formats[column.name])
    last = len(listing.columns) - 1
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, _frozen(listing))
    sheet.autofilter(0, 0, max(rows.height, 1), last)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{listing.title}&C{name.replace('&', '&&')}&RPage &P of &N")


def _write_column(sheet: Any, place: int, column: Column, values: list[Any], look: Any) -> None:
    is_text = column.kind in ("text", "code")
    for row, value in enumerate(values, start=1):
        if value is None:
            if column.is_filled_in:
                sheet.write_blank(row, place, None, look)
        elif is_text:
            sheet.write_string(row, place, value, look)
        elif column.kind == "day":
            sheet.write_datetime(row, place, value, look)
        else:
            sheet.write_number(row, place, value, look)


def _frozen(listing: Listing) -> int:
    """Columns that stay while the rest is moved: up to the SKU."""
    return listing.names.index("sku") + 1 if "sku" in listing.names[:8] else 0


def _write_passport(book: Any, name: str, passport: Mapping[str, str]) -> None:
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    sheet.set_column(0, 0, 22, bold)
    sheet.set_column(1, 1, 90, wrapped)
    for row, (title, value) in enumerate(passport.items()):
        sheet.write_string(row, 0, title, bold)
        sheet.write_string(row, 1, value, wrapped)


def _name(wanted: str, taken: set[str]) -> str:
    """A name that a sheet may have, and no other has: worked, `A/B: lenses` becomes `A B  lenses`."""
    base = FORBIDDEN.sub(" ", wanted).strip().strip("'")[:NAME_LENGTH] or "Sheet"
    base = f"{base} list" if base.casefold() == "history" else base
    name, number = base, 2
    while name.casefold() in taken:
        name = f"{base[: NAME_LENGTH - len(str(number)) - 1]} {number}"
        number += 1
    taken.add(name.casefold())
    return name
