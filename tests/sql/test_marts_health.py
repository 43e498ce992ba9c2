"""Rates, dead and excess stock, lost sales: pooled rates worked by hand, and the awkward cases of each."""

from __future__ import annotations

import math

import pytest

AS_OF = "2024-05-15"


@pytest.fixture
def chain(shop):
    """Product p in stores A and B for 200 days; A sells 20 of it in the first of them, B none."""
    shop.store("B")
    for store in "AB":
        shop.stock("2023-10-28", 30, f"{store}/p")  # 200 days before as_of
    for number in range(20):
        day = f"2023-{11 + number // 10}-{1 + number % 10 * 2:02}"
        shop.sale(day)
        shop.move(day, -1, kind="sale")
    return shop


def test_a_rate_is_drawn_towards_the_chains_and_that_towards_its_category(chain):
    chain.build(AS_OF, "fct_pair_rates")
    category = 20 / 400
    chain_rate = (20 + 3) / (400 + 3 / category)
    rows = chain.rows("fct_pair_rates", "store_code, in_stock_days, sold_qty, chain_rate, daily_rate")
    assert rows == [
        ("A", 200, 20, pytest.approx(chain_rate), pytest.approx(23 / (200 + 3 / chain_rate))),
        ("B", 200, 0, pytest.approx(chain_rate), pytest.approx(3 / (200 + 3 / chain_rate))),
    ]


def test_a_category_that_sold_nothing_has_no_rate(shop):
    shop.stock("2024-05-01", 3)
    shop.build(AS_OF, "fct_stock_health")
    assert shop.rows("fct_pair_rates", "daily_rate, daily_rate_sd, exposure_days") == [(0, 0, None)]
    assert shop.rows("fct_stock_health", "is_silent, is_dead, excess_qty, limit_qty") == [(False, False, 0, None)]


def test_silence_is_judged_by_the_rate_before_it(chain):
    chain.build(AS_OF, "fct_stock_health")
    chain_rate = (20 + 3) / (400 + 3 / (20 / 400))
    # A sold 20 in the 54 days until 20 December, and nothing in the 146 after; B nothing in 200 days
    found = chain.rows("fct_stock_health", "store_code, silent_days, silence_probability, is_silent, dead_qty")
    silent_a = ((53 + 3 / chain_rate) / (53 + 3 / chain_rate + 147)) ** 23
    silent_b = ((3 / chain_rate) / (3 / chain_rate + 200)) ** 3
    assert [row[:2] for row in found] == [("A", 147), ("B", 200)]
    assert [row[2] for row in found] == [pytest.approx(silent_a), pytest.approx(silent_b)]
    assert [row[3:] for row in found] == [(True, 10), (silent_b < 0.05, 30 if silent_b < 0.05 else 0)]


def test_days_without_stock_are_no_silence(shop):
    shop.stock("2024-01-01", 1)
    shop.sale("2024-01-10")
    shop.move("2024-01-10", -1, kind="sale")
    shop.move("2024-05-09", 1, kind="receipt")
    shop.build(AS_OF, "fct_stock_health")
    columns = "silent_days, is_silent, is_dead, is_unsold_90d, oldest_received_on::VARCHAR"
    assert shop.rows("fct_stock_health", columns) == [(5, False, False, True, "2024-05-09")]


def test_units_beyond_the_age_limit_are_dead_however_well_the_pair_sells(shop):
    shop.stock("2023-09-01", 3)  # 258 days, opened the day before
    shop.move("2024-05-01", 2, kind="receipt")
    shop.sale("2024-05-14")
    shop.build(AS_OF, "fct_stock_health")
    assert shop.rows("fct_stock_health", "on_hand_qty, stale_qty, is_silent, dead_qty") == [(5, 3, False, 3)]


def test_excess_lies_above_the_quantile_of_demand_and_is_no_more_than_is_there(chain):
    chain.supply(lead_time_days=10, review_period_days=7)
    chain.ordered("2024-05-20", 100, pair="A/p")
    chain.build(AS_OF, "fct_stock_health")
    rows = chain.rows("fct_stock_health", "store_code, on_hand_qty, cover_days, limit_qty, excess_qty, daily_rate")
    rates = dict(chain.rows("fct_pair_rates", "store_code, exposure_days"))
    for store, on_hand, cover, limit, excess, rate in rows:
        mean = rate * 107
        assert cover == 107
        assert limit == math.ceil(mean + 2.326348 * math.sqrt(mean * (1 + 107 / rates[store])))
        position = on_hand + (100 if store == "A" else 0)
        assert excess == min(max(position - limit, 0), on_hand)
    assert rows[0][4] == 10


