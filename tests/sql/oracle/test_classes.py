"""Classes of the ci chain's products, recomputed from its files: ABC by worth, XYZ by steadiness, SBC by pattern."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import fmean, pstdev

import polars as pl
import pytest

from tests.sql.oracle.kept import ONE, dates, days, products, sold
from tests.sql.oracle.told import lines, returns


@pytest.mark.recomputes("classed_products")
def test_classes_by_worth(ci):
    since = ci.as_of - 364 * ONE
    goods, back = lines(ci).with_columns(*dates("sold_on")), returns(ci)
    margin, first = Counter(), {}
    for sku, day, amount, quantity in goods.select("sku", "sold_on", "net_amount", "quantity").rows():
        first[sku] = min(first.get(sku, day), day)
        if since <= day < ci.as_of:
            margin[sku] += amount - quantity * (products(ci)[sku]["unit_cost"] or 0)
    lined = goods.select("order_ref", "store_code", "line_ref", "sku")
    for sku, day, amount, quantity in back.join(lined, on=["order_ref", "store_code", "line_ref"]).select(
        "sku", "returned_on", "taxable_amount", "quantity"
    ).rows():  # fmt: skip
        if day >= since:
            margin[sku] -= amount - quantity * (products(ci)[sku]["unit_cost"] or 0)
    total, above, classes = sum(max(worth, 0) for worth in margin.values()), 0.0, Counter()
    for sku, worth in sorted(margin.items(), key=lambda item: (-round(item[1], 4), item[0])):
        launched = products(ci)[sku]["launched_on"] or first.get(sku)
        share = above / total
        above += max(worth, 0)
        if launched > ci.as_of - 90 * ONE:
            classes["N"] += 1
        elif worth <= 0 or share >= 0.95:
            classes["C"] += 1
        else:
            classes["B" if share >= 0.8 else "A"] += 1
    found = dict(ci.ask("classed_products", by=["abc_class"]).rows())
    assert {name: found[name] for name in "AB"} == {name: classes[name] for name in "AB"}


@pytest.fixture(scope="module")
def demand(ci):
    """Units by sku and day of the 364 days, counted from 0."""
    since = ci.as_of - 364 * ONE
    found = defaultdict(Counter)
    for (_, sku, day), quantity in sold(ci).items():
        if day >= since:
            found[sku][(day - since).days] += quantity
    return found


def steadiness(units, season):
    """X, Y or Z by the variation of thirteen four-week demands, each divided by how its category did then."""
    each = [units[month] / season[month] for month in range(13) if season[month]]
    variation = pstdev(each) / fmean(each)
    return "X" if variation < 0.5 else "Y" if variation <= 1 else "Z"


@pytest.mark.recomputes("classed_products")
def test_classes_by_steadiness(ci, demand):
    months = {sku: Counter() for sku in demand}
    whole = defaultdict(Counter)
    for sku, by_day in demand.items():
        for day, quantity in by_day.items():
            months[sku][day // 28] += quantity
            whole[products(ci)[sku]["category"]][day // 28] += quantity
    seasons = {
        category: {month: by[month] / (sum(by.values()) / 13) for month in range(13)} for category, by in whole.items()
    }
    classes = Counter(steadiness(by, seasons[products(ci)[sku]["category"]]) for sku, by in months.items())
    found = dict(ci.ask("classed_products", by=["xyz_class"]).rows())
    assert {name: found.get(name, 0) for name in "XYZ"} == {name: classes[name] for name in "XYZ"}
    assert len([name for name in "XYZ" if classes[name]]) > 1


def pattern(weeks, since_launch):
    """The class of Syntetos, Boylan and Croston: mean gap 1.32 weeks, squared variation 0.49, a bound to the higher."""
    if len(weeks) < 3:
        return "too few"
    gap = since_launch / len(weeks)
    variation = (pstdev(weeks) / fmean(weeks)) ** 2
    return {
        (True, True): "lumpy",
        (True, False): "intermittent",
        (False, True): "erratic",
        (False, False): "smooth",
    }[gap >= 1.32, variation >= 0.49]


@pytest.mark.recomputes("classed_products")
def test_classes_by_pattern(ci, demand):
    since = ci.as_of - 364 * ONE
    ranged = set(days(ci).filter((pl.col("day") == ci.as_of - ONE) & pl.col("ranged"))["sku"])
    classes = Counter()
    for sku in demand.keys() | ranged:
        weeks = Counter()
        for day, quantity in demand[sku].items():
            weeks[day // 7] += quantity
        launched = products(ci)[sku]["launched_on"] or since
        classes[pattern([*weeks.values()], 52 - max((launched - since).days // 7, 0))] += 1
    assert dict(ci.ask("classed_products", by=["demand_class"]).rows()) == dict(classes)
    assert len(classes) > 2
