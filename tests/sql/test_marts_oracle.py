"""Sales and demand against a second computation that shares nothing with the SQL: day by day, in Python and polars."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIRST = dt.date(2024, 4, 1)  # a Monday
DAYS = 42
ONE = dt.timedelta(days=1)

day = st.integers(0, DAYS - 1).map(lambda n: FIRST + n * ONE)
quantity = st.integers(1, 4)


@dataclass
class World:
    as_of: dt.date
    launched_on: dt.date | None
    discontinued_on: dt.date | None
    opened_on: dt.date | None
    closed_on: dt.date | None
    totals: dict[dt.date, int]
    lines: list[tuple[dt.date, int]]
    spans: list[tuple[dt.date, dt.date | None, bool]]
    stock: tuple[dt.date, int] | None
    moves: list[tuple[dt.date, int]] = field(default_factory=list)


@st.composite
def spans(draw):
    """Availability that never contradicts itself: cut points, each span in or out of stock or unsaid."""
    cuts = sorted(draw(st.sets(day, max_size=5)))
    ends = [*(cut - ONE for cut in cuts[1:]), draw(st.sampled_from([None, FIRST + DAYS * ONE]))]
    said = [draw(st.sampled_from([True, False, None])) for _ in cuts]
    return [(cut, end, is_in) for cut, end, is_in in zip(cuts, ends, said, strict=False) if is_in is not None]


worlds = st.builds(
    World,
    as_of=day.map(lambda found: found + 7 * ONE),
    launched_on=st.none() | day,
    discontinued_on=st.none() | day,
    opened_on=st.none() | day,
    closed_on=st.none() | day.map(lambda found: found + 14 * ONE),
    totals=st.dictionaries(day, quantity, max_size=6),
    lines=st.lists(st.tuples(day, st.integers(-2, 4).filter(bool)), max_size=6),
    spans=spans(),
    stock=st.none() | st.tuples(day, st.integers(0, 3)),
    moves=st.lists(st.tuples(day, st.integers(-3, 3).filter(bool)), max_size=5),
)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_demand_is_what_counting_day_by_day_gives(raw, world):
    write(raw, world)
    found = raw.rows("fct_demand_weekly", "week_starting_on, demand_qty, round(7 * in_stock_share), is_complete")
    assert found == expected_weeks(world)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_sales_are_what_polars_sums(raw, world):
    write(raw, world)
    rows = [(each, sold, 0) for each, sold in world.totals.items()]
    rows += [(each, max(n, 0), max(-n, 0)) for each, n in world.lines]
    frame = pl.DataFrame(rows, schema={"day": pl.Date, "sold": pl.Int64, "returned": pl.Int64}, orient="row")
    expected = frame.filter(pl.col("day") < world.as_of).group_by("day").sum().sort("day").rows()
    assert raw.rows("fct_sales_daily", "sold_on, sold_qty, returned_qty") == expected


def write(raw, world):
    raw.clear()
    raw.chain(str(world.as_of))
    closed = world.closed_on and max(world.closed_on, world.opened_on or world.closed_on)
    raw.store(opened_on=world.opened_on, closed_on=closed)
    raw.product(launched_on=world.launched_on, discontinued_on=world.discontinued_on)
    for each, sold in world.totals.items():
        raw.sale(str(each), sold)
    for each, n in world.lines:
        raw.order_line(str(each), n)
    for from_on, to_on, is_in in world.spans:
        raw.available(str(from_on), to_on and str(to_on), is_in)
    if world.stock:
        raw.stock(str(world.stock[0]), world.stock[1])
        for each, n in world.moves:
            if each >= world.stock[0]:
                raw.move(str(each), n)
    raw.build(str(world.as_of))


def expected_weeks(world):
    last_day = world.as_of - ONE
    sold = {}
    for each, n in [*world.totals.items(), *world.lines]:
        if each < world.as_of and n > 0:
            sold[each] = sold.get(each, 0) + n
    any_row = [each for each in [*world.totals, *(each for each, _ in world.lines)] if each < world.as_of]
    is_stated = world.stock is not None and world.stock[0] <= world.as_of
    closed = world.closed_on and max(world.closed_on, world.opened_on or world.closed_on)
    ends = [each for each in (world.discontinued_on, closed) if each]
    is_over = bool(ends) and min(ends) <= world.as_of
    is_carried = (is_stated or bool(sold)) and not is_over
    if not sold and not is_carried:
        return []
    kept = [span[0] for span in world.spans] + ([world.stock[0]] if is_stated else [])
    begin = world.launched_on or min([*kept, *sold], default=None)
    if begin is None:
        return []
    is_sale_alone = not world.launched_on and bool(sold) and begin == min(sold) and begin not in kept
    for floor in (world.opened_on, min(any_row, default=None)):
        if floor is not None and floor >= begin:
            is_sale_alone = False
            begin = floor
    last = last_day
    if ends and min(ends) < world.as_of:
        last = min(max([min(ends) - ONE, *sold]), last_day)
    weeks = []
    monday = begin - begin.weekday() * ONE
    while monday <= last and begin <= last:
        days = [monday + n * ONE for n in range(7)]
        can = sum(can_sell(world, each, begin, last, is_sale_alone, sold, is_stated) for each in days)
        demand = float(sum(sold.get(each, 0) for each in days))
        weeks.append((monday, demand, float(can), monday + 7 * ONE <= world.as_of))
        monday += 7 * ONE
    return weeks


def can_sell(world, each, begin, last, is_sale_alone, sold, is_stated):
    if each < begin:
        return is_sale_alone
    if each > last:
        return last == world.as_of - ONE
    for from_on, to_on, is_in in world.spans:
        if from_on <= each <= (to_on or each):
            return is_in
    if is_stated and each >= world.stock[0]:
        on_hand = world.stock[1] + sum(n for moved, n in world.moves if world.stock[0] <= moved < each)
        return on_hand > 0 or each in sold
    return True
