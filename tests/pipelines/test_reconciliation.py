"""Net sales of the warehouse are those of PostgreSQL, to the last paisa, per store and day; else a run is blocked."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from expectations.runner import run_suite
from pipelines.extract import extract
from pipelines.transform import build_table
from warehouse.contracts import contracts, create_table
from warehouse.lake import connect
from warehouse.stamps import stamp
from warehouse.transformations import tables

RULE = "each_store_and_day_is_that_of_postgresql"
MARTS = ("marts.fct_sales_daily", "marts.fct_sales_lines")


@pytest.fixture
def url(installation, load):
    """A chain with orders beside its daily totals: one confirmed late in the evening and delivered days later."""
    url = installation.databases.operational
    load(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO sales_orders (order_ref, store_id, ordered_on, status, confirmed_at, delivered_at)"
            " SELECT 'o' || n, store_id, '2024-04-02', 'delivered', '2024-04-01 22:30:00Z', '2024-04-05 10:00:00Z'"
            " FROM stores, generate_series(1, 3) AS n WHERE store_code = 'S1'"
        )
        connection.execute(
            "INSERT INTO sales_order_lines (sales_order_id, ordered_on, line_ref, product_id, sold_on, quantity,"
            " net_amount) SELECT sales_order_id, ordered_on, '1', product_id, '2024-04-02', 1, 0.01"
            " FROM sales_orders, products WHERE sku = 'A'"
        )
    return url


@pytest.fixture
def lake(installation, url):
    opened = connect(installation.databases, installation.settings)
    extract(opened, installation.databases)
    for each in contracts("checks"):
        create_table(opened, each.name)
        stamp(opened, each.name, "nothing")
    yield opened
    opened.close()


def broken(lake):
    """For each mart the store-days that do not agree."""
    (as_of,) = lake.execute("SELECT as_of FROM lake.raw.chain").fetchone()
    needed = set(MARTS)
    for each in reversed(tables()):
        needed |= set(each.upstream) if each.full_name in needed else set()
    for each in tables():
        if each.full_name in needed:
            build_table(lake, each.full_name, as_of)
    found = {}
    for mart in MARTS:
        (result,) = [each for each in run_suite(lake, mart) if each.check == RULE]
        assert result.is_blocking != result.passed
        if not result.passed:
            found[mart] = result.failed_rows_sample
    return found


def test_they_agree_and_a_lost_line_is_told_to_the_last_paisa(lake):
    assert broken(lake) == {}
    days = lake.execute(
        "SELECT clock, day_on::VARCHAR FROM (UNPIVOT lake.raw.reconciliation"
        " ON sold_amount, booked_amount, delivered_amount INTO NAME clock VALUE amount) WHERE amount % 1 <> 0"
    ).fetchall()
    assert sorted(days) == [
        ("booked_amount", "2024-04-02"), ("delivered_amount", "2024-04-05"), ("sold_amount", "2024-04-02"),
    ]  # fmt: skip
    lake.execute(
        "DELETE FROM lake.raw.sales_order_lines WHERE sales_order_line_id ="
        " (SELECT min(sales_order_line_id) FROM lake.raw.sales_order_lines)"
    )
    stamp(lake, "raw.sales_order_lines", "lost")
    found = broken(lake)
    assert set(found) == set(MARTS)
    (row,) = found["marts.fct_sales_daily"]
    assert (row["store_code"], str(row["day_on"])) == ("S1", "2024-04-02")
    assert Decimal(row["operational_net_amount"]) - Decimal(row["net_amount"]) == Decimal("0.01")
    assert {(row["clock"], str(row["day_on"])) for row in found["marts.fct_sales_lines"]} == {
        ("booked", "2024-04-02"),
        ("delivered", "2024-04-05"),
    }


def test_what_changes_in_postgresql_is_asked_again(installation, url, lake):
    before = lake.execute("SELECT sum(sold_amount) FROM lake.raw.reconciliation").fetchone()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE sales_order_lines SET net_amount = 5.02 WHERE sales_order_line_id % 3 = 0")
    assert extract(lake, installation.databases).changes["reconciliation"] == (2, 0)
    after = lake.execute("SELECT sum(sold_amount) FROM lake.raw.reconciliation").fetchone()
    assert after[0] - before[0] == Decimal("5.01")
    assert broken(lake) == {}
