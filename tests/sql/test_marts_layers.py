"""FIFO layers: what came, what of it left and when, against a queue emptied unit by unit."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIRST = dt.date(2023, 1, 1)
ONE = dt.timedelta(days=1)
KINDS = {"receipt": 1, "return": 1, "count": 1, "transfer_receive": 1, "sale": -1, "damage": -1}
SOURCES = {"receipt": "receipt", "return": "return", "count": "correction", "transfer_receive": "transfer"}


def layers(chain, columns, as_of="2024-05-15"):
    return chain.build(as_of, "fct_stock_layers").rows("fct_stock_layers", columns)


def test_what_came_first_leaves_first_and_what_is_left_is_aged(shop):
    shop.move("2024-01-01", 3, kind="receipt")
    shop.move("2024-04-20", 2, kind="receipt")
    shop.move("2024-05-01", -4, kind="sale")
    columns = "received_on::VARCHAR, age_band, received_qty, sold_qty, sold_30_qty, sold_180_qty, on_hand_qty"
    assert layers(shop, columns) == [
        ("2024-01-01", "91-180", 3, 3, 0, 3, 0),
        ("2024-04-20", "0-30", 2, 1, 1, 1, 1),
    ]


def test_units_sold_by_day_n_count_the_day_itself(shop):
    shop.move("2024-01-01", 2, kind="receipt")
    shop.move("2024-01-31", -1, kind="sale")
    shop.move("2024-02-01", -1, kind="sale")
    assert layers(shop, "sold_30_qty, sold_60_qty, on_hand_qty") == [(1, 2, 0)]


def test_units_that_left_otherwise_are_neither_sold_nor_there(shop):
    shop.move("2024-01-01", 3, kind="receipt")
    shop.move("2024-01-05", -2, kind="damage")
    assert layers(shop, "sold_qty, on_hand_qty") == [(0, 1)]


def test_a_ledger_that_sells_before_anything_came_ends_with_what_is_there(shop):
    shop.move("2024-01-01", -2, kind="sale")
    shop.move("2024-01-05", 3, kind="receipt")
    assert layers(shop, "sold_qty, sold_30_qty, on_hand_qty") == [(2, 2, 1)]


def test_a_layer_has_the_cost_at_which_it_came_else_that_of_as_of(shop):
    shop.con.execute("UPDATE lake.raw.products SET unit_cost = 9")
    shop.move("2024-01-01", 1, kind="receipt")
    shop.add(
        "stock_moves", product_id=shop.key("product", "p"), quantity=2, moved_on="2024-02-01", kind="receipt",
        unit_cost=4, source_location_id=shop.locations["vendor"], destination_location_id=shop.locations["A"],
    )  # fmt: skip
    found = layers(shop, "received_on::VARCHAR, unit_cost, is_cost_estimated, cost_amount")
    assert found == [("2024-01-01", 9, True, 9), ("2024-02-01", 4, False, 8)]


def test_limits_of_ages(shop):
    for age in (1, 30, 31, 60, 61, 90, 91, 180, 181, 365, 366):
        shop.move(str(dt.date(2024, 5, 15) - age * ONE), 1, kind="receipt")
    assert [band for _, band in sorted(layers(shop, "age_days, age_band"))] == [
        "0-30", "0-30", "31-60", "31-60", "61-90", "61-90", "91-180", "91-180", "181-365", "181-365", "over 365",
    ]  # fmt: skip


moves = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(list(KINDS)), st.integers(1, 4)), min_size=1, max_size=14
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=moves)
def test_layers_are_what_a_queue_gives(raw, moves):
    raw.clear()
    as_of = FIRST + 210 * ONE
    raw.chain(str(as_of)).store()
    raw.product()
    for number, kind, quantity in moves:
        raw.move(str(FIRST + number * ONE), KINDS[kind] * quantity, kind=kind)
    columns = "received_on, source, received_qty, sold_qty, sold_30_qty, on_hand_qty"
    assert layers(raw, columns, str(as_of)) == queued(moves)


def queued(moves):
    """Units one by one: arrivals in order of day and source, departures of a day without sales first."""
    arrived, left = [], []
    for number, kind, quantity in moves:
        day = FIRST + number * ONE
        if KINDS[kind] > 0:
            arrived += [(day, SOURCES[kind])] * quantity
        else:
            left += [(day, kind == "sale")] * quantity
    units = deque(sorted(left))
    found: dict[tuple, Counter] = {}
    for day, source in sorted(arrived):
        layer = found.setdefault((day, source), Counter())
        layer["came"] += 1
        if not units:
            layer["there"] += 1
            continue
        gone_on, is_sale = units.popleft()
        layer["sold"] += is_sale
        layer["soon"] += is_sale and gone_on <= day + 30 * ONE
    return sorted((*key, each["came"], each["sold"], each["soon"], each["there"]) for key, each in found.items())
