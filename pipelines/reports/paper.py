"""A pack as a PDF to read on a telephone or to print: A4 upright, a line for each figure, its course drawn in it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from html import escape
from typing import Any

from pipelines.handouts.paper import BAND, BOLD, INK, LINE, MARGIN, PADDING, PLAIN, load_fonts, style
from pipelines.reports.figures import Line
from pipelines.reports.pack import Pack, change
from warehouse.formats import format_metric, write_money_in

SIZE, QUIET, GOOD, BAD = 8.5, "#5A6B76", "#1E7B4B", "#B3261E"
ROOM = 190  # mm
COURSE, BAR = (34.0, 5.0), (30.0, 3.0)  # mm
FIGURES = (54, 26, 24, 20, 24, 20, 22)
ORDERS = (14, 58, 22, 18, 22, 56)
ALERTS = (16, 124, 26, 24)


def write_paper(pack: Pack) -> bytes:
    """The PDF's bytes; the same pack gives the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    load_fonts()
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN * mm - PADDING,
        rightMargin=MARGIN * mm - PADDING,
        topMargin=12 * mm,
        bottomMargin=14 * mm,
        title=f"{pack.title}, {pack.period.words}",
        subject=f"snapshot {pack.passport['Snapshot']}",
        creator="IMS",
        invariant=1,
    )
    story: list[Any] = [_title(pack)]
    story += [Paragraph(escape(note), style(SIZE, after=4, color=BAD)) for note in pack.notes]
    if pack.sections:
        story.append(_figures(pack))
    else:
        story.append(Paragraph("There is nothing to tell of this period.", style(SIZE)))
    if pack.columns and pack.stores.height > 1:
        story += [_head("Store by store"), _stores(pack)]
    if pack.alerts:
        story += [_head("To look at first"), _alerts(pack)]
    if pack.suggestions:
        story += [_head("To order first, by what is at stake"), _suggestions(pack)]
    story += [Spacer(1, 6), Paragraph(_passport(pack), style(6.5, leading=9, color=QUIET))]
    footer = _footer(pack)
    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return buffer.getvalue()


def _title(pack: Pack) -> Any:
    from reportlab.platypus import Paragraph

    about = [pack.passport["Chain"], f"stores: {pack.passport['Stores']}", f"data as of {pack.passport['Data as of']}"]
    text = f"<b>{escape(f'{pack.title}: {pack.period.words}')}</b><br/>"
    text += f"<font size=8 color='{QUIET}'>{escape(' · '.join(about))}</font>"
    return Paragraph(text, style(15, leading=19, after=6))


def _head(text: str) -> Any:
    from reportlab.platypus import Paragraph

    made = style(9.5, after=1, before=9, color=INK)
    made.keepWithNext = True
    return Paragraph(f"<b>{escape(text)}</b>", made)


def _figures(pack: Pack) -> Any:
    from reportlab.platypus import Paragraph

    rows: list[list[Any]] = [["", "", "before", "", "year before", "", "course"]]
    looks: list[tuple[Any, ...]] = [("TEXTCOLOR", (place, 1), (place, -1), _colour(QUIET)) for place in (2, 4)]
    looks.append(("FONT", (1, 1), (1, -1), BOLD, SIZE + 0.5))
    for title, lines in pack.sections.items():
        looks += [("SPAN", (0, len(rows)), (-1, len(rows))), ("TOPPADDING", (0, len(rows)), (-1, len(rows)), 7)]
        rows.append([Paragraph(f"<b>{escape(title)}</b>", style(9.5, color=INK)), *[""] * 6])
        for line in lines:
            number = len(rows)
            cells: list[Any] = [_named(line), _written(line, line.value, pack.currency)]
            for place, other in ((3, line.before), (5, line.last_year)):
                words, sign = change(line, other)
                cells += ["" if other is None else _written(line, other, pack.currency), words]
                colour = _colour({1: GOOD, -1: BAD}.get(sign, QUIET))
                looks.append(("TEXTCOLOR", (place, number), (place, number), colour))
            rows.append([*cells, _course(line)])
    return _table(rows, FIGURES, looks, numbers=range(1, 6))


def _named(line: Line) -> str:
    return line.metric.label + (" (now)" if line.is_of_now else "")


def _written(line: Line, value: Any, currency: str) -> str:
    return format_metric(value, line.metric.unit, currency, compact=True)


