"""The arithmetic of a line: price, discount, tax, total. Pure numbers, exact to the hundredth; no database.

Prices are without tax, `mrp` is with it, and nobody pays more than it. Everything is rounded once, half up, per line;
the amounts of an order are sums of its lines' rounded ones, so they always add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
PRICE_STEP = Decimal("0.0001")
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a line, or an order, comes to. taxable = subtotal - discount; total = taxable + tax."""

    subtotal: Decimal
    discount: Decimal
    taxable: Decimal
    tax: Decimal
    total: Decimal


def round_half_up(amount: Decimal) -> Decimal:
    """To the hundredth: 0.125 -> 0.13."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def price_without_tax(unit_price: Decimal | None, mrp: Decimal | None, tax_rate: Decimal) -> Decimal | None:
    """What a unit is sold for without tax: the price, but never more than leaves the mrp whole; None without either.

    Worked: mrp 1000.00 at 5 % allows 952.3809, so a price of 990 is 952.3809 and one of 900 stays 900.
    """
    if mrp is None:
        return unit_price
    most = (mrp / (1 + tax_rate)).quantize(PRICE_STEP, ROUND_DOWN)
    return most if unit_price is None else min(unit_price, most)


def amounts_of_line(quantity: int, unit_price: Decimal, discount_share: Decimal, tax_rate: Decimal) -> Amounts:
    """A line's amounts.

    Worked: 3 x 33.335 = 100.01 (100.005 half up), less 10 % = 10.00, tax of 90.01 at 18 % = 16.20, total 106.21.
    """
    subtotal = round_half_up(quantity * unit_price)
    discount = round_half_up(subtotal * discount_share)
    taxable = subtotal - discount
    tax = round_half_up(taxable * tax_rate)
    return Amounts(subtotal, discount, taxable, tax, taxable + tax)


def sum_amounts(lines: Iterable[Amounts]) -> Amounts:
    """The amounts of an order: the sums of its lines'."""
    subtotal = discount = tax = ZERO
    for line in lines:
        subtotal, discount, tax = subtotal + line.subtotal, discount + line.discount, tax + line.tax
    return Amounts(subtotal, discount, subtotal - discount, tax, subtotal - discount + tax)


def part_of(amount: Decimal, quantity: int, before: int, taken: int) -> Decimal:
    """The part of a line's amount that units `before`+1 to `before`+`taken` of its `quantity` carry.

    Parts of the same line add up to its amount however it is divided. Worked: 10.00 over 3 units, one by one, gives
    3.33, 3.34, 3.33.
    """
    return round_half_up(amount * (before + taken) / quantity) - round_half_up(amount * before / quantity)
