"""Customers over time: repeat, lapsed, retained, dear ones about to be lost, and contact lenses that run out."""

from __future__ import annotations

import pytest

STAND = "month_on::VARCHAR, is_active, is_repeat, is_lapsed, is_to_win_back, is_of_year_before, is_retained"


def month(trade, day):
    return trade.rows("fct_customer_months", STAND, f"month_on = '{day}'")


def test_how_a_customer_stands_at_the_end_of_each_month(trade):
    trade.order("2022-01-10 10:00:00+00")
    trade.order("2023-03-10 10:00:00+00")
    trade.build("fct_customer_months")
    assert month(trade, "2022-01-01") == [("2022-01-01", True, False, False, False, False, False)]
    assert month(trade, "2022-07-01") == [("2022-07-01", True, False, False, True, False, False)]
    assert month(trade, "2023-03-01") == [("2023-03-01", True, True, False, False, True, True)]
    # the first order is the 24th month before; in the next it is not seen any more
    assert month(trade, "2023-12-01") == [("2023-12-01", True, True, False, True, True, True)]
    assert month(trade, "2024-01-01") == [("2024-01-01", True, False, False, True, False, False)]
    assert month(trade, "2024-03-01") == [("2024-03-01", True, False, False, True, True, False)]
    assert trade.rows("fct_customer_months", "min(month_on)::VARCHAR, max(month_on)::VARCHAR, count(*)") == [
        ("2022-01-01", "2024-05-01", 29)
    ]


def test_an_eye_test_keeps_a_customer_from_being_lapsed_but_is_no_order(trade):
    trade.order("2022-01-10 10:00:00+00")
    trade.test("2023-06-10 10:00:00+00")
    trade.order("2022-01-10 10:00:00+00", customer="gone")
    trade.build("fct_customer_months")
    assert trade.rows("fct_customer_months", "is_active, is_lapsed", "month_on = '2024-05-01'") == [
        (False, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("days", "risk"),
    [
        (("2024-01-05", "2024-02-05", "2024-05-05"), "none"),
        (("2024-02-04", "2024-03-05", "2024-04-04"), "overdue"),
        (("2024-01-01", "2024-01-31", "2024-03-01"), "high"),
        (("2022-01-01", "2022-12-01", "2023-11-01"), "none"),
    ],
)
def test_a_dear_customer_is_missed_by_their_own_gap(trade, days, risk):
    for day in days:
        trade.order(f"{day} 10:00:00+00", {"net_amount": 40000})
    trade.build("dim_customer")
    assert trade.rows("dim_customer", "is_vip, churn_risk") == [(True, risk)]


def test_two_orders_make_no_vip_however_dear(trade):
    for day in ("2024-01-05", "2024-02-05"):
        trade.order(f"{day} 10:00:00+00", {"net_amount": 90000})
    trade.build("dim_customer")
    assert trade.rows("dim_customer", "is_vip, churn_risk, order_count") == [(False, None, 2)]


def test_who_buys_dearer_than_the_year_before(trade):
    for customer, nets in {"up": (900, 1200), "down": (1200, 900), "once": (900,)}.items():
        for year, net in zip((2023, 2024), nets, strict=False):
            trade.order(f"{year}-04-10 10:00:00+00", {"net_amount": net}, customer=customer)
    trade.build("fct_customer_years")
    wanted = "fiscal_year = 'FY24-25'"
    assert trade.rows("fct_customer_years", "is_repeat, has_risen", wanted) == [(True, False), (True, True)]


@pytest.mark.parametrize(
    ("modality", "lenses", "boxes", "supply"),
    [
        ("DAILY", 30, 2, 30),
        ("FORTNIGHTLY", 6, 1, 42),
        ("MONTHLY", 6, 1, 90),
        ("MONTHLY", 3, 1, 45),
        ("QUARTERLY", 2, 1, 90),
        ("YEARLY", 1, 2, 365),
    ],
)
def test_lenses_last_by_what_they_are_and_how_many(trade, modality, lenses, boxes, supply):
    product = trade.chain.key("product", "box")
    trade.chain.add("product_contact_lenses", product_id=product, modality=modality, lenses_per_box=lenses)
    trade.order("2023-01-01 10:00:00+00", {"sku": "box", "quantity": boxes})
    trade.build("fct_refills")
    assert trade.rows("fct_refills", "supply_days, (runs_out_on - ordered_on)::INT, is_last") == [
        (supply, supply, True)
    ]


@pytest.mark.parametrize(("day", "is_refilled"), [("2024-02-14", True), ("2024-02-15", False)])
def test_a_refill_is_in_time_until_two_weeks_after(trade, day, is_refilled):
    product = trade.chain.key("product", "box")
    trade.chain.add("product_contact_lenses", product_id=product, modality="DAILY", lenses_per_box=30)
    trade.order("2024-01-01 10:00:00+00", {"sku": "box", "quantity": 2})  # to 31 January
    trade.order(f"{day} 10:00:00+00", {"sku": "box", "quantity": 20})
    trade.build("fct_refills")
    assert trade.rows("fct_refills", "is_refilled, is_complete, is_last") == [
        (False, False, True),
        (is_refilled, True, False),
    ]


def test_coloured_lenses_and_unknown_wearers_run_out_of_nothing(trade):
    product = trade.chain.key("product", "box")
    trade.chain.add("product_contact_lenses", product_id=product, modality="COLOR", lenses_per_box=2)
    trade.order("2024-01-01 10:00:00+00", {"sku": "box"})
    trade.build("fct_refills")
    assert trade.rows("fct_refills", "*") == []
