"""Stock day by day: spans of cost, range and presence, and their value by store and goods, against an oracle."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SPANS = "from_on::VARCHAR, to_on::VARCHAR, on_hand_qty, unit_cost, is_ranged, is_out_of_stock"
ONE = dt.timedelta(days=1)
FIRST = dt.date(2024, 4, 1)


def cost(chain, unit_cost, from_on, to_on=None, store=None, sku="p"):
    chain.add(
        "cost_history", **chain.pair(store, sku), unit_cost=Decimal(unit_cost), valid_from_on=from_on, valid_to_on=to_on
    )


def spans(chain, columns=SPANS):
    return chain.build("2024-05-15", "fct_stock_spans").rows("fct_stock_spans", columns)


def test_a_change_of_cost_splits_a_span_and_a_stores_own_cost_wins_while_it_holds(shop):
    shop.stock("2024-05-01", 3)
    cost(shop, 5, "2024-04-01")
    cost(shop, 7, "2024-05-06")
    cost(shop, 6, "2024-05-03", "2024-05-08", store="A")
    assert spans(shop, "from_on::VARCHAR, to_on::VARCHAR, unit_cost, is_cost_estimated") == [
        ("2024-05-01", "2024-05-02", 5, False),
        ("2024-05-03", "2024-05-05", 6, False),
        ("2024-05-06", "2024-05-08", 6, False),
        ("2024-05-09", None, 7, False),
    ]


def test_a_cost_nobody_recorded_is_the_products_and_said_to_be_an_estimate(shop):
    shop.con.execute("UPDATE lake.raw.products SET unit_cost = 4")
    shop.stock("2024-05-01", 3)
    cost(shop, 5, "2024-05-10")
    found = spans(shop, "from_on::VARCHAR, unit_cost, is_cost_estimated")
    assert found == [("2024-05-01", 4, True), ("2024-05-10", 5, False)]


def test_an_empty_opening_is_out_of_stock_unless_something_sold_that_day(shop):
    shop.stock("2024-05-01", 1)
    shop.sale("2024-05-01")
    shop.move("2024-05-01", -1, kind="sale")
    shop.move("2024-05-04", 1, kind="receipt")
    shop.move("2024-05-04", -1, kind="sale")
    shop.sale("2024-05-04")
    assert spans(shop, "from_on::VARCHAR, to_on::VARCHAR, is_out_of_stock") == [
        ("2024-05-01", "2024-05-01", False),
        ("2024-05-02", "2024-05-03", True),
        ("2024-05-04", "2024-05-04", False),
        ("2024-05-05", None, True),
    ]


def test_what_is_said_of_a_day_beats_the_ledger(shop):
    shop.stock("2024-05-01", 0)
    shop.available("2024-05-03", "2024-05-04", True)
    shop.available("2024-05-06", "2024-05-06", False)
    assert spans(shop, "from_on::VARCHAR, to_on::VARCHAR, is_out_of_stock") == [
        ("2024-05-01", "2024-05-02", True),
        ("2024-05-03", "2024-05-04", False),
        ("2024-05-05", "2024-05-05", True),
        ("2024-05-06", "2024-05-06", True),
        ("2024-05-07", None, True),
    ]


def test_a_pair_is_ranged_while_carried_launched_sold_and_its_store_open(shop):
    shop.con.execute("UPDATE lake.raw.products SET launched_on = '2024-05-03', discontinued_on = '2024-05-10'")
    shop.con.execute("UPDATE lake.raw.stores SET opened_on = '2024-05-02', closed_on = '2024-06-01'")
    shop.stock("2024-05-01", 2)
    shop.carries("2024-04-01", "2024-05-05")
    shop.carries("2024-05-08")
    assert spans(shop, "from_on::VARCHAR, to_on::VARCHAR, is_ranged") == [
        ("2024-05-01", "2024-05-02", False),
        ("2024-05-03", "2024-05-05", True),
        ("2024-05-06", "2024-05-07", False),
        ("2024-05-08", "2024-05-09", True),
        ("2024-05-10", None, False),
    ]


def test_a_warehouse_ranges_nothing_and_a_pair_nobody_knows_of_is_not_out_of_stock(shop):
    shop.store("W", kind="warehouse")
    shop.product("unknown")
    shop.stock("2024-05-01", 0, "W/p")
    shop.carries(pair="A/unknown")
    shop.carries(pair="W/p")
    assert spans(shop, "store_code, sku, is_ranged, is_out_of_stock") == [("W", "p", False, False)]


def test_days_of_a_weekly_history_are_sold_on_all_week(raw):
    raw.chain("2024-05-15", grain="week").store()
    raw.product()
    raw.stock("2024-05-01", 0)
    raw.sale("2024-05-06")
    assert spans(raw, "from_on::VARCHAR, to_on::VARCHAR, is_out_of_stock") == [
        ("2024-05-01", "2024-05-05", True),
        ("2024-05-06", "2024-05-12", False),
        ("2024-05-13", None, True),
    ]


def test_the_value_of_a_day_is_of_its_opening_and_every_day_before_as_of_has_a_row(shop):
    shop.product("q", unit_cost=Decimal("2.5"))
    shop.stock("2024-05-13", 4, "A/q")
    shop.stock("2024-05-13", 3)
    shop.move("2024-05-13", -1)
    shop.build("2024-05-15", "fct_stock_value_daily")
    columns = (
        "day_on::VARCHAR, known_pairs, ranged_pairs, on_hand_qty, uncosted_qty, cost_amount, estimated_cost_amount"
    )
    assert shop.rows("fct_stock_value_daily", columns) == [
        ("2024-05-13", 2, 2, 7, 3, 10, 10),
        ("2024-05-14", 2, 2, 6, 2, 10, 10),
    ]


def test_a_chain_that_states_no_stock_has_empty_marts(shop):
    shop.sale("2024-05-01")
    shop.build("2024-05-15", "fct_stock_value_daily")
    assert shop.rows("fct_stock_spans") == shop.rows("fct_stock_value_daily") == []


day = st.integers(0, 40).map(lambda n: FIRST + n * ONE)
PAIRS = ("A/p", "A/q", "B/p")
world = st.fixed_dictionaries(
    {
        "stock": st.dictionaries(st.sampled_from(PAIRS), st.tuples(day, st.integers(0, 3))),
        "moves": st.lists(st.tuples(st.sampled_from(PAIRS), day, st.integers(-2, 3).filter(bool)), max_size=8),
        "sales": st.sets(st.tuples(st.sampled_from(PAIRS), day), max_size=6),
        "costs": st.dictionaries(
            st.tuples(st.sampled_from(("A", "B", None)), st.sampled_from("pq"), day), st.integers(1, 9)
        ),
        "carried": st.none() | st.dictionaries(st.sampled_from(PAIRS), st.tuples(day, st.none() | day)),
    }
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=world)
def test_the_value_is_what_counting_day_by_day_gives(raw, world):
    as_of = FIRST + 45 * ONE
    raw.clear()
    raw.chain(str(as_of)).store("A")
    raw.store("B")
    raw.product("p", unit_cost=10, category="c", brand="x")
    raw.product("q", category="c")
    for pair, (stated, quantity) in world["stock"].items():
        raw.stock(str(stated), quantity, pair)
    for pair, moved, quantity in world["moves"]:
        raw.move(str(moved), quantity, pair)
    for pair, sold in world["sales"]:
        raw.sale(str(sold), pair=pair)
    for (store, sku, since), value in world["costs"].items():
        cost(raw, value, str(since), store=store, sku=sku)
    for pair, (since, until) in (world["carried"] or {}).items():
        raw.carries(str(since), until and str(max(since, until)), pair)
    raw.build(str(as_of), "fct_stock_value_daily")
    columns = "store_code, brand, day_on, ranged_pairs, out_of_stock_pairs, on_hand_qty, cost_amount"
    assert raw.rows("fct_stock_value_daily", columns) == expected(world, as_of)


def expected(world, as_of):
    totals: dict[tuple, Counter] = {}
    for pair in PAIRS:
        store, sku = pair.split("/")
        moved = [(each, n) for name, each, n in world["moves"] if name == pair]
        if pair in world["stock"]:
            stated, quantity = world["stock"][pair]
            moved.append((stated - ONE, quantity))
        if not moved:
            continue
        first = min(each for each, _ in moved) + ONE
        for number in range((as_of - first).days):
            today = first + number * ONE
            on_hand = sum(n for each, n in moved if each < today)
            ranged = is_carried(world["carried"], pair, today)
            is_out = ranged and on_hand <= 0 and (pair, today) not in world["sales"]
            value = unit_cost(world["costs"], store, sku, today)
            group = totals.setdefault((store, "x" if sku == "p" else None, today), Counter())
            for name, amount in (("ranged", ranged), ("out", is_out), ("units", on_hand), ("cost", on_hand * value)):
                group[name] += amount
    rows = [(*key, group["ranged"], group["out"], group["units"], group["cost"]) for key, group in totals.items()]
    return sorted(rows, key=lambda row: (row[0], row[1] is None, row[1], row[2]))


def is_carried(carried, pair, today):
    if not carried:
        return True
    since, until = carried.get(pair, (dt.date.max, None))
    return since <= today <= (max(since, until) if until else today)


def unit_cost(costs, store, sku, today):
    for owner in (store, None):
        known = {since: value for (where, item, since), value in costs.items() if (where, item) == (owner, sku)}
        past = [since for since in known if since <= today]
        if past:
            return known[max(past)]
    return 10 if sku == "p" else 0
