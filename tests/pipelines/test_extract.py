"""The extract: one moment, nothing lost, nothing read twice."""

from __future__ import annotations

import datetime as dt
import random
import threading
from dataclasses import replace

import psycopg
import pytest

from ims.postgres import Databases
from ims.settings import Settings
from pipelines.extract import NothingImported, extract
from pipelines.held_back import hold_back
from pipelines.rebuild import Rebuild
from pipelines.transform import build_all
from warehouse.contracts import contracts
from warehouse.lake import connect, current_snapshot
from warehouse.stamps import table_stamps
from warehouse.transformations import tables

CHAIN = (
    "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)"
    " VALUES ('c', 'EUR', 'UTC', '2024-05-15', 'day', 'lost')"
)


@pytest.fixture(scope="module")
def databases(server):
    """Databases that the tests of this module share: each test settles the lake first and looks at what is new."""
    name = "t_extract"
    found = Databases(
        *(f"/{name}{suffix}?".join(server.operational.split("/ims?")) for suffix in ("", "_lake", "_other"))
    )
    admin = server.operational.replace("/ims?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        for suffix, template in (("", "ims"), ("_lake", "template1"), ("_other", "ims")):
            connection.execute(f"CREATE DATABASE {name}{suffix} TEMPLATE {template}")
    yield found
    with psycopg.connect(admin, autocommit=True) as connection:
        for suffix in ("", "_lake", "_other"):
            connection.execute(f"DROP DATABASE {name}{suffix} WITH (FORCE)")


@pytest.fixture(scope="module")
def source(databases):
    with psycopg.connect(databases.operational, autocommit=True) as opened:
        opened.execute(CHAIN)
        opened.execute("INSERT INTO stores (store_code, name) VALUES ('S', 's'), ('T', 't')")
        opened.execute(
            "INSERT INTO products (sku, name, category, unit_cost) VALUES ('p', 'p', 'c', 2), ('q', 'q', 'c', 3)"
        )
        yield opened


@pytest.fixture(scope="module")
def opened_lake(databases, tmp_path_factory):
    opened = connect(databases, Settings(home=tmp_path_factory.mktemp("extract"), _env_file=None))
    yield opened
    opened.close()


@pytest.fixture
def lake(opened_lake, databases, source):
    """The lake at the state of PostgreSQL, without a vendor."""
    source.execute("DELETE FROM vendors")
    extract(opened_lake, databases)
    return opened_lake


def add_vendor(connection, code):
    connection.execute("INSERT INTO vendors (vendor_code, name) VALUES (%s, 'v')", [code])


def vendors(lake):
    return dict(lake.execute("SELECT vendor_code, name FROM lake.raw.vendors ORDER BY 1").fetchall())


def test_without_a_chain_there_is_nothing_to_extract(databases, source, lake):
    before = current_snapshot(lake)
    source.execute("DELETE FROM chain")
    try:
        with pytest.raises(NothingImported, match="ims import"):
            extract(lake, databases)
    finally:
        source.execute(CHAIN)
    assert current_snapshot(lake) == before


def test_each_run_reads_exactly_what_changed_since_the_last(databases, source, lake):
    for code in "abc":
        add_vendor(source, code)
    first = extract(lake, databases)
    assert first.changes == {"vendors": (3, 0)}
    assert first.rows_read == 1 + 3  # the chain's one row carries no transaction and is always read
    assert first.data_as_of == dt.date(2024, 5, 15)

    again = extract(lake, databases)
    assert (again.changes, again.snapshot_id) == ({}, first.snapshot_id)
    assert again.rows_read == 1

    source.execute("UPDATE vendors SET name = 'corrected' WHERE vendor_code = 'a'")
    source.execute("DELETE FROM vendors WHERE vendor_code = 'b'")
    add_vendor(source, "d")
    third = extract(lake, databases)
    assert third.changes == {"vendors": (2, 1)}
    assert third.rows_read == 1 + 3
    assert vendors(lake) == {"a": "corrected", "c": "v", "d": "v"}
    assert third.snapshot_id == first.snapshot_id + 1  # one extract, one snapshot

    source.execute("UPDATE chain SET as_of = '2024-05-22'")
    fourth = extract(lake, databases)
    assert (fourth.changes, fourth.data_as_of) == ({"chain": (1, 0)}, dt.date(2024, 5, 22))
    source.execute("UPDATE chain SET as_of = '2024-05-15'")


def test_a_transaction_that_commits_late_is_not_lost(databases, source, lake):
    add_vendor(source, "early")
    extract(lake, databases)
    with psycopg.connect(databases.operational) as late:
        add_vendor(late, "late")
        late.execute("UPDATE vendors SET name = 'in flight' WHERE vendor_code = 'early'")
        add_vendor(source, "between")  # began later, ends earlier
        assert extract(lake, databases).changes == {"vendors": (1, 0)}
        assert vendors(lake) == {"between": "v", "early": "v"}
        late.commit()
    result = extract(lake, databases)
    assert result.changes == {"vendors": (2, 0)}
    assert result.rows_read == 1 + 2
    assert vendors(lake) == {"between": "v", "early": "in flight", "late": "v"}
    assert extract(lake, databases).changes == {}


def test_a_transaction_that_stays_open_does_not_make_rows_be_read_again(databases, source, lake):
    extract(lake, databases)
    with psycopg.connect(databases.operational) as open_one:
        add_vendor(open_one, "never")
        for code in "ab":
            add_vendor(source, code)
            assert extract(lake, databases).rows_read == 1 + 1
        assert extract(lake, databases).rows_read == 1
        open_one.rollback()
    assert extract(lake, databases).changes == {}


def test_a_run_that_breaks_leaves_the_lake_as_it_was(databases, source, lake):
    add_vendor(source, "a")
    first = extract(lake, databases)
    add_vendor(source, "b")
    source.execute("UPDATE stores SET city = 'changed' WHERE store_code = 'S'")

    def break_at_the_end(table, done, total):
        if table == "extract vendors":
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        extract(lake, databases, break_at_the_end)
    assert current_snapshot(lake) == first.snapshot_id
    assert extract(lake, databases).changes == {"stores": (1, 0), "vendors": (1, 0)}


def test_another_database_is_read_anew(databases, source, lake):
    add_vendor(source, "a")
    extract(lake, databases)
    moved = replace(databases, operational=databases.dagster)
    with psycopg.connect(moved.operational, autocommit=True) as other:
        other.execute(CHAIN)
        add_vendor(other, "z")
    assert extract(lake, moved).is_full
    assert vendors(lake) == {"z": "v"}
    assert not extract(lake, moved).is_full
    assert extract(lake, databases).is_full
    assert vendors(lake) == {"a": "v"}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lake.raw.extract_state SET high_xid = high_xid + 1000000",  # the source was set back in time
        "DELETE FROM lake.main.table_stamps",  # an earlier version made the lake
        "ALTER TABLE lake.raw.vendors DROP COLUMN name",  # the contract names a column that this lake has not
    ],
)
def test_what_cannot_be_continued_is_read_anew(databases, source, lake, change):
    add_vendor(source, "a")
    extract(lake, databases)
    lake.execute(change)
    assert extract(lake, databases).changes["vendors"] == (1, 0)
    assert vendors(lake) == {"a": "v"}


