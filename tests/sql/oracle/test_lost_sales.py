"""What empty shelves may have cost in the ci chain, recomputed from its files: I9 with its range, I7 by demand."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from decimal import Decimal

import polars as pl
import pytest

from tests.sql.oracle.kept import ONE, dates, days, products, rates
from tests.sql.oracle.told import compare, half_up, lines, returns

TENTH = 1.281552


def prices(ci):
    """Net price of a sku over a year: what its sales less returns came to / the units; else its own price."""
    since = ci.as_of - 364 * ONE
    money, units = Counter(), Counter()
    sold = lines(ci).with_columns(*dates("sold_on")).filter(pl.col("sold_on") >= since)
    for sku, amount, quantity in sold.select("sku", "net_amount", "quantity").rows():
        money[sku] += amount
        units[sku] += quantity
    lined = lines(ci).select("order_ref", "store_code", "line_ref", "sku")
    back = returns(ci).filter(pl.col("returned_on") >= since)
    for sku, amount, quantity in (
        back.join(lined, on=["order_ref", "store_code", "line_ref"]).select("sku", "taxable_amount", "quantity").rows()
    ):
        money[sku] -= amount
        units[sku] -= quantity
    return {
        sku: money[sku] / units[sku] if units[sku] else product["unit_price"] for sku, product in products(ci).items()
    }


@pytest.mark.recomputes("lost_sales", "lost_sales_low", "lost_sales_high", "demand_out_of_stock_share")
def test_what_empty_shelves_cost(ci):
    first = (ci.as_of - ONE).replace(day=1)
    first = first.replace(year=first.year - 1)
    empty, ranged = Counter(), Counter()
    for store, sku, day, is_ranged, is_out in (
        days(ci).filter(pl.col("day") >= first).select("store", "sku", "day", "ranged", "out").rows()
    ):
        empty[store, sku, day.replace(day=1)] += is_out
        ranged[store, sku, day.replace(day=1)] += is_ranged
    price = prices(ci)
    lost = {name: defaultdict(Decimal) for name in ("lost_sales", "lost_sales_low", "lost_sales_high")}
    missing, expected = Counter(), Counter()
    for (store, sku, month), number in empty.items():
        shape, exposure, _ = rates(ci).get((store, sku), (0, 1, 0))
        rate, spread = shape / exposure, math.sqrt(shape) / exposure
        missing[store] += number * rate
        expected[store] += ranged[store, sku, month] * rate
        for name, at in (("lost_sales", 0.0), ("lost_sales_low", -TENTH), ("lost_sales_high", TENTH)):
            amount = number * max(rate + at * spread, 0.0) * price[sku]
            lost[name][month] += half_up(amount)
    for name, by in lost.items():
        compare(ci, name, "month", pl.DataFrame([(month, float(value)) for month, value in by.items()], orient="row"))
    shares = [(store, missing[store] / expected[store]) for store in expected if expected[store]]
    compare(ci, "demand_out_of_stock_share", "store", pl.DataFrame(shares, orient="row"))
    sums = {name: sum(by.values()) for name, by in lost.items()}
    assert sums["lost_sales_low"] < sums["lost_sales"] < sums["lost_sales_high"]
