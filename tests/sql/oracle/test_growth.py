"""Growth and where the month leads, of the ci chain, recomputed from its files: S11, S12."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import polars as pl
import pytest

from tests.sql.oracle.kept import ONE
from tests.sql.oracle.told import compare, half_up, lines, returns

DIWALI = {2024: dt.date(2024, 11, 1), 2025: dt.date(2025, 10, 20)}


@pytest.fixture(scope="module")
def amounts(ci):
    """Net sales by store and day, and the days on which something was sold."""
    sold, back = lines(ci), returns(ci)
    made = defaultdict(float)
    for frame, day, amount, sign in ((sold, "booked_on", "net_amount", 1), (back, "returned_on", "taxable_amount", -1)):
        for store, on, value in frame.select("store_code" if sign > 0 else "back_in", day, amount).rows():
            made[store, on] += sign * value
    return dict(made), set(sold.select("store_code", "booked_on").rows())


@pytest.fixture(scope="module")
def stores(ci):
    return {
        row["store_code"]: (row["opened_on"], row["closed_on"])
        for row in ci.file("stores").with_columns(pl.col("opened_on", "closed_on").cast(pl.Date)).iter_rows(named=True)
    }


def aligned(day: dt.date) -> dt.date:
    """The day that lay the same way to Diwali the year before, from six weeks before it to three after."""
    for year, festival in DIWALI.items():
        lead = (day - festival).days
        if -42 <= lead <= 21 and year - 1 in DIWALI:
            return DIWALI[year - 1] + lead * ONE
    return day - 364 * ONE


def months_after(day: dt.date, months: int) -> dt.date:
    place = day.year * 12 + day.month - 1 + months
    last = (dt.date((place + 1) // 12, (place + 1) % 12 + 1, 1) - ONE).day
    return dt.date(place // 12, place % 12 + 1, min(day.day, last))


def growth(amounts, stores, beside):
    """By store: net sales / those of the day beside - 1, over days traded both times, thirteen months after opening."""
    made, traded = amounts
    now, then = defaultdict(float), defaultdict(float)
    for store, day in traded:
        opened, _ = stores[store]
        if opened is not None and day >= months_after(opened, 13) and (store, beside(day)) in traded:
            now[store] += made[store, day]
            then[store] += made[store, beside(day)]
    return pl.DataFrame([(store, now[store] / then[store] - 1) for store in now], orient="row")


@pytest.mark.recomputes("like_for_like_growth", "like_for_like_growth_aligned")
def test_like_for_like(ci, amounts, stores):
    plain = growth(amounts, stores, lambda day: day - 364 * ONE)
    festive = growth(amounts, stores, aligned)
    compare(ci, "like_for_like_growth", "store", plain)
    compare(ci, "like_for_like_growth_aligned", "store", festive)
    assert not plain.equals(festive), "a festival moved"


def weekdays(rows):
    """The mean of each weekday over (day, amount)."""
    by = defaultdict(list)
    for day, amount in rows:
        by[day.isoweekday()].append(amount)
    return {weekday: sum(values) / len(values) for weekday, values in by.items()}


@pytest.mark.recomputes("target_attainment", "projected_net_sales", "projected_attainment", "sales_target")
def test_where_the_month_leads(ci, amounts, stores):
    made, _ = amounts
    as_of, month = ci.as_of, ci.as_of.replace(day=1)
    assert aligned(as_of) == as_of - 364 * ONE, "no festival lies ahead: the lift is 1"
    projected = {}
    for store in {store for store, _ in made}:
        opened, closed = stores[store]
        first = max(min(day for each, day in made if each == store), opened or dt.date.min)
        open_days = [
            as_of - back * ONE
            for back in range(1, 57)
            if first <= as_of - back * ONE < (closed or dt.date.max)
        ]  # fmt: skip
        mean = weekdays((day, made.get((store, day), 0.0)) for day in open_days)
        ahead, day = 0.0, as_of
        while day.month == month.month:
            ahead += float(half_up(mean.get(day.isoweekday(), 0.0))) if day < (closed or dt.date.max) else 0.0
            day += ONE
        projected[store] = ahead + sum(value for (each, on), value in made.items() if each == store and on >= month)
    compare(ci, "projected_net_sales", "store", pl.DataFrame([*projected.items()], orient="row"), month=month)

    told = ci.file("sales_targets").select(
        "store_code", pl.col("month_on").cast(pl.Date), pl.col("target_amount").cast(pl.Float64)
    )
    compare(ci, "sales_target", "month", told.group_by("month_on").agg(pl.col("target_amount").sum()))
    goals = {store: goal for store, on, goal in told.rows() if on == month}
    reached = [(store, projected[store] / goal) for store, goal in goals.items()]
    compare(ci, "projected_attainment", "store", pl.DataFrame(reached, orient="row"), month=month)
    sums = defaultdict(lambda: [0.0, 0.0])
    for store, on, goal in told.filter(pl.col("month_on") <= month).rows():
        sums[store][1] += goal
        sums[store][0] += sum(
            value for (each, day), value in made.items() if each == store and day.replace(day=1) == on
        )
    attained = [(store, actual / goal) for store, (actual, goal) in sums.items()]
    compare(ci, "target_attainment", "store", pl.DataFrame(attained, orient="row"))
