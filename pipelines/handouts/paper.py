"""A list as a PDF to print: A4 across, the columns a person needs at the shelf, a page for each store or order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.handouts.layout import Column, Listing
from warehouse.formats import format_number

FONTS = Path(__file__).parent / "fonts"
PLAIN, BOLD, SIZE = "IMS", "IMS-Bold", 7.5
INK, BAND, LINE, FILLED_IN = "#1F3A4D", "#F3F6F8", "#C9D3DA", "#FFF8DC"
NUMBERS = ("units", "number", "money", "share")
MARGIN, PADDING = 10, 6  # mm; points that reportlab's frame leaves on each side


def write_paper(listing: Listing, passport: Mapping[str, str], path: Path) -> None:
    """Print the columns that have a width on paper; a list without rows says so."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.lib.units import mm
    from reportlab.platypus import PageBreak, SimpleDocTemplate

    load_fonts()
    columns = [column for column in listing.columns if column.on_paper and _says_something(column, listing.rows)]
    page = landscape(A4)
    document = SimpleDocTemplate(
        str(path),
        pagesize=page,
        leftMargin=MARGIN * mm - PADDING,
        rightMargin=MARGIN * mm - PADDING,
        topMargin=12 * mm,
        bottomMargin=14 * mm,
        title=listing.title,
        subject=passport.get("Snapshot", ""),
        creator="IMS",
        invariant=1,
    )
    room = page[0] - 2 * MARGIN * mm
    scale = room / sum(column.on_paper for column in columns)
    widths = [column.on_paper * scale for column in columns]
    story: list[Any] = []
    for key, rows in _pages(listing):
        story += [_title(listing, key, rows, passport), _table(columns, rows, widths), PageBreak()]
    if not story:
        story = [_title(listing, None, listing.rows, passport)]
    footer = _footer(listing, passport, room)
    document.build(story, onFirstPage=footer, onLaterPages=footer)


def _says_something(column: Column, rows: pl.DataFrame) -> bool:
    return column.is_filled_in or rows[column.name].null_count() < rows.height


def _pages(listing: Listing) -> list[tuple[str | None, pl.DataFrame]]:
    if listing.rows.is_empty():
        return []
    keys = listing.rows[listing.page_by].unique(maintain_order=True).to_list()
    return [(key, listing.rows.filter(pl.col(listing.page_by).eq_missing(pl.lit(key)))) for key in keys]


def _title(listing: Listing, key: str | None, rows: pl.DataFrame, passport: Mapping[str, str]) -> Any:
    from reportlab.platypus import Paragraph

    of = {"store_code": f"store {key}", "order_ref": f"order {key}", "transfer": f"transfer {key}"}
    head = f"{listing.title}, {of.get(listing.page_by, key)}" if key else listing.title
    about = [
        passport.get("Chain", ""),
        *(_who(rows) if listing.page_by != "store_code" else ()),
        f"as of {passport.get('As of', '')}",
    ]
    about.append(_whole(rows, passport.get("Currency", "")) if rows.height else "nothing to list")
    text = f"<b>{escape(head)}</b><br/><font size=8 color='#5A6B76'>{escape(' · '.join(x for x in about if x))}</font>"
    return Paragraph(text, style(13, leading=18, after=6))


def _who(rows: pl.DataFrame) -> list[str]:
    """Whom an order goes to and where it is delivered, or where a transfer runs, where all rows say the same."""
    said = []
    for name, words in (("vendor_name", "{}"), ("store_name", "deliver to {}"), ("route", "{}")):
        if name in rows.columns and rows[name].n_unique() == 1 and rows[name][0]:
            said.append(words.format(rows[name][0]))
    return said


