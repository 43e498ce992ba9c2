"""What empty shelves may have cost in the ci chain, recomputed from its files: I9 with its range, I7 by demand."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from decimal import Decimal

import polars as pl
import pytest

from tests.sql.oracle.kept import ONE, dates, days, moves, products, rates, sold
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


def speed(rate):
    return 2 if rate > 0.2 else 1 if rate > 0.05 else 0


def seasons(ci, rate):
    """(category, month) -> units sold on days in stock over those the rates say, with 20 added to both."""
    units, expected = Counter(), Counter()
    for store, sku, day, category, is_ranged, is_out in told_days(ci):
        month = category, day.replace(day=1)
        units[month] += 0 if is_out else sold(ci).get((store, sku, day), 0)
        expected[month] += rate[store, sku] if is_ranged and not is_out else 0
    return {month: (units[month] + 20) / (expected[month] + 20) for month in expected}


def told_days(ci):
    """store, sku, day, category, ranged, out of the last thirteen months, of pairs and months with a ranged day."""
    first = thirteen_months(ci)
    rows = days(ci).filter(pl.col("day") >= first).with_columns(pl.col("day").dt.month_start().alias("month"))
    rows = rows.filter(pl.col("ranged").any().over("store", "sku", "month"))
    return rows.select("store", "sku", "day", "category", "ranged", "out").rows()


def thirteen_months(ci):
    first = (ci.as_of - ONE).replace(day=1)
    return first.replace(year=first.year - 1)


def factors(ci, rate):
    """Pair -> what its days out of stock sell over its rate: as days in stock do, within 28 days of a sale or later."""
    since = ci.as_of - 400 * ONE
    kinds, outs = defaultdict(Counter), defaultdict(Counter)
    sellers = defaultdict(list)
    for (store, sku, day), _ in sorted(sold(ci).items(), key=lambda item: item[0][2]):
        if day >= since:
            sellers[store, sku].append(day)
    for store, sku, day, category, is_ranged, is_out in (
        days(ci).filter(pl.col("day") >= since).select("store", "sku", "day", "category", "ranged", "out").rows()
    ):
        pair = store, sku
        if pair not in rate:
            continue
        earlier = bisect_left(sellers[pair], day)
        is_soon = earlier > 0 and (day - sellers[pair][earlier - 1]).days <= 28
        kind = kinds[category, speed(rate[pair])]
        if is_ranged and not is_out:
            kind["expected", is_soon] += rate[pair]
            kind["sold", is_soon] += sold(ci).get((store, sku, day), 0)
        outs[pair][is_soon] += is_ranged and is_out
    found = {}
    for pair, category in {(store, sku): products(ci)[sku]["category"] for store, sku in rate}.items():
        kind, out = kinds[category, speed(rate[pair])], outs[pair]
        by = {soon: (kind["sold", soon] + 20) / (kind["expected", soon] + 20) for soon in (True, False)}
        number = out[True] + out[False]
        found[pair] = sum(out[soon] * by[soon] for soon in by) / number if number else 1.0
    return found


def beyond(ci, rate):
    """(store, sku, month) -> units asked for beyond the last one on days that sold it."""
    on_hand = {(store, sku, day): units for store, sku, day, units, begun in
               days(ci).select("store", "sku", "day", "on_hand", "begun").rows() if begun}  # fmt: skip
    closing = moves(ci).group_by("store", "sku").agg(pl.col("units").sum())
    on_hand |= {(store, sku, ci.as_of): units for store, sku, units in closing.rows()}
    events = []
    for (store, sku, day), units in sold(ci).items():
        opening, after = on_hand.get((store, sku, day), 0), on_hand.get((store, sku, day + ONE), 0)
        if day >= ci.as_of - 400 * ONE and opening > max(after, 0):
            kind = products(ci)[sku]["category"], speed(rate[store, sku])
            events.append((kind, opening, min(units, opening - after), after <= 0, (store, sku, day.replace(day=1))))
    began, went_on = Counter(), Counter()
    for kind, opening, taken, _, _ in events:
        for units in range(1, 21):
            began[kind, units] += taken >= units and opening > units
            went_on[kind, units] += taken > units
    chance = {}
    for category in {kind[0] for kind, *_ in events}:
        for units in range(1, 21):
            tried = sum(began[(category, each), units] for each in range(3))
            pooled = sum(went_on[(category, each), units] for each in range(3)) / tried if tried >= 5 else 0
            for each in range(3):
                kind = (category, each), units
                chance[kind] = max((went_on[kind] + 10 * pooled) / (began[kind] + 10), 1e-9)
    found = Counter()
    for kind, opening, _, is_last, place in events:
        likely = 1.0
        for units in range(min(opening, 20), 21) if is_last else ():
            likely *= chance[kind, units]
            found[place] += likely
    return found


@pytest.mark.recomputes("lost_sales", "lost_sales_low", "lost_sales_high", "demand_out_of_stock_share")
def test_what_empty_shelves_cost(ci):
    empty, ranged = Counter(), Counter()
    for store, sku, day, _, is_ranged, is_out in told_days(ci):
        empty[store, sku, day.replace(day=1)] += is_out
        ranged[store, sku, day.replace(day=1)] += is_ranged
    price = prices(ci)
    daily = defaultdict(float, {pair: shape / exposure for pair, (shape, exposure, _) in rates(ci).items()})
    season, factor, more = seasons(ci, daily), factors(ci, daily), beyond(ci, daily)
    lost = {name: defaultdict(Decimal) for name in ("lost_sales", "lost_sales_low", "lost_sales_high")}
    missing, expected = Counter(), Counter()
    for (store, sku, month), number in empty.items():
        shape, exposure, _ = rates(ci).get((store, sku), (0, 1, 0))
        of_month = season[products(ci)[sku]["category"], month]
        expected[store] += ranged[store, sku, month] * shape / exposure * of_month
        of_month *= factor.get((store, sku), 1.0)
        rate, spread = shape / exposure * of_month, math.sqrt(shape) / exposure * of_month
        missing[store] += number * rate
        for name, at in (("lost_sales", 0.0), ("lost_sales_low", -TENTH), ("lost_sales_high", TENTH)):
            amount = (number * max(rate + at * spread, 0.0) + more[store, sku, month]) * price[sku]
            lost[name][month] += half_up(amount)
    for name, by in lost.items():
        compare(ci, name, "month", pl.DataFrame([(month, float(value)) for month, value in by.items()], orient="row"))
    shares = [(store, missing[store] / expected[store]) for store in expected if expected[store]]
    compare(ci, "demand_out_of_stock_share", "store", pl.DataFrame(shares, orient="row"))
    sums = {name: sum(by.values()) for name, by in lost.items()}
    assert sums["lost_sales_low"] < sums["lost_sales"] < sums["lost_sales_high"]