def test_lost_sales_are_days_out_of_stock_at_the_pairs_rate_and_the_skus_price(shop):
    shop.stock("2024-04-01", 2)
    shop.sale("2024-04-20", 2, net=50)
    shop.move("2024-04-20", -2, kind="sale")
    shop.build(AS_OF, "fct_lost_sales")
    ((rate, spread),) = shop.rows("fct_pair_rates", "daily_rate, daily_rate_sd")
    # in April the category sold 2 units on its 20 days in stock; in May no day could tell
    season = {"2024-04-01": 22 / (20 * rate + 20), "2024-05-01": 1.0}
    months = "month_on::VARCHAR, ranged_days, out_of_stock_days, expected_qty, lost_qty"
    assert shop.rows("fct_lost_sales", months) == [
        (
            "2024-04-01",
            30,
            10,
            pytest.approx(30 * rate * season["2024-04-01"]),
            pytest.approx(10 * rate * season["2024-04-01"]),
        ),
        ("2024-05-01", 14, 14, pytest.approx(14 * rate), pytest.approx(14 * rate)),
    ]
    for month, days, lost, low, high in shop.rows(
        "fct_lost_sales", "month_on::VARCHAR, out_of_stock_days, lost_amount, lost_low_amount, lost_high_amount"
    ):
        days *= season[month]
        assert float(lost) == pytest.approx(days * rate * 25, abs=0.005)
        assert float(low) == pytest.approx(max(days * (rate - 1.281552 * spread) * 25, 0), abs=0.005)
        assert float(high) == pytest.approx(days * (rate + 1.281552 * spread) * 25, abs=0.005)


def test_more_is_asked_for_than_the_last_unit(shop):
    shop.stock("2024-04-01", 4)
    for number in range(6):  # six days begin with four; three of them sell one unit, three sell two
        day, units = f"2024-04-{3 * number + 1:02d}", 1 + number % 2
        shop.sale(day, units)
        shop.move(day, -units, kind="sale")
        shop.move(f"2024-04-{3 * number + 2:02d}", units)
    shop.move("2024-04-19", -3)
    shop.sale("2024-04-21")
    shop.move("2024-04-21", -1, kind="sale")
    shop.build(AS_OF, "fct_lost_sales")
    ((days, beyond),) = shop.rows("fct_last_units", "last_days, beyond_qty")
    # three of the six days went on from one unit to two, none from two to three; the category says the same
    assert (days, beyond) == (1, pytest.approx(0.5, abs=1e-6))
    months = dict(shop.rows("fct_lost_sales", "month_on::VARCHAR, beyond_qty"))
    assert (months["2024-04-01"], months["2024-05-01"]) == (pytest.approx(0.5, abs=1e-6), 0)


def test_right_after_a_sale_those_who_renew_do_not_come(shop):
    shop.stock("2023-05-01", 4)
    for day in ("2023-08-10", "2023-11-01", "2024-02-01", "2024-04-24"):
        shop.sale(day)
        shop.move(day, -1, kind="sale")
    shop.build(AS_OF, "fct_lost_sales")
    ((rate,),) = shop.rows("fct_pair_rates", "daily_rate")
    ((out, soon, factor),) = shop.rows("fct_after_sale", "out_of_stock_days, soon_days, rate_factor")
    assert (out, soon) == (20, 20)
    # three times 28 days in stock followed a sale, and nothing was sold on them
    assert factor == pytest.approx(20 / (rate * 3 * 28 + 20))


def test_lost_sales_reach_back_thirteen_months(shop):
    shop.stock("2022-01-01", 0)
    shop.build(AS_OF, "fct_lost_sales")
    months = shop.rows("fct_lost_sales", "month_on::VARCHAR, ranged_days")
    assert (len(months), months[0], months[-1]) == (13, ("2023-05-01", 31), ("2024-05-01", 14))


def test_weekly_history_cannot_tell_what_follows_a_sale(raw):
    raw.chain(AS_OF, grain="week").store()
    raw.product("p")
    raw.stock("2023-05-01", 1)
    raw.sale("2024-04-22")
    raw.move("2024-04-24", -1, kind="sale")
    raw.build(AS_OF, "fct_lost_sales")
    assert [factor for (factor,) in raw.rows("fct_after_sale", "rate_factor")] == [1]
    assert raw.rows("fct_last_units") == []
    assert all(lost > 0 for (lost,) in raw.rows("fct_lost_sales", "lost_qty", "out_of_stock_days > 0"))