def _whole(rows: pl.DataFrame, currency: str) -> str:
    """How many lines, and of a document its units and amount, for whoever checks it against what comes."""
    said = [f"{format_number(rows.height)} lines"]
    for name in ("ordered_qty", "requested_qty"):
        if name in rows.columns:
            said.append(f"{format_number(int(rows[name].sum() or 0))} units")
    if "cost_amount" in rows.columns and rows["cost_amount"].null_count() == 0:
        said.append(f"{currency} {format_number(float(rows['cost_amount'].sum()), 2)} without tax")
    elif {"priority", "unit_cost"} & set(rows.columns):
        said.append(f"amounts in {currency}")
    return ", ".join(said)


def _table(columns: list[Column], rows: pl.DataFrame, widths: list[float]) -> Any:
    from reportlab.lib.colors import HexColor, white
    from reportlab.platypus import Paragraph, Table

    head = [
        Paragraph(
            f"<b>{escape(column.title)}</b>",
            style(SIZE, color="#FFFFFF", is_right=column.kind in NUMBERS),
        )
        for column in columns
    ]
    plain = style(SIZE)
    body = [
        [
            Paragraph(escape(text), plain) if column.kind == "text" else text
            for column, text in zip(columns, map(write_cell, columns, row), strict=True)
        ]
        for row in rows.select(column.name for column in columns).iter_rows()
    ]
    look: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), PLAIN, SIZE),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor(INK)),
        ("TEXTCOLOR", (0, 0), (-1, 0), white),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, HexColor(BAND)]),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, HexColor(LINE)),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    for place, column in enumerate(columns):
        if column.kind in NUMBERS:
            look.append(("ALIGN", (place, 1), (place, -1), "RIGHT"))
        if column.is_filled_in:
            look.append(("BACKGROUND", (place, 1), (place, -1), HexColor(FILLED_IN)))
        if column.name in ("suggested_qty", "ordered_qty", "approved_qty"):
            look.append(("FONT", (place, 1), (place, -1), BOLD, SIZE + 1))
    return Table([head, *body], colWidths=widths, repeatRows=1, style=look)


def write_cell(column: Column, value: Any) -> str:
    """A value as printed. Worked: 1234.5 of money is `1,234.50`, a day `25 Nov 26`, nothing is nothing."""
    if value is None:
        return ""
    if column.kind == "day":
        return f"{value.day} {value:%b %y}"
    if column.kind == "units":
        return format_number(value)
    if column.kind in ("number", "money"):
        is_power = column.name in ("sph", "cyl", "add")
        return f"{value:+.2f}" if is_power else format_number(value, 2 if column.kind == "money" else 1)
    return f"{value:.0%}" if column.kind == "share" else str(value)


def _footer(listing: Listing, passport: Mapping[str, str], room: float) -> Any:
    from reportlab.lib.units import mm

    left = f"IMS · snapshot {passport.get('Snapshot', '')} · data as of {passport.get('Data as of', '')}"
    made = f"{passport.get('Made for', '')} · {passport.get('Made at', '')}"

    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(PLAIN, 6.5)
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN * mm, 7 * mm, left)
        canvas.drawCentredString(MARGIN * mm + room / 2, 7 * mm, made)
        canvas.drawRightString(MARGIN * mm + room, 7 * mm, f"{listing.title} · page {document.page}")
        canvas.restoreState()

    return draw


@lru_cache(maxsize=32)
def style(
    size: float,
    leading: float | None = None,
    after: float = 0,
    color: str = "#1F2A30",
    is_right: bool = False,
    before: float = 0,
) -> Any:
    """A paragraph's look; the same one for the same wishes."""
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(
        "ims",
        fontName=PLAIN,
        fontSize=size,
        leading=leading or size * 1.2,
        spaceAfter=after,
        spaceBefore=before,
        textColor=color,
        alignment=TA_RIGHT if is_right else TA_LEFT,
    )


@lru_cache(maxsize=1)
def load_fonts() -> None:
    """Make the fonts known, once in a process."""
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
    from reportlab.pdfbase.ttfonts import TTFont

    registerFont(TTFont(PLAIN, FONTS / "DejaVuSansCondensed.ttf"))
    registerFont(TTFont(BOLD, FONTS / "DejaVuSansCondensed-Bold.ttf"))
    registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
