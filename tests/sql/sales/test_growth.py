"""Days of a store beside those of the year before, and where the month leads."""

from __future__ import annotations

from decimal import Decimal

import pytest

DAY = "net_amount::INT, prior_net_amount::INT, is_comparable"


def sell(trade, day, net, store="A"):
    trade.chain.sale(day, 1, net=Decimal(net), pair=f"{store}/f")


@pytest.mark.parametrize(
    ("opened_on", "is_comparable"), [("2023-04-14", True), ("2023-04-15", False), (None, False), ("2020-01-01", True)]
)
def test_a_day_compares_after_thirteen_months(trade, opened_on, is_comparable):
    if opened_on:
        trade.chain.con.execute(f"UPDATE lake.raw.stores SET opened_on = '{opened_on}'")
    sell(trade, "2023-05-16", 100)  # 364 days before
    sell(trade, "2024-05-14", 150)
    trade.build("fct_store_days")
    assert trade.rows("fct_store_days", DAY, "day_on = '2024-05-14'") == [(150, 100, is_comparable)]


def test_a_day_without_trade_on_either_side_does_not_compare(trade):
    trade.chain.con.execute("UPDATE lake.raw.stores SET opened_on = '2020-01-01'")
    sell(trade, "2023-05-02", 100)
    sell(trade, "2024-05-01", 150)
    trade.build("fct_store_days")
    assert trade.rows("fct_store_days", DAY, "day_on IN ('2024-04-30', '2024-05-01')") == [
        (0, 100, False),
        (150, None, False),
    ]


def test_a_store_that_closed_has_no_days_from_then_on(trade):
    trade.chain.con.execute("UPDATE lake.raw.stores SET opened_on = '2024-05-01', closed_on = '2024-05-10'")
    sell(trade, "2024-05-02", 100)
    trade.build("fct_store_days")
    assert trade.rows("fct_store_days", "min(day_on)::VARCHAR, max(day_on)::VARCHAR") == [("2024-05-02", "2024-05-09")]


def test_the_aligned_day_lies_the_same_way_to_the_festival(trade):
    trade.chain.con.execute(
        "UPDATE lake.raw.stores SET opened_on = '2020-01-01'; UPDATE lake.raw.chain SET as_of = '2024-12-01'"
    )
    sell(trade, "2023-11-11", 300)  # the day before Diwali
    sell(trade, "2024-10-31", 330)
    trade.build("fct_store_days", as_of="2024-12-01")
    columns = "aligned_on::VARCHAR, aligned_net_amount::INT, is_aligned_comparable, is_comparable"
    assert trade.rows("fct_store_days", columns, "day_on = '2024-10-31'") == [("2023-11-11", 300, True, False)]


def test_the_month_is_projected_by_weekday(trade):
    for week in range(8):
        trade.chain.con.execute(f"SET VARIABLE d = DATE '2024-05-13' - {7 * week}")  # Mondays
        (day,) = trade.chain.con.execute("SELECT getvariable('d')::VARCHAR").fetchone()
        sell(trade, day, 80)
    trade.chain.add("sales_targets", store_id=trade.chain.key("store", "A"), month_on="2024-05-01", target_amount=1000)
    trade.build("fct_run_rate")
    # two Mondays of May are over, the 20th and the 27th are to come; days without trade count as such
    columns = "target_amount::INT, actual_amount::INT, remaining_amount::INT, projected_amount::INT"
    assert trade.rows("fct_run_rate", columns, "month_on = '2024-05-01'") == [(1000, 160, 160, 320)]
    assert trade.rows("fct_run_rate", columns, "month_on = '2024-04-01'") == [(None, 400, 0, 400)]


def test_a_festival_to_come_lifts_what_its_days_are_expected_to_sell(trade):
    festivals = '[{"name": "Fair", "day": "2023-05-20"}, {"name": "Fair", "day": "2024-05-20"}]'
    trade.chain.add("chain_settings", key="festivals", value=festivals)
    for day in range(56, 0, -1):
        for end, usual in (("2023-05-15", 10), ("2024-05-15", 20)):
            trade.chain.con.execute(f"SET VARIABLE d = DATE '{end}' - {day}")
            (at,) = trade.chain.con.execute("SELECT getvariable('d')::VARCHAR").fetchone()
            sell(trade, at, usual)
    for day in range(15, 32):
        sell(trade, f"2023-05-{day}", 30 if day == 19 else 10)
    trade.build("fct_run_rate")
    # 17 days at 20, of which the eve of the fair three times as much
    assert trade.rows("fct_run_rate", "remaining_amount::INT", "month_on = '2024-05-01'") == [(17 * 20 + 40,)]
