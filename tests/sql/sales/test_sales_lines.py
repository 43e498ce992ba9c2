"""Sales lines: which day they count on, what came back of them, what they cost and which tax was law."""

from __future__ import annotations

from decimal import Decimal

DAYS = "booked_on::VARCHAR, delivered_on::VARCHAR"


def test_an_evening_in_utc_is_the_next_morning_in_india(trade):
    trade.order("2024-05-01 18:29:59+00", delivered_at="2024-05-02 18:30:00+00")
    trade.order("2024-05-01 18:30:00+00")
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", DAYS) == [("2024-05-01", "2024-05-03"), ("2024-05-02", None)]


def test_an_order_that_came_with_a_day_alone_has_it_on_both_clocks(trade):
    trade.order(None, {"sold_on": "2024-05-03"}, status="delivered")
    trade.order(None, {"sold_on": "2024-05-04"}, status="confirmed")
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", DAYS) == [("2024-05-03", "2024-05-03"), ("2024-05-04", None)]


def test_drafts_and_what_was_cancelled_after_confirmation_are_no_sales(trade):
    cancelled, (line,) = trade.order("2024-05-01 10:00:00+00", status="cancelled")
    trade.back(cancelled, line, "2024-05-02")
    trade.order(None, status="draft")
    trade.build("fct_sales_lines", "fct_orders", "fct_sales_daily")
    for table in ("fct_sales_lines", "fct_orders", "fct_sales_daily"):
        assert trade.rows(table, "*") == []


def test_a_return_counts_on_its_own_day_and_in_the_cohort_of_its_sale(trade):
    order, (line,) = trade.order("2024-03-10 10:00:00+00", {"quantity": 3, "net_amount": 3000}, status="returned",
                                 delivered_at="2024-03-12 10:00:00+00")  # fmt: skip
    trade.back(order, line, "2024-05-02", quantity=2, net=2000)
    trade.build("fct_sales_lines", "fct_returns", "fct_sales_daily")
    assert trade.rows(
        "fct_sales_lines", "kind, booked_on::VARCHAR, net_qty, net_amount, came_back_qty, came_back_amount"
    ) == [
        ("return", "2024-05-02", -2, Decimal(-2000), None, None),
        ("sale", "2024-03-10", 3, Decimal(3000), 2, Decimal(2000)),
    ]
    assert trade.rows(
        "fct_returns", "sale_booked_on::VARCHAR, sale_month_on::VARCHAR, after_days, returned_qty, net_amount"
    ) == [("2024-03-10", "2024-03-01", 53, 2, Decimal(2000))]
    assert trade.rows("fct_sales_daily", "sold_on::VARCHAR, sold_qty, returned_qty, net_amount") == [
        ("2024-03-10", 3, 0, Decimal(3000)),
        ("2024-05-02", 0, 2, Decimal(-2000)),
    ]


def test_a_return_that_a_folder_tells_as_a_line_and_as_a_document_counts_once(trade):
    order, (line, _) = trade.order(
        None, {"sold_on": "2024-05-01"}, {"sold_on": "2024-05-06", "quantity": -1, "net_amount": -1000}
    )
    trade.back(order, line, "2024-05-06")
    trade.build("fct_sales_lines", "fct_sales_daily")
    assert trade.rows("fct_sales_lines", "record, kind, net_qty") == [
        ("order_line", "return", -1),
        ("order_line", "sale", 1),
    ]
    assert trade.rows("fct_sales_daily", "sold_qty, returned_qty") == [(0, 1), (1, 0)]


def test_a_return_in_another_store_is_taken_off_there(trade):
    trade.chain.store("B")
    order, (line,) = trade.order("2024-05-01 10:00:00+00")
    trade.back(order, line, "2024-05-02", store="B")
    trade.build("fct_sales_lines", "fct_returns")
    assert trade.rows("fct_sales_lines", "store_code, net_qty") == [("A", 1), ("B", -1)]
    assert trade.rows("fct_returns", "store_code, sale_store_code") == [("B", "A")]


def test_what_is_booked_on_as_of_or_later_is_not_there_yet(trade):
    trade.order("2024-05-14 18:29:00+00")
    trade.order("2024-05-14 18:31:00+00")
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", "booked_on::VARCHAR") == [("2024-05-14",)]


def test_the_rate_of_tax_is_that_of_the_day(trade):
    tax = trade.chain.add("tax_classes", code="T")
    trade.chain.con.execute(f"UPDATE lake.raw.categories SET tax_class_id = {tax} WHERE code = 'frame'")
    trade.chain.add("tax_rates", tax_class_id=tax, rate="0.12", valid_from_on="2017-07-01", valid_to_on="2024-04-30")
    trade.chain.add("tax_rates", tax_class_id=tax, rate="0.05", valid_from_on="2024-05-01")
    order, (line,) = trade.order("2024-04-30 10:00:00+00", {"tax_rate": "0.12"})
    trade.order("2024-05-01 10:00:00+00", {"tax_rate": "0.12"}, {"sku": "case"})
    trade.back(order, line, "2024-05-02")
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", "booked_on::VARCHAR, kind, sku, dated_tax_rate") == [
        ("2024-04-30", "sale", "f", Decimal("0.12")),
        ("2024-05-01", "sale", "case", None),
        ("2024-05-01", "sale", "f", Decimal("0.05")),
        ("2024-05-02", "return", "f", Decimal("0.12")),
    ]