def _course(line: Line) -> Any:
    """A line through the values there are, its end marked."""
    from reportlab.graphics.shapes import Circle, Drawing, PolyLine
    from reportlab.lib.units import mm

    known = [(place, value) for place, value in enumerate(line.course) if value is not None]
    if len(known) < 3:
        return ""
    width, height = COURSE[0] * mm * 0.55, COURSE[1] * mm * 0.7
    low, high = min(value for _, value in known), max(value for _, value in known)
    steps = max(len(line.course) - 1, 1)
    points = [
        (place / steps * width, (value - low) / (high - low) * height if high > low else height / 2)
        for place, value in known
    ]
    drawing = Drawing(width + 3, height + 2)
    drawing.add(PolyLine([each for point in points for each in point], strokeColor=_colour(INK), strokeWidth=0.8))
    drawing.add(Circle(*points[-1], 1.2, fillColor=_colour(INK), strokeColor=None))
    return drawing


def _stores(pack: Pack) -> Any:
    first = pack.columns[0]
    most = max((float(value) for value in pack.stores[first.name] if value is not None), default=0.0)
    rows: list[list[Any]] = [["Store", "", *(each.label for each in pack.columns), "to last year"]]
    for store in pack.stores.iter_rows(named=True):
        changed = store["change_share"]
        rows.append(
            [
                f"{store['store']}  {store['name'] or ''}"[:30],
                _bar(store[first.name], most),
                *(format_metric(store[each.name], each.unit, pack.currency, compact=True) for each in pack.columns),
                "" if changed is None else f"{changed * 100:+.1f} %",
            ]
        )
    others = len(pack.columns) + 1
    widths = (46, 26, *([(ROOM - 72) / others] * others))
    return _table(rows, widths, [], numbers=range(2, others + 2))


def _bar(value: Any, most: float) -> Any:
    from reportlab.graphics.shapes import Drawing, Rect
    from reportlab.lib.units import mm

    if value is None or most <= 0 or value <= 0:
        return ""
    drawing = Drawing(24 * mm, BAR[1] * mm)
    drawing.add(Rect(0, 0, float(value) / most * 24 * mm, BAR[1] * mm, fillColor=_colour("#9DB8C9"), strokeColor=None))
    return drawing


def _suggestions(pack: Pack) -> Any:
    rows: list[list[Any]] = [["Store", "Product", "What", "Quantity", "Order by", "Why"]]
    rows += [
        [
            each["store"],
            str(each["product"] or each["sku"])[:38],
            each["kind"],
            f"{each['quantity']:,}",
            "" if each["order_by"] is None else f"{each['order_by'].day} {each['order_by']:%b %Y}",
            each["why"],
        ]
        for each in pack.suggestions
    ]
    return _table(rows, ORDERS, [], numbers=(3,))


def _alerts(pack: Pack) -> Any:
    from reportlab.platypus import Paragraph

    def what(each: Mapping[str, Any]) -> Any:
        detail = escape(write_money_in(each["detail"], pack.currency))
        return Paragraph(f"{escape(each['what'])}<br/><font color='{QUIET}'>{detail}</font>", style(SIZE))

    rows: list[list[Any]] = [["Store", "What", "Since", "Sales at stake"]]
    rows += [
        [
            each["store"],
            what(each),
            f"{each['since'].day} {each['since']:%b %Y}",
            format_metric(each["at_stake"], "money", pack.currency) if each["at_stake"] else "",
        ]
        for each in pack.alerts
    ]
    return _table(rows, ALERTS, [], numbers=(3,))


def _table(rows: list[list[Any]], widths: Any, looks: list[tuple[Any, ...]], numbers: Any) -> Any:
    from reportlab.lib.colors import white
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, Table

    head = [
        Paragraph(escape(text), style(SIZE - 1.5, color=QUIET, is_right=place in numbers))
        for place, text in enumerate(rows[0])
    ]
    whole: list[tuple[Any, ...]] = [
        ("FONT", (0, 1), (-1, -1), PLAIN, SIZE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, _colour(BAND)]),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, _colour(LINE)),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        *(("ALIGN", (place, 1), (place, -1), "RIGHT") for place in numbers),
        *looks,
    ]
    scale = ROOM / sum(widths)
    return Table([head, *rows[1:]], colWidths=[width * scale * mm for width in widths], repeatRows=1, style=whole)


def _passport(pack: Pack) -> str:
    facts = [f"{escape(name)}: {escape(value)}" for name, value in pack.passport.items() if value]
    return " · ".join(each.replace("\n", "; ") for each in facts)


def _colour(text: str) -> Any:
    from reportlab.lib.colors import HexColor

    return HexColor(text)


def _footer(pack: Pack) -> Any:
    from reportlab.lib.units import mm

    left = f"IMS · snapshot {pack.passport['Snapshot']} · made for {pack.passport['Made for']}"

    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(PLAIN, 6.5)
        canvas.setFillColor(_colour(INK))
        canvas.drawString(MARGIN * mm, 7 * mm, left)
        canvas.drawRightString((MARGIN + ROOM) * mm, 7 * mm, f"{pack.period.words} · page {document.page}")
        canvas.restoreState()

    return draw
