"""Counts, transfers, expenses, targets and what is owed: the document as it is written, the row that comes of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.sql.documents import count, expense, transfer

AS_OF = "2024-05-15"


def built(chain, mart, columns="*"):
    return chain.build(AS_OF, mart).rows(mart, columns)


def test_a_count_is_valued_at_the_cost_of_its_day(shop):
    shop.stock("2024-05-01", 9)
    for since, unit_cost in (("2024-01-01", 4), ("2024-05-08", 6)):
        shop.add("cost_history", **shop.pair(None, "p"), unit_cost=unit_cost, valid_from_on=since)
    count(shop, "2024-05-07", 9, 7)
    count(shop, "2024-05-08", 7, 8)
    columns = "counted_on::VARCHAR, variance_qty, variance_cost_amount, counted_cost_amount, is_cost_estimated"
    assert built(shop, "fct_counts", columns) == [("2024-05-07", -2, -8, 28, False), ("2024-05-08", 1, 6, 48, False)]


def test_a_count_of_what_no_ledger_knows_has_the_products_cost_as_an_estimate(shop):
    shop.con.execute("UPDATE lake.raw.products SET unit_cost = 5")
    count(shop, "2024-05-07", 0, 2)
    assert built(shop, "fct_counts", "variance_qty, variance_cost_amount, is_cost_estimated") == [(2, 10, True)]


def test_only_posted_counts_of_what_was_counted_say_something(shop):
    count(shop, "2024-05-07", 1, 1, status="open")
    count(shop, "2024-05-07", None, None)
    count(shop, "2024-05-15", 1, 1)
    assert built(shop, "fct_counts") == []


def test_a_transfer_yields_what_arrived_in_good_order(shop):
    shop.store("B")
    transfer(
        shop, "2024-05-01", "2024-05-04", approved_qty=10, shipped_qty=9, received_qty=7, damaged_qty=1, lost_qty=1
    )
    transfer(shop, "2024-05-10", None, approved_qty=5, shipped_qty=5)
    transfer(
        shop, "2024-05-10", "2024-05-12", approved_qty=5, shipped_qty=5, received_qty=2, status="partially_received"
    )
    transfer(shop, None, None)
    columns = "shipped_on::VARCHAR, shipped_qty, received_qty, in_transit_qty, is_closed, transit_days"
    assert built(shop, "fct_transfer_lines", columns) == [
        ("2024-05-01", 9, 7, 0, True, 3),
        ("2024-05-10", 5, 0, 5, False, None),
        ("2024-05-10", 5, 2, 3, False, 2),
    ]
    shop.stock("2024-05-15", 1, "B/p")
    assert built(shop, "fct_inventory_position", "store_code, on_hand_qty, in_transit_qty") == [("B", 1, 8)]


def test_reserved_units_are_active_ones_on_the_shelves(shop):
    shop.stock("2024-05-15", 5)
    lab = shop.add("stock_locations", kind="lab", store_id=shop.key("store", "A"))
    for place, state in ((shop.locations["A"], "active"), (shop.locations["A"], "used"), (lab, "active")):
        shop.add("stock_reservations", location_id=place, product_id=shop.key("product", "p"), quantity=2, state=state)
    assert built(shop, "fct_inventory_position", "on_hand_qty, reserved_qty") == [(5, 2)]


def test_expenses_count_once_approved_and_without_tax(shop):
    for state in ("draft", "submitted", "approved", "refused", "paid"):
        expense(shop, "2024-05-02", Decimal(118), state, Decimal(18))
    expense(shop, "2024-05-15", Decimal(1))
    columns = "state, is_approved, net_amount"
    assert built(shop, "fct_expenses", columns) == [
        ("approved", True, 100), ("paid", True, 100), ("refused", False, 100), ("submitted", False, 100),
    ]  # fmt: skip


def owed(chain, total, ordered_on="2024-05-01", **given):
    number = chain.ids.get(("next", "sales_orders"), 0)
    return chain.add(
        "sales_orders", order_ref=f"o{number}", store_id=chain.key("store", "A"), ordered_on=ordered_on,
        total_amount=total, **given,
    )  # fmt: skip


def test_credit_pays_nothing_refunds_and_returns_are_taken_into_account(shop):
    order = owed(shop, 100)
    for amount, kind, method in ((30, "payment", "cash"), (50, "payment", "credit"), (10, "refund", "cash")):
        shop.add(
            "payments", sales_order_id=order, method=method, kind=kind, amount=amount,
            received_at="2024-05-02 10:00:00+00",
        )  # fmt: skip
    shop.add("payments", sales_order_id=order, method="cash", amount=80, received_at="2024-05-15 10:00:00+00")
    line = shop.add(
        "sales_order_lines", sales_order_id=order, line_ref="1", product_id=shop.key("product", "p"),
        sold_on="2024-05-01", quantity=1, net_amount=40,
    )  # fmt: skip
    back = shop.add("sales_returns", sales_order_id=order, store_id=shop.key("store", "A"), returned_on="2024-05-09")
    shop.add(
        "sales_return_lines", sales_return_id=back, sales_order_line_id=line, quantity=1, condition="good",
        taxable_amount=40, tax_amount=2,
    )  # fmt: skip
    assert built(shop, "fct_receivables", "paid_amount, balance_amount") == [(20, 38)]


@pytest.mark.parametrize(
    ("due_on", "band"),
    [
        ("2024-05-15", "not due"), ("2024-05-14", "1-30"), ("2024-04-15", "1-30"), ("2024-04-14", "31-60"),
        ("2024-03-16", "31-60"), ("2024-03-15", "61-90"), ("2024-02-15", "61-90"), ("2024-02-14", "over 90"),
    ],
)  # fmt: skip
def test_balances_are_aged_by_the_day_they_are_due(shop, due_on, band):
    owed(shop, 10, "2024-01-01", expected_on=due_on)
    assert built(shop, "fct_receivables", "age_band") == [(band,)]


def test_paid_cancelled_and_draft_orders_and_those_without_a_total_owe_nothing(shop):
    for status in ("draft", "cancelled"):
        owed(shop, 10, status=status)
    owed(shop, None)
    paid = owed(shop, 10)
    shop.add("payments", sales_order_id=paid, method="upi", amount=10, received_at="2024-05-01 10:00:00+00")
    assert built(shop, "fct_receivables") == []


def test_targets_are_of_a_store_and_month(shop):
    shop.add("sales_targets", store_id=shop.key("store", "A"), month_on="2024-05-01", target_amount=5, walk_in_count=7)
    assert built(shop, "fct_targets", "store_code, month_on::VARCHAR, target_amount, walk_in_target") == [
        ("A", "2024-05-01", 5, 7)
    ]
