"""How numbers, money and days are written for people. Knows no figure."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

SYMBOLS = {"INR": "₹", "EUR": "€", "GBP": "£", "USD": "$"}
GROUPED_BY_LAKH = {"INR"}
Number = float | Decimal


def format_money(amount: Number, currency: str, decimals: int = 0) -> str:
    """`₹12,34,567`, `£1,234,567`, `NOK 1,234`; the sign stands before the symbol."""
    digits = format_number(abs(float(amount)), decimals, by_lakh=currency in GROUPED_BY_LAKH)
    symbol = SYMBOLS.get(currency, f"{currency} ")
    sign = "−" if round(float(amount), decimals) < 0 else ""
    return f"{sign}{symbol}{digits}"


def format_compact_money(amount: Number, currency: str) -> str:
    """Money on a tile: `₹43.2 K`, `₹12.3 L` (lakh), `₹1.20 Cr` (crore); elsewhere `£1.23 M`."""
    steps = (
        [(1e7, "Cr"), (1e5, "L"), (1e3, "K")] if currency in GROUPED_BY_LAKH else [(1e9, "B"), (1e6, "M"), (1e3, "K")]
    )
    size = abs(float(amount))
    for step, letter in steps:
        if size >= step:
            value = float(amount) / step
            decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
            return f"{format_money(value, currency, decimals)} {letter}"
    return format_money(amount, currency)


def write_money_in(text: str, currency: str) -> str:
    """The same text with its amounts as people write them: `INR 122,574 on 22 November` has `₹1,22,574`."""
    return re.sub(
        rf"\b{re.escape(currency)} (\d[\d,]*)",
        lambda found: format_money(float(found[1].replace(",", "")), currency),
        text,
    )


def format_number(value: Number, decimals: int = 0, *, by_lakh: bool = False) -> str:
    """`1,234,567.8`, or by lakh `12,34,567.8`."""
    text = f"{value:,.{decimals}f}"
    if not by_lakh:
        return text
    whole, dot, rest = text.replace(",", "").partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    head, tail = whole[:-3], whole[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return sign + ",".join([*pairs, tail]) + dot + rest


def format_units(value: Number) -> str:
    """Expected units: one decimal below 10, else none."""
    return format_number(value, 1 if abs(float(value)) < 10 and value != int(value) else 0)


def format_day(day: dt.date) -> str:
    """`Mon 23 Nov 2026`"""
    return f"{day:%a} {day.day} {day:%b %Y}"


def format_share(value: Number) -> str:
    """`92 %`; near certainty keeps a decimal: `99.5 %`."""
    percent = float(value) * 100
    return f"{percent:.1f} %" if 99 < percent < 100 else f"{percent:.0f} %"


def count_of(number: int, one: str, many: str | None = None) -> str:
    """`1 line`, `2 lines`"""
    return f"{format_number(number)} {one if number == 1 else many or one + 's'}"


def format_metric(value: Number | None, unit: str, currency: str, *, compact: bool = False) -> str:
    """A metric's value by its unit: money, units, share, ratio (`1.84`), days, …; `–` where there is none."""
    if value is None or value != value:
        return "–"
    if unit == "share":
        return f"{float(value) * 100:.1f} %"
    if unit == "money per unit":
        return format_money(value, currency, 0 if abs(float(value)) >= 1000 else 2)
    if unit == "money":
        return format_compact_money(value, currency) if compact else format_money(value, currency)
    if unit == "ratio":  # nothing is `0`: the foot of an axis of thousands has no decimals
        return format_number(value, 2 if 0 < abs(float(value)) < 10 else 1 if 0 < abs(float(value)) < 100 else 0)
    if unit in {"days", "minutes"}:
        return f"{format_units(value)} {'d' if unit == 'days' else 'min'}"
    return format_number(value, by_lakh=currency in GROUPED_BY_LAKH)
