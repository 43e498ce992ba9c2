"""Sales by day, the assortment, supply terms and the calendar: expected rows from input rows."""

from __future__ import annotations

from decimal import Decimal

import pytest


def test_totals_and_order_lines_of_a_day_are_one_row(shop):
    shop.con.execute("UPDATE lake.raw.products SET unit_cost = 1.5")
    shop.sale("2024-05-01", 3, returned=1, net=Decimal("10.00"))
    shop.order_line("2024-05-01", 2, net=Decimal("7.50"))
    shop.order_line("2024-05-01", -1, net=Decimal("-4.00"))
    shop.order_line("2024-05-02", 1)
    shop.order_line("2024-05-15", 1)
    shop.build("2024-05-15")
    columns = "sold_on::VARCHAR, sold_qty, returned_qty, net_qty, net_amount, cost_amount"
    assert shop.rows("fct_sales_daily", columns) == [
        ("2024-05-01", 5, 2, 3, Decimal("13.50"), Decimal("4.5000")),
        ("2024-05-02", 1, 0, 1, None, Decimal("1.5000")),
    ]


def test_without_an_assortment_what_is_stated_or_sold_within_a_year_is_carried(shop):
    for sku in ("stated", "recent", "old"):
        shop.product(sku)
    shop.stock("2024-05-15", 0, "A/stated")
    shop.sale("2023-05-17", pair="A/recent")  # 364 days before
    shop.sale("2023-05-16", pair="A/old")
    shop.build("2024-05-15")
    assert shop.rows("dim_assortment", "sku, is_in_assortment") == [("old", False), ("recent", True), ("stated", True)]


def test_an_assortment_alone_decides_what_is_carried(shop):
    for sku in ("now", "ended", "later", "sold"):
        shop.product(sku)
    shop.carries(pair="A/now", to_on="2024-05-15")
    shop.carries(pair="A/ended", to_on="2024-05-14")
    shop.carries(pair="A/later", from_on="2024-05-16")
    shop.sale("2024-05-10", pair="A/sold")
    shop.build("2024-05-15")
    assert shop.rows("dim_assortment", "sku, is_in_assortment") == [("now", True), ("sold", False)]


@pytest.mark.parametrize(("day", "is_carried"), [("2024-05-15", False), ("2024-05-16", True)])
def test_what_is_discontinued_or_closed_is_not_carried(raw, day, is_carried):
    raw.chain("2024-05-15").store()
    raw.store("B", closed_on=day)
    raw.product(discontinued_on=day)
    raw.product("q")
    raw.sale("2024-05-10", pair="A/p")
    raw.sale("2024-05-10", pair="B/q")
    raw.build("2024-05-15")
    assert raw.rows("dim_assortment", "is_in_assortment") == [(is_carried,), (is_carried,)]


def test_terms_of_the_store_win_then_the_cheapest_then_the_fastest(shop):
    for sku in ("own", "cheap", "fast", "none"):
        shop.product(sku)
        shop.sale("2024-05-10", pair=f"A/{sku}")
    for code in ("V1", "V2", "V3"):
        shop.vendor(code)
    shop.supply("own", "V1", unit_cost=1)
    shop.supply("own", "V2", store="A", unit_cost=9)
    shop.supply("cheap", "V1", unit_cost=None, lead_time_days=1)
    shop.supply("cheap", "V2", unit_cost=3)
    shop.supply("cheap", "V3", unit_cost=2, lead_time_days=30)
    shop.supply("fast", "V3", unit_cost=2, lead_time_days=5)
    shop.supply("fast", "V2", unit_cost=2, lead_time_days=4)
    shop.build("2024-05-15")
    assert shop.rows("dim_supply_terms", "sku, vendor_code, unit_cost") == [
        ("cheap", "V3", 2.0),
        ("fast", "V2", 2.0),
        ("own", "V2", 9.0),
    ]


def test_a_term_without_a_cost_takes_the_products(shop):
    shop.con.execute("UPDATE lake.raw.products SET unit_cost = 4")
    shop.sale("2024-05-10")
    shop.supply(unit_cost=None)
    shop.build("2024-05-15")
    assert shop.rows("dim_supply_terms", "unit_cost") == [(4.0,)]


def test_the_most_specific_cost_line_wins_as_a_whole(shop):
    shop.sale("2024-05-10")
    shop.supply()
    shop.cost(holding_cost_per_unit_week=1)
    shop.cost(sku="p", store="A", shortage_cost_per_unit=7)
    shop.build("2024-05-15")
    assert shop.rows("dim_supply_terms", "holding_cost_per_unit_week, shortage_cost_per_unit") == [(None, 7.0)]


@pytest.mark.parametrize(("lines", "expected"), [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)])
def test_cost_lines_from_everywhere_to_the_pair(shop, lines, expected):
    shop.sale("2024-05-10")
    shop.supply()
    for place, keys in enumerate([{}, {"store": "A"}, {"sku": "p"}, {"store": "A", "sku": "p"}][:lines], 1):
        shop.cost(**keys, holding_cost_per_unit_week=place)
    shop.build("2024-05-15")
    assert shop.rows("dim_supply_terms", "holding_cost_per_unit_week") == [(expected,)]


def test_display_minimum_is_that_of_the_assortment_at_as_of(shop):
    shop.carries(to_on="2024-05-01", display_min=9)
    shop.carries(from_on="2024-05-02", display_min=2)
    shop.supply()
    shop.build("2024-05-15")
    assert shop.rows("dim_supply_terms", "display_min") == [(2,)]


def test_the_calendar_reaches_from_the_first_week_to_a_year_ahead(shop):
    shop.sale("2024-05-01")  # a Wednesday
    shop.build("2024-05-15")
    days = shop.rows("dim_date", "day_on::VARCHAR, week_starting_on::VARCHAR, day_of_week, is_past")
    assert days[0] == ("2024-04-29", "2024-04-29", 1, True)
    assert [day for day in days if day[0] == "2024-05-15"] == [("2024-05-15", "2024-05-13", 3, False)]
    assert days[-1][0] == "2025-05-15"
    assert len(days) == len({day[0] for day in days}) == 382


def test_an_empty_chain_builds(shop):
    shop.build("2024-05-15")
    assert shop.rows("fct_demand_weekly") == []
    assert shop.rows("dim_store", "store_code, is_open") == [("A", True)]