COST = "booked_on::VARCHAR, unit_cost, cost_amount, is_cost_estimated"


def receipt(trade, day, quantity, cost):
    trade.chain.add(
        "stock_moves", product_id=trade.chain.key("product", "f"), quantity=quantity, moved_on=day, kind="receipt",
        unit_cost=cost, source_location_id=1, destination_location_id=trade.chain.locations["A"],
    )  # fmt: skip


def test_a_cost_that_was_recorded_stands_and_one_that_was_not_is_the_moving_average(trade):
    receipt(trade, "2024-01-10", 10, 100)
    receipt(trade, "2024-05-02", 30, 200)
    trade.order("2024-05-01 10:00:00+00", {"cost_at_sale": 111, "quantity": 2})
    trade.order("2024-05-01 10:00:00+00", {"quantity": 2})
    trade.order("2024-05-03 10:00:00+00")
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", COST) == [
        ("2024-05-01", Decimal(100), Decimal(200), True),
        ("2024-05-01", Decimal(111), Decimal(222), False),
        ("2024-05-03", Decimal(175), Decimal(175), True),
    ]


def test_the_moving_average_forgets_receipts_of_more_than_a_year_ago(trade):
    receipt(trade, "2023-01-10", 10, 100)
    receipt(trade, "2024-05-02", 10, 200)
    trade.order("2024-05-03 10:00:00+00")
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", COST) == [("2024-05-03", Decimal(200), Decimal(200), True)]


def test_without_receipts_a_cost_is_what_the_chain_states_for_the_day_then_for_the_product(trade):
    frame, store = trade.chain.key("product", "f"), trade.chain.key("store", "A")
    for cost, place, first, last in ((50, None, "2024-01-01", None), (60, store, "2024-03-01", "2024-03-31")):
        trade.chain.add(
            "cost_history", product_id=frame, store_id=place, unit_cost=cost, valid_from_on=first, valid_to_on=last
        )
    trade.chain.con.execute("UPDATE lake.raw.products SET unit_cost = 40 WHERE sku = 'f'")
    for day in ("2023-12-31", "2024-02-01", "2024-03-31", "2024-04-01"):
        trade.order(f"{day} 10:00:00+00")
    trade.order("2024-04-02 10:00:00+00", {"sku": "s"})
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", COST) == [
        ("2023-12-31", Decimal(40), Decimal(40), True),
        ("2024-02-01", Decimal(50), Decimal(50), True),
        ("2024-03-31", Decimal(60), Decimal(60), True),
        ("2024-04-01", Decimal(50), Decimal(50), True),
        ("2024-04-02", None, None, False),
    ]


def test_a_return_gives_back_the_cost_of_its_sale(trade):
    order, (line,) = trade.order("2024-03-01 10:00:00+00", {"cost_at_sale": 300})
    trade.back(order, line, "2024-05-02")
    trade.build("fct_sales_lines")
    assert trade.rows("fct_sales_lines", "kind, cost_amount") == [("return", Decimal(-300)), ("sale", Decimal(300))]


def test_a_frame_and_its_lenses_are_one_item(trade):
    trade.order(
        "2024-05-01 10:00:00+00",
        {"sku": "l", "pair_group": 1, "quantity": 2},
        {"sku": "f", "pair_group": 1},
        {"sku": "l", "pair_group": 2, "quantity": 2},  # the customer's own frame
        {"sku": "s", "quantity": 3},
    )
    trade.build("fct_sales_lines", "fct_orders")
    assert trade.rows("fct_sales_lines", "sku, pair_group, item_qty") == [
        ("f", 1, 1),
        ("l", 1, 0),
        ("l", 2, 1),
        ("s", None, 3),
    ]
    assert trade.rows("fct_orders", "item_qty, pair_count, has_pair") == [(5, 2, True)]


def test_totals_of_days_stand_beside_orders(trade):
    trade.chain.sale("2024-05-01", 4, returned=1, net=Decimal(300), pair="A/s")
    trade.order("2024-05-01 10:00:00+00")
    trade.build("fct_sales_lines", "fct_orders")
    assert trade.rows("fct_sales_lines", "kind, sold_qty, returned_qty, net_amount, sales_order_id IS NULL") == [
        ("sale", 1, 0, Decimal(1000), False),
        ("total", 4, 1, Decimal(300), True),
    ]
    assert len(trade.rows("fct_orders", "*")) == 1