def test_a_table_new_to_the_lake_is_read_and_stamped_even_without_a_row(databases, source, lake):
    lake.execute("DROP TABLE lake.raw.payments")
    assert extract(lake, databases).changes == {}
    assert lake.execute("SELECT count(*) FROM lake.raw.payments").fetchone() == (0,)
    assert "raw.payments" in table_stamps(lake)


def test_a_partitioned_table_is_read_once_whole_or_by_changes(databases, source, lake):
    post = (
        "INSERT INTO stock_moves (product_id, source_location_id, destination_location_id, quantity, moved_on, kind)"
        " SELECT product_id, o.location_id, s.location_id, 1, DATE '2024-01-10' + n, 'receipt'"
        " FROM generate_series(1, %s) AS n, products, stock_locations AS o, stock_locations AS s JOIN stores USING"
        " (store_id) WHERE sku = 'p' AND store_code = 'S' AND s.kind = 'store' AND o.kind = 'vendor'"
    )
    read = "SELECT count(*), count(DISTINCT stock_move_id), sum(quantity) FROM lake.raw.stock_moves"
    source.execute("SELECT ims_make_partitions('stock_moves', '2024-01-01', '2024-03-01')")
    source.execute(post, [200])  # four months, the last in the default partition
    assert extract(lake, databases).changes["stock_moves"] == (200, 0)
    # with statistics, the reader knows how large a table is, and cuts it by pages; a partitioned one has none itself
    source.execute("ANALYZE stock_moves")
    lake.execute("DELETE FROM lake.raw.extract_state")
    extract(lake, databases)
    assert lake.execute(read).fetchone() == (200, 200, 200)
    source.execute(post, [3])
    assert extract(lake, databases).changes["stock_moves"] == (3, 0)
    assert lake.execute(read).fetchone() == (203, 203, 203)


