"""Incremental builds: after any sequence of changes every table holds what building it whole would give."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.held_back import TABLES, Stale, found, hold_back
from pipelines.holding import holding
from pipelines.rebuild import Rebuild
from pipelines.transform import build_table
from warehouse import stamps
from warehouse.contracts import contract, contracts, create_table
from warehouse.lake import connect, current_snapshot
from warehouse.transformations import table, tables

pytestmark = pytest.mark.slow
DAY = dt.date(2024, 5, 15)
FURNISHED = {
    f"raw.{name}"
    for name in (
        "availability", "chain", "customers", "daily_sales", "products", "purchase_order_lines", "sales_order_lines",
        "sales_orders", "sales_return_lines", "sales_returns", "stock_locations", "stock_moves", "stock_statements",
        "stores", "supply_terms",
    )
}  # fmt: skip
# what one step does: to a table, how, by which draw; or to the day; or to the files
STEPS = st.lists(
    st.tuples(st.sampled_from(["delete", "copy", "take", "shift", "day", "compact"]), st.integers(0, 10**6)),
    min_size=1,
    max_size=3,
)


def furnish(shop):
    """Half a year of two stores, four products: sales by order, customer and day, returns, stock, what is due."""
    draw = random.Random(3)
    shop.store("B")
    for sku in "qrs":
        shop.product(sku, unit_cost=2)
    pairs = [f"{store}/{sku}" for store in "AB" for sku in "pqrs"]
    for pair in pairs:
        shop.stock("2023-12-01", draw.randint(5, 20), pair)
        shop.ordered("2024-05-20", 3, pair)
    for back in range(160):
        day = str(DAY - dt.timedelta(days=back - 3))
        shop.order_line(day, draw.choice([1, 1, 2, -1]), draw.choice([None, 5, 7]), draw.choice(pairs))
        shop.move(day, draw.choice([1, -1]), draw.choice(pairs), "adjustment")
        if back % 3 == 0:
            shop.sale(day, 1, pair=draw.choice(pairs))
    for number in range(6):
        shop.add("customers", customer_code=f"c{number}", mobile=draw.choice([None, "1", "2"]))
    for back in range(0, 120, 6):
        buy(shop, draw, DAY - dt.timedelta(days=back))
    shop.available("2024-02-01", "2024-02-20", False)
    shop.supply()
    return shop


def buy(shop, draw, day):
    """A pair of spectacles for a customer, or for nobody known; some come back."""
    keys, given = shop.pair(draw.choice("AB"), "p"), {"customer_id": draw.choice([None, *range(1, 7)])}
    order = shop.add(
        "sales_orders", order_ref=f"c{day}", store_id=keys["store_id"], confirmed_at=f"{day} 10:00", **given
    )
    for sku in "pq":
        line = shop.add(
            "sales_order_lines", sales_order_id=order, line_ref=sku, product_id=shop.key("product", sku), sold_on=day,
            quantity=1, unit_price=10, net_amount=10, pair_group=1,
        )  # fmt: skip
    if draw.random() < 0.4:
        back = shop.add(
            "sales_returns", return_number=f"r{day}", sales_order_id=order, store_id=keys["store_id"],
            returned_on=day + dt.timedelta(days=draw.choice([0, 20])),
        )  # fmt: skip
        shop.add("sales_return_lines", sales_return_id=back, sales_order_line_id=line, quantity=1, taxable_amount=9)


@pytest.fixture
def lake(installation, shop):
    """A real lake with a furnished chain in schema raw."""
    opened = connect(installation.databases, installation.settings)
    furnish(shop)
    for each in (*contracts("raw"), *contracts("checks")):
        frame = shop.con.execute(f"FROM lake.{each.name}").pl()
        opened.execute("BEGIN")
        create_table(opened, each.name)
        if not frame.is_empty():
            opened.execute(f"INSERT INTO lake.{each.name} FROM frame")
        stamp(opened, each.name)
        opened.execute("COMMIT")
    yield opened
    opened.close()


def partitioned():
    """The tables that are rebuilt in parts, and what they are built from, in build order."""
    needed = {each.full_name for each in tables() if contract(each.full_name).partition is not None}
    for each in reversed(tables()):
        needed |= set(each.upstream) if each.full_name in needed else set()
    return [each for each in tables() if each.full_name in needed]


def build(lake, day, rebuild=None):
    return [build_table(lake, each.full_name, day, rebuild) for each in partitioned()]


def stamp(lake, name):
    stamps.stamp(lake, name, f"v{current_snapshot(lake)}")


def change(lake, how, seed):
    """One change of some rows of a raw table, whatever they mean; the table gets a new stamp."""
    draw = random.Random(seed)
    agreed = draw.choice([each for each in contracts("raw") if each.name in FURNISHED])
    key, name = agreed.keys[0], f"lake.{agreed.name}"
    some = f"SELECT {key} FROM {name} ORDER BY hash({key}, {seed}) LIMIT {draw.choice([1, 1, 2, 5])}"
    dates = [c.name for c in agreed.columns if c.type == "DATE"]
    others = [c.name for c in agreed.columns if c.name not in (key, "changed_xid", "updated_at")]
    if how == "delete" and agreed.table != "chain":
        lake.execute(f"DELETE FROM {name} WHERE {key} IN ({some})")
    elif how == "copy" and agreed.table != "chain":
        # a key is nobody else's, as it is in PostgreSQL
        new = [f"(SELECT max({key}) FROM {name}) + row_number() OVER (ORDER BY {key}) AS {key}"] + [
            f"{c} || '-{seed}' AS {c}" for c in others if c.endswith(("sku", "_code", "_ref", "_number", "username"))
        ]
        lake.execute(f"INSERT INTO {name} SELECT * REPLACE ({', '.join(new)}) FROM {name} WHERE {key} IN ({some})")
    elif how == "shift" and dates:
        column = draw.choice(dates)
        lake.execute(f"UPDATE {name} SET {column} = {column} + {draw.choice([-40, -1, 1, 40])} WHERE {key} IN ({some})")
    else:
        column = draw.choice(others)
        value = f"SELECT {column} FROM {name} ORDER BY hash({key}, {seed + 1}) LIMIT 1"
        lake.execute(f"UPDATE {name} SET {column} = ({value}) WHERE {key} IN ({some})")
    stamp(lake, agreed.name)


def differences(lake):
    """The tables that do not hold what their SELECT gives over the tables as they stand."""
    lake.execute("USE lake")
    found = []
    for each in partitioned():
        lake.execute(f"CREATE OR REPLACE TEMP TABLE whole AS {each.sql}")
        for one, other in (("temp.whole", f"lake.{each.full_name}"), (f"lake.{each.full_name}", "temp.whole")):
            if lake.execute(f"FROM {one} EXCEPT ALL FROM {other}").fetchone():
                found.append(each.full_name)
    return found


@pytest.mark.slow
def test_incremental_tables_are_those_of_a_full_refresh(lake):
    day = DAY
    build(lake, day)
    assert differences(lake) == []

    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def walk(steps):
        nonlocal day
        for how, seed in steps:
            if how == "day":
                day += dt.timedelta(days=random.Random(seed).choice([-30, -1, 1, 7]))
            elif how == "compact":
                lake.execute("CALL ducklake_merge_adjacent_files('lake')")
                lake.execute("CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.1)")
            else:
                change(lake, how, seed)
        build(lake, day)
        assert differences(lake) == []

    walk()
    grown = {
        each.full_name: lake.execute(f"FROM lake.{each.full_name} ORDER BY ALL").fetchall() for each in partitioned()
    }
    assert {built.way for built in build(lake, day, Rebuild(is_full=True))} == {"whole"}
    for name, rows in grown.items():
        assert lake.execute(f"FROM lake.{name} ORDER BY ALL").fetchall() == rows, name


def test_only_the_rows_that_changed_are_rebuilt(lake):
    build(lake, DAY)
    ids = "SELECT min(rowid), max(rowid) FROM lake.marts.fct_sales_daily WHERE sold_on BETWEEN DATE '{}' AND DATE '{}'"
    january, march = ids.format("2024-01-01", "2024-01-31"), ids.format("2024-03-01", "2024-03-31")
    keys = "SELECT count(DISTINCT (sold_on, store_id, product_id)) FROM lake.raw.daily_sales WHERE month(sold_on) = 3"
    ((changed,),) = lake.execute(keys).fetchall()
    before = lake.execute(january).fetchall(), lake.execute(march).fetchall()
    lake.execute("UPDATE lake.raw.daily_sales SET sold_qty = sold_qty + 1 WHERE month(sold_on) = 3")
    stamp(lake, "raw.daily_sales")
    assert build_table(lake, "staging.sales", DAY).way == "parts"
    built = build_table(lake, "marts.fct_sales_daily", DAY)
    assert (built.way, built.keys) == ("parts", changed)
    assert lake.execute(january).fetchall() == before[0]
    assert lake.execute(march).fetchall() != before[1]


@pytest.mark.slow
def test_what_is_held_back_after_changes_is_what_all_rows_give(lake):
    hold_back(lake)
    for seed in range(10):
        change(lake, ["shift", "take", "delete", "shift", "copy"][seed % 5], seed)
        hold_back(lake)
        for rules in holding():
            agreed = contract(TABLES[rules.kind])
            mine = Stale().held(rules)
            held = lake.execute(f"FROM lake.{agreed.name} WHERE {mine} ORDER BY ALL").fetchall()
            columns = ", ".join(agreed.column_names)
            whole = f"SELECT {columns} FROM ({found(rules, agreed, (), 'TRUE')}) ORDER BY ALL"
            assert lake.execute(whole).fetchall() == held, (seed, rules.table)
    assert lake.execute("SELECT count(*) FROM lake.checks.quarantine").fetchone() != (0,)
    stands = current_snapshot(lake)
    hold_back(lake)
    assert current_snapshot(lake) == stands


def test_a_change_that_no_sql_speaks_of_rebuilds_nothing(lake):
    build(lake, DAY)
    stands = [table(each).full_name for each in ("staging.products", "marts.fct_sales_daily")]
    lake.execute("UPDATE lake.raw.products SET updated_at = now(), changed_xid = changed_xid + 1")
    stamp(lake, "raw.products")
    assert [build_table(lake, name, DAY).way for name in stands] == ["unchanged", "stood"]


def test_every_partition_is_declared_of_what_there_is():
    """Columns that stand, tables that the SQL reads."""
    for each in tables():
        partition = contract(each.full_name).partition
        if partition is not None:
            assert set(partition.rules) <= set(each.upstream), each.full_name


def test_a_backfill_builds_days_and_stores_anew(lake):
    build(lake, DAY)
    rows = "FROM lake.marts.fct_sales_daily ORDER BY ALL"
    before = lake.execute(rows).fetchall()
    lake.execute("UPDATE lake.marts.fct_sales_daily SET net_qty = 99 WHERE sold_on = DATE '2024-03-01'")
    spoilt = lake.execute(rows).fetchall()
    for wrong in ({"first_on": dt.date(2024, 3, 2)}, {"last_on": dt.date(2024, 2, 29)}, {"stores": ("C",)}):
        build_table(lake, "marts.fct_sales_daily", DAY, Rebuild(**wrong))
        assert lake.execute(rows).fetchall() == spoilt != before
    right = Rebuild(first_on=dt.date(2024, 3, 1), last_on=dt.date(2024, 3, 1), stores=("A", "B"))
    assert build_table(lake, "marts.fct_sales_daily", DAY, right).way == "backfill"
    assert lake.execute(rows).fetchall() == before
