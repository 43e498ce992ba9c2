"""Purchase lines: lead time, on time in full, fill and rejection, overdue; lead times with open lines as censored."""

from __future__ import annotations

import pytest

from tests.sql.documents import purchase

AS_OF = "2024-05-15"


def lines(chain, columns):
    return chain.build(AS_OF, "fct_purchase_lines").rows("fct_purchase_lines", columns)


def test_a_line_ends_when_all_of_it_was_accepted_and_not_when_the_first_came(shop):
    purchase(shop, "2024-04-01", "2024-04-20", 10, [("2024-04-08", 6, 0), ("2024-04-18", 4, 1)], state="received")
    columns = (
        "first_accepted_on::VARCHAR, completed_on::VARCHAR, lead_time_days, received_qty, accepted_qty, rejected_qty"
    )
    assert lines(shop, columns) == [("2024-04-08", "2024-04-18", 17, 11, 10, 1)]


def test_a_line_closed_short_ends_with_its_last_acceptance_and_is_never_in_full(shop):
    purchase(shop, "2024-04-01", "2024-04-20", 10, [("2024-04-08", 6, 0)], state="received")
    assert lines(shop, "completed_on, lead_time_days, is_due, is_on_time_in_full") == [(None, 7, True, False)]


def test_an_open_line_is_censored_and_what_comes_after_as_of_is_not_seen(shop):
    purchase(shop, "2024-05-01", "2024-05-20", 10, [("2024-05-08", 6, 0), ("2024-05-15", 4, 0)])
    columns = "completed_on, lead_time_days, waited_days, is_due, backorder_state"
    assert lines(shop, columns) == [(None, None, 14, False, "ON_TIME")]


@pytest.mark.parametrize(
    ("expected_on", "state"),
    [
        ("2024-05-15", "ON_TIME"),
        ("2024-05-14", "OVERDUE"),
        ("2024-05-02", "OVERDUE"),
        ("2024-05-01", "CRITICALLY_OVERDUE"),
    ],
)
def test_backorders_are_aged_by_the_day_they_were_due(shop, expected_on, state):
    purchase(shop, "2024-04-01", expected_on)
    assert lines(shop, "backorder_state") == [(state,)]


def test_on_time_in_full_is_asked_of_lines_whose_day_has_passed(shop):
    purchase(shop, "2024-04-01", "2024-05-14", 1, [("2024-05-14", 1, 0)], state="received")
    purchase(shop, "2024-04-01", "2024-05-13", 1, [("2024-05-14", 1, 0)], state="received")
    purchase(shop, "2024-04-01", "2024-05-15", 1, [("2024-05-14", 1, 0)], state="received")
    purchase(shop, "2024-04-01", "2024-05-10", 1, state="cancelled", closed_on="2024-05-02", cancelled_qty=1)
    purchase(shop, "2024-04-01", "2024-05-10", 1, state="cancelled", closed_on="2024-05-12", cancelled_qty=1)
    columns = "purchase_order_line_id, is_due, is_on_time_in_full"
    assert [row[1:] for row in lines(shop, columns)] == [
        (True, True), (True, False), (False, False), (False, False), (True, False),
    ]  # fmt: skip


def test_a_statement_of_open_orders_says_little_and_nothing_is_made_up(shop):
    purchase(shop, None, "2024-05-20", ordered_qty=None, vendor=None)
    columns = "ordered_qty, open_qty, sent_on, lead_time_days, waited_days, ordered_cost_amount"
    assert lines(shop, columns) == [(10, 10, None, None, None, None)]


def test_drafts_are_no_orders(shop):
    purchase(shop, None, "2024-05-20", state="draft")
    assert lines(shop, "*") == []


def test_the_day_of_sending_and_acceptance_is_the_chains(shop):
    shop.con.execute("UPDATE lake.raw.chain SET timezone = 'Asia/Kolkata'")
    shop.con.execute("UPDATE lake.raw.chain SET as_of = '2024-05-15'")
    purchase(shop, "2024-04-01", "2024-05-20")
    shop.con.execute("UPDATE lake.raw.purchase_orders SET sent_at = TIMESTAMPTZ '2024-04-01 20:00:00+00'")
    assert lines(shop, "sent_on::VARCHAR") == [("2024-04-02",)]


def lead_times(chain, columns):
    return chain.build(AS_OF, "fct_lead_times").rows("fct_lead_times", columns)


def received_after(chain, *days, vendor="V"):
    for each in days:
        purchase(
            chain, "2024-04-01", "2024-05-30", 1, [(f"2024-04-{each + 1:02}", 1, 0)], state="received", vendor=vendor
        )


def test_lead_times_of_ended_lines_have_their_quantiles(shop):
    received_after(shop, 2, 4, 6, 8, 20)
    columns = "vendor_code, category, ended_lines, censored_lines, mean_days, p50_days, km_p50_days, km_p90_days"
    assert lead_times(shop, columns) == [("V", "c", 5, 0, 8.0, 6.0, 6, 20)]


def test_open_lines_lengthen_what_ended_ones_alone_would_say(shop):
    received_after(shop, 2, 4, 6)
    for _ in range(3):
        purchase(shop, "2024-04-01", "2024-05-30")  # 44 days open
    purchase(shop, "2024-05-11", "2024-05-30")  # 4 days open: at risk on day 4, unknown from then on
    # waiting: 6/7 after day 2; 5/6 of it after day 4; 3/4 of that after day 6
    assert lead_times(shop, "ended_lines, censored_lines, p50_days, km_p50_days") == [(3, 4, 4.0, None)]
    received_after(shop, 9, 10)
    # 8/9 · 7/8 · 5/6 · 4/5 · 3/4 = 0.389
    assert lead_times(shop, "p50_days, km_p50_days, km_p90_days") == [(6.0, 10, None)]