def test_only_decided_suggestions_come_over(databases, source, lake):
    source.execute("INSERT INTO runs (run_id, as_of, state) VALUES ('r', '2024-05-15', 'published')")
    source.execute(
        "INSERT INTO publications (snapshot_id, run_id, as_of, data_as_of, fingerprint, checks, metric_version, notes)"
        " VALUES (1, 'r', '2024-05-15', '2024-05-15', 'f', '{}', 'm', '[]')"
    )
    source.execute(
        "INSERT INTO suggestions (publication_id, as_of, kind, store_id, product_id, on_hand, on_order, suggested_qty,"
        " order_by, arrives_on, covers_until, expected_demand, demand_p50, demand_p90, reason, priority, expires_on,"
        " receipt) SELECT publication_id, as_of, 'purchase', 1, 1, 0, 0, 5, as_of, as_of + 7, as_of + 14,"
        " 1, 1, 1, 'BELOW_TARGET', 1, as_of + 7, '{}' FROM publications"
    )
    extract(lake, databases)
    states = "SELECT state FROM lake.raw.suggestions"
    assert lake.execute(states).fetchall() == []
    assert extract(lake, databases).changes == {}
    for state, changes in (("approved", (1, 0)), ("expired", (0, 1))):
        source.execute("UPDATE suggestions SET state = %s", [state])
        assert extract(lake, databases).changes == {"suggestions": changes}
    assert lake.execute(states).fetchall() == []


def test_orders_never_arrive_without_their_lines(databases, source, lake):
    sell = (
        "WITH o AS (INSERT INTO sales_orders (order_ref, store_id, ordered_on)"
        " SELECT gen_random_uuid()::text, store_id, '2024-05-01' FROM stores LIMIT 1 RETURNING sales_order_id)"
        " INSERT INTO sales_order_lines (sales_order_id, ordered_on, line_ref, product_id, sold_on, quantity)"
        " SELECT sales_order_id, '2024-05-01', '1', product_id, '2024-05-01', 1 FROM o, products LIMIT 1"
    )
    source.execute(sell)
    stop = threading.Event()

    def keep_selling():
        with psycopg.connect(databases.operational, autocommit=True) as writer:
            while not stop.is_set():
                writer.execute(sell)

    seller = threading.Thread(target=keep_selling)
    seller.start()
    try:
        for _ in range(3):
            extract(lake, databases)
            counts = lake.execute(
                "SELECT count(*), count(l.sales_order_id) FROM lake.raw.sales_orders AS o"
                " FULL JOIN lake.raw.sales_order_lines AS l USING (sales_order_id)"
            ).fetchone()
            assert counts[0] == counts[1] > 0
    finally:
        stop.set()
        seller.join()


@pytest.mark.slow
def test_many_small_extracts_give_what_one_full_read_gives(databases, source, lake):
    chance = random.Random(7)
    as_of = dt.date(2024, 5, 15)
    for _ in range(3):
        for _ in range(25):
            change_something(source, chance)
        extract(lake, databases)
    hold_back(lake)
    build_all(lake, as_of)
    names = [each.name for schema in ("raw", "staging", "marts") for each in contracts(schema)]
    grown = {name: lake.execute(f"FROM lake.{name} ORDER BY ALL").fetchall() for name in names if "state" not in name}
    lake.execute("DELETE FROM lake.raw.extract_state")
    assert extract(lake, databases).is_full
    assert len(build_all(lake, as_of, rebuild=Rebuild(is_full=True))) == len(tables())
    for name, rows in grown.items():
        assert lake.execute(f"FROM lake.{name} ORDER BY ALL").fetchall() == rows, name
    assert grown["marts.fct_demand_weekly"]
    assert grown["marts.fct_stock_daily"]


def change_something(source, chance):
    day = dt.date(2024, 4, 1) + dt.timedelta(days=chance.randrange(44))
    pair = f"{chance.choice((1, 2))}, {chance.choice((1, 2))}"  # keys of the two stores and products
    source.execute(
        chance.choice(
            [
                f"INSERT INTO daily_sales (store_id, product_id, sold_on, sold_qty, returned_qty)"
                f" SELECT {pair}, '{day}', 2, 0 ON CONFLICT (store_id, product_id, sold_on) DO UPDATE SET sold_qty = 3",
                "DELETE FROM daily_sales WHERE daily_sales_id = (SELECT min(daily_sales_id) FROM daily_sales)",
                f"INSERT INTO availability (store_id, product_id, from_on, to_on, is_in_stock)"
                f" SELECT {pair}, '{day}', '{day}', false ON CONFLICT DO NOTHING",
                f"INSERT INTO stock_statements (store_id, product_id, as_of, on_hand) SELECT {pair}, '{day}', 0"
                " ON CONFLICT DO NOTHING",
                "UPDATE products SET unit_cost = unit_cost + 1 WHERE sku = 'q'",
            ]
        )
    )
