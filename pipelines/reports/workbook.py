"""A pack as a workbook: the figures with their course in small, the stores, alerts, suggestions, the passport."""

from __future__ import annotations

import io
from typing import Any

from pipelines.reports.figures import Line
from pipelines.reports.pack import Pack, change
from warehouse.catalogue import Metric
from warehouse.spreadsheets import TEXT_STAYS_TEXT

HEADER = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3A4D", "text_wrap": True, "valign": "vcenter"}
FORMATS = {
    "money": "#,##0",
    "money per unit": "#,##0.00",
    "units": "#,##0",
    "count": "#,##0",
    "share": "0.0 %",
    "ratio": "0.00",
    "days": "0.0",
    "minutes": "0",
}
GOOD, BAD = "#1E7B4B", "#B3261E"
FIGURES = ("Figure", "Unit", "Value", "Before", "Change", "Year before", "Change to it", "Course", "Meaning")
WIDTHS = (34, 14, 16, 16, 14, 16, 14, 22, 70)
ORDERS = ("Store", "SKU", "Product", "What", "Quantity", "Order by", "Why", "At stake")
ALERTS = ("Store", "What", "More", "Since", "Sales at stake")
FIRST_COURSE = 3  # the column of the hidden sheet in which courses begin


def write_workbook(pack: Pack) -> bytes:
    """The workbook's bytes."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True, **TEXT_STAYS_TEXT, "default_date_format": "d mmm yyyy"}) as book:
        book.set_properties({"title": f"{pack.title}, {pack.period.words}", "comments": pack.passport["Snapshot"]})
        looks = _Looks(book)
        courses = book.add_worksheet("Figures"), book.add_worksheet("Courses")
        _write_figures(*courses, pack, looks)
        if pack.columns:
            _write_stores(book.add_worksheet("Stores"), pack, looks)
        if pack.alerts:
            _write_alerts(book.add_worksheet("To look at"), pack, looks)
        if pack.suggestions:
            _write_suggestions(book.add_worksheet("To order"), pack, looks)
        _write_passport(book.add_worksheet("Passport"), pack, looks)
        courses[1].hide()
    return buffer.getvalue()


class _Looks:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book, self._made = book, dict[tuple[tuple[str, Any], ...], Any]()

    def __call__(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        return self._made.setdefault(key, self._book.add_format({"valign": "top", **look}))

    def of(self, metric: Metric) -> Any:
        """How values of the figure are written."""
        return self(num_format=FORMATS[metric.unit])


def _write_figures(sheet: Any, courses: Any, pack: Pack, looks: _Looks) -> None:
    _write_head(sheet, FIGURES, WIDTHS, looks)
    row = 1
    for title, lines in pack.sections.items():
        sheet.write_string(row, 0, title, looks(bold=True, bg_color="#E8EEF2"))
        for place in range(1, len(FIGURES)):
            sheet.write_blank(row, place, None, looks(bg_color="#E8EEF2"))
        row += 1
        for line in lines:
            _write_line(sheet, courses, row, line, looks)
            row += 1
    for note in pack.notes:
        sheet.write_string(row + 1, 0, note, looks(italic=True))
        row += 1
    sheet.freeze_panes(1, 1)
    _print_across(sheet, pack)


def _write_line(sheet: Any, courses: Any, row: int, line: Line, looks: _Looks) -> None:
    from xlsxwriter.utility import xl_range_abs

    look = looks.of(line.metric)
    sheet.write_string(row, 0, line.metric.label + (" (now)" if line.is_of_now else ""))
    sheet.write_string(row, 1, line.metric.unit)
    for place, value in ((2, line.value), (3, line.before), (5, line.last_year)):
        if value is not None:
            sheet.write_number(row, place, value, look)
    for place, other in ((4, line.before), (6, line.last_year)):
        words, sign = change(line, other)
        colour = {1: GOOD, -1: BAD}.get(sign, "#000000")
        sheet.write_string(row, place, words, looks(font_color=colour, align="right"))
    sheet.write_string(row, 8, line.metric.description, looks(text_wrap=True))
    known = [value for value in line.course if value is not None]
    if len(known) > 2:
        courses.write_string(row, 0, line.metric.label)
        for place, value in enumerate(line.course, start=FIRST_COURSE):
            if value is not None:
                courses.write_number(row, place, value)
        area = xl_range_abs(row, FIRST_COURSE, row, FIRST_COURSE + len(line.course) - 1)
        sheet.add_sparkline(row, 7, {"range": f"Courses!{area}", "last_point": True, "series_color": "#1F3A4D"})


def _write_stores(sheet: Any, pack: Pack, looks: _Looks) -> None:
    heads = ["Store", "Name", *(each.label for each in pack.columns), f"{pack.columns[0].label}, change to last year"]
    _write_head(sheet, heads, [10, 26, *([16] * (len(heads) - 2))], looks)
    for row, store in enumerate(pack.stores.iter_rows(named=True), start=1):
        sheet.write_string(row, 0, store["store"])
        sheet.write_string(row, 1, store["name"] or "")
        for place, metric in enumerate(pack.columns, start=2):
            if store[metric.name] is not None:
                sheet.write_number(row, place, store[metric.name], looks.of(metric))
        if store["change_share"] is not None:
            sheet.write_number(row, len(heads) - 1, store["change_share"], looks(num_format="+0.0 %;-0.0 %"))
    if pack.stores.height:
        bars = {"type": "data_bar", "bar_color": "#9DB8C9", "bar_solid": True}
        sheet.conditional_format(1, 2, pack.stores.height, 2, bars)
    sheet.freeze_panes(1, 1)
    _print_across(sheet, pack)


def _write_suggestions(sheet: Any, pack: Pack, looks: _Looks) -> None:
    _write_head(sheet, ORDERS, (10, 18, 40, 14, 12, 14, 44, 14), looks)
    for row, each in enumerate(pack.suggestions, start=1):
        for place, name in enumerate(("store", "sku", "product", "kind"), start=0):
            sheet.write_string(row, place, each[name] or "")
        sheet.write_number(row, 4, each["quantity"], looks(num_format="#,##0"))
        if each["order_by"] is not None:
            sheet.write_datetime(row, 5, each["order_by"], looks(num_format="d mmm yyyy"))
        sheet.write_string(row, 6, each["why"])
        sheet.write_number(row, 7, each["at_stake"], looks(num_format="#,##0"))
    sheet.freeze_panes(1, 0)
    _print_across(sheet, pack)


def _write_alerts(sheet: Any, pack: Pack, looks: _Looks) -> None:
    _write_head(sheet, ALERTS, (12, 50, 70, 14, 16), looks)
    for row, each in enumerate(pack.alerts, start=1):
        for place, name in enumerate(("store", "what", "detail")):
            sheet.write_string(row, place, each[name] or "", looks(text_wrap=True))
        sheet.write_datetime(row, 3, each["since"], looks(num_format="d mmm yyyy"))
        sheet.write_number(row, 4, each["at_stake"], looks(num_format="#,##0"))
    sheet.freeze_panes(1, 0)
    _print_across(sheet, pack)


def _write_passport(sheet: Any, pack: Pack, looks: _Looks) -> None:
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 90)
    for row, (title, value) in enumerate(pack.passport.items()):
        sheet.write_string(row, 0, title, looks(bold=True))
        sheet.write_string(row, 1, value, looks(text_wrap=True, num_format="@"))


def _write_head(sheet: Any, heads: Any, widths: Any, looks: _Looks) -> None:
    for place, (head, width) in enumerate(zip(heads, widths, strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, head, looks(**HEADER))
    sheet.set_row(0, 32)


def _print_across(sheet: Any, pack: Pack) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{pack.title}, {pack.period.words}&RPage &P of &N")
