"""Weekly demand: where a series begins and ends, what counts as demand, on how many days it could be sold."""

from __future__ import annotations

import datetime as dt

import pytest


def test_a_series_is_dense_from_its_first_sale_to_the_last_week_that_began(shop):
    shop.sale("2024-04-22", 2)  # Monday: the chain's data begin
    shop.sale("2024-05-09", 3)
    shop.build("2024-05-15")
    assert shop.weeks("week_starting_on::VARCHAR, demand_qty, is_complete") == [
        ("2024-04-22", 2.0, True),
        ("2024-04-29", 0.0, True),
        ("2024-05-06", 3.0, True),
        ("2024-05-13", 0.0, False),
    ]


def test_a_week_that_begins_on_as_of_is_not_there_and_the_one_before_is_complete(shop):
    shop.sale("2024-05-06", 1)
    shop.sale("2024-05-13", 9)
    shop.build("2024-05-13")
    assert shop.weeks("week_starting_on::VARCHAR, demand_qty, is_complete") == [("2024-05-06", 1.0, True)]


def test_returns_are_not_taken_off_demand_and_drafts_are_none(shop):
    shop.sale("2024-05-06", 4, returned=3)
    shop.order_line("2024-05-07", 2)
    shop.order_line("2024-05-08", -5)
    shop.order_line("2024-05-08", 7, status="cancelled")
    shop.order_line("2024-05-08", 7, status="draft")
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-05-06", 6.0, 7.0)]


def test_a_launch_begins_the_series_and_days_before_it_could_not_sell(shop):
    shop.product("q")
    shop.sale("2024-04-01", pair="A/q")
    shop.con.execute("UPDATE lake.raw.products SET launched_on = '2024-04-25' WHERE sku = 'p'")
    shop.sale("2024-05-07", 1)
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-04-22", 0.0, 4.0), ("2024-04-29", 0.0, 7.0), ("2024-05-06", 1.0, 7.0)]


@pytest.mark.parametrize(
    ("launched_on", "opened_on", "begin"),
    [
        ("2019-01-01", None, "2024-04-29"),  # not before the chain's data begin
        ("2024-04-01", "2024-05-07", "2024-05-06"),  # not before the store opened
        (None, "2024-05-07", "2024-05-06"),
    ],
)
def test_a_series_begins_no_earlier_than_its_store_and_the_data(raw, launched_on, opened_on, begin):
    raw.chain("2024-05-15").store(opened_on=opened_on)
    raw.store("B")
    raw.product(launched_on=launched_on)
    raw.sale("2024-04-30", pair="B/p")
    raw.sale("2024-05-10")
    raw.build("2024-05-15")
    assert raw.weeks("week_starting_on::VARCHAR")[0] == (begin,)


@pytest.mark.parametrize("first", ["available", "stock"])
def test_without_a_launch_the_first_evidence_begins_the_series(shop, first):
    shop.product("q")
    shop.sale("2024-01-01", pair="A/q")
    shop.sale("2024-05-07")
    if first == "available":
        shop.available("2024-04-24", None, True)
    else:
        shop.stock("2024-04-24", 5)
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-04-22", 0.0, 5.0), ("2024-04-29", 0.0, 7.0), ("2024-05-06", 1.0, 7.0)]


def test_a_first_sale_alone_does_not_say_that_the_days_before_were_empty(shop):
    shop.product("q")
    shop.sale("2024-01-01", pair="A/q")
    shop.sale("2024-05-10")
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-05-06", 1.0, 7.0)]


def test_days_before_the_data_begin_were_not_observed(shop):
    shop.sale("2024-05-08")
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-05-06", 1.0, 5.0)]


@pytest.mark.parametrize("end", ["discontinued", "closed"])
def test_a_series_ends_with_its_product_or_store(raw, end):
    raw.chain("2024-05-15").store(closed_on="2024-04-25" if end == "closed" else None)
    raw.product(discontinued_on="2024-04-25" if end == "discontinued" else None)
    raw.sale("2024-04-15")
    raw.build("2024-05-15")
    assert raw.weeks() == [("2024-04-15", 1.0, 7.0), ("2024-04-22", 0.0, 3.0)]


def test_a_sale_after_the_end_prolongs_the_series(raw):
    raw.chain("2024-05-15").store()
    raw.product(discontinued_on="2024-04-17")
    raw.sale("2024-04-15")
    raw.sale("2024-04-28")
    raw.build("2024-05-15")
    assert raw.weeks() == [("2024-04-15", 1.0, 7.0), ("2024-04-22", 1.0, 7.0)]


def test_availability_takes_its_days_off_and_overrides_the_ledger(shop):
    shop.sale("2024-04-22", 5)
    shop.stock("2024-04-22", 5)
    shop.move("2024-04-28", -5)  # the ledger opens empty from 29 April on
    shop.available("2024-04-22", "2024-04-24", False)
    shop.available("2024-05-06", "2024-05-08", True)
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-04-22", 5.0, 4.0), ("2024-04-29", 0.0, 0.0), ("2024-05-06", 0.0, 3.0)]


def test_an_empty_opening_with_a_sale_that_day_counts_as_in_stock(shop):
    shop.stock("2024-04-29", 0)
    shop.sale("2024-04-29", 1)
    shop.sale("2024-05-01", 1)
    shop.build("2024-05-06")
    assert shop.weeks() == [("2024-04-29", 2.0, 2.0)]


def test_a_weekly_sale_stands_for_its_whole_week(raw):
    raw.chain("2024-05-13", grain="week").store()
    raw.product()
    raw.stock("2024-04-29", 0)
    raw.sale("2024-04-29", 4)
    raw.sale("2024-05-06", 0)
    raw.build("2024-05-13")
    assert raw.weeks() == [("2024-04-29", 4.0, 7.0), ("2024-05-06", 0.0, 0.0)]


def test_before_the_ledger_opens_nothing_is_known(shop):
    shop.sale("2024-04-22", 1)
    shop.stock("2024-05-09", 0)
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-04-22", 1.0, 7.0), ("2024-04-29", 0.0, 7.0), ("2024-05-06", 0.0, 3.0)]


def test_spans_that_overlap_and_agree_count_once(shop):
    shop.sale("2024-05-06", 1)
    shop.available("2024-05-07", "2024-05-09", False)
    shop.available("2024-05-08", "2024-05-10", False)
    shop.build("2024-05-13")
    assert shop.weeks() == [("2024-05-06", 1.0, 3.0)]


def test_an_earlier_as_of_sees_only_what_lay_before_it(shop):
    shop.sale("2024-04-22", 1)
    shop.sale("2024-05-07", 5)
    shop.build("2024-05-01")
    assert shop.weeks("week_starting_on, demand_qty") == [(dt.date(2024, 4, 22), 1.0), (dt.date(2024, 4, 29), 0.0)]
