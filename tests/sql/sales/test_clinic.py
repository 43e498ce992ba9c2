"""Eye tests and the orders they are credited for, prescriptions filled or not, the queue, visitors and walkouts."""

from __future__ import annotations

import pytest

CREDIT = "tested_on::VARCHAR, is_converted, round(to_order_days, 2)"


def test_an_order_credits_one_test_the_latest_before_it(trade):
    trade.test("2024-05-01 10:00:00+00")
    trade.test("2024-05-03 10:00:00+00")
    order, _ = trade.order("2024-05-04 10:00:00+00")
    trade.order("2024-05-06 10:00:00+00")
    trade.build("fct_eye_tests")
    assert trade.rows("fct_eye_tests", CREDIT) == [("2024-05-01", False, None), ("2024-05-03", True, 1.0)]
    assert trade.rows("fct_eye_tests", "credited_order_id", "is_converted") == [(order,)]


@pytest.mark.parametrize(
    ("confirmed_at", "is_converted"),
    [
        ("2024-05-01 09:59:59+00", False),
        ("2024-05-01 10:00:00+00", True),
        ("2024-05-08 10:00:00+00", True),
        ("2024-05-08 10:00:01+00", False),
    ],
)
def test_a_test_is_credited_for_seven_days_from_its_end(trade, confirmed_at, is_converted):
    trade.test("2024-05-01 10:00:00+00")
    trade.order(confirmed_at)
    trade.build("fct_eye_tests")
    assert trade.rows("fct_eye_tests", "is_converted") == [(is_converted,)]


def test_other_customers_cancelled_orders_and_unfinished_tests_credit_nothing(trade):
    trade.test("2024-05-01 10:00:00+00")
    trade.test("2024-05-02 10:00:00+00", customer="D", state="cancelled")
    trade.order("2024-05-02 10:00:00+00", status="cancelled")
    trade.order("2024-05-02 11:00:00+00", customer="D")
    trade.build("fct_eye_tests")
    assert trade.rows("fct_eye_tests", "is_completed, is_converted") == [(False, False), (True, False)]


def test_a_test_of_one_record_and_an_order_of_its_duplicate_belong_together(trade):
    for code in ("C", "D"):
        trade.person(code, mobile="m")
    trade.test("2024-05-01 10:00:00+00", customer="D")
    trade.order("2024-05-02 10:00:00+00", customer="C")
    trade.build("fct_eye_tests")
    assert trade.rows("fct_eye_tests", "is_converted") == [(True,)]


def test_a_test_whose_customer_is_not_known_is_told_apart(trade):
    trade.test("2024-05-01 10:00:00+00")
    trade.chain.con.execute("DELETE FROM lake.raw.patients")
    trade.build("fct_eye_tests")
    assert trade.rows("fct_eye_tests", "is_completed, is_attributable, is_converted") == [(True, False, False)]


@pytest.mark.parametrize(
    ("day", "sku", "is_captured"),
    [
        ("2024-03-01", "f", True),
        ("2024-04-30", "box", True),
        ("2024-05-01", "f", False),
        ("2024-02-29", "f", False),
        ("2024-03-10", "s", False),
    ],
)
def test_a_prescription_is_captured_by_optics_within_sixty_days(trade, day, sku, is_captured):
    trade.prescribe("2024-03-01")
    trade.order(f"{day} 10:00:00+00", {"sku": sku})
    trade.build("fct_prescriptions")
    assert trade.rows("fct_prescriptions", "is_captured, is_complete") == [(is_captured, True)]


def test_a_corrected_prescription_is_one_and_an_outside_one_is_not_new(trade):
    first = trade.prescribe("2024-05-01")
    trade.prescribe("2024-05-02", supersedes_id=first, version=2)
    trade.prescribe("2024-05-03", source="from_doctor")
    trade.build("fct_prescriptions")
    assert trade.rows("fct_prescriptions", "prescribed_on::VARCHAR, is_new, is_complete") == [
        ("2024-05-02", True, False),
        ("2024-05-03", False, False),
    ]


def test_a_prescription_that_runs_out_is_due_unless_a_newer_one_came_long_before(trade):
    trade.prescribe("2022-01-01", "2024-01-01", customer="came")
    trade.test("2024-03-31 10:00:00+00", customer="came")  # 90 days later
    trade.prescribe("2022-01-01", "2024-01-01", customer="late")
    trade.test("2024-04-01 10:00:00+00", customer="late")
    trade.prescribe("2022-01-01", "2024-01-01", customer="replaced")
    trade.prescribe("2023-06-01", "2025-06-01", customer="replaced")
    trade.build("fct_recalls")
    names = {key: name for name, key in trade.people.items()}
    rows = trade.rows("fct_recalls", "patient_id, due_on::VARCHAR, is_due, is_recalled, is_complete")
    assert sorted((names[key], *rest) for key, *rest in rows) == [
        ("came", "2024-01-01", True, True, True),
        ("late", "2024-01-01", True, False, True),
        ("replaced", "2025-06-01", False, False, False),
    ]


def test_a_wait_is_told_where_the_test_began(trade):
    store = trade.chain.key("store", "A")
    for state, begun in (("completed", "2024-05-01 10:08:30+00"), ("no_show", None)):
        trade.chain.add(
            "eye_test_queue", store_id=store, queued_on="2024-05-01", state=state, queued_at="2024-05-01 10:00:00+00",
            started_at=begun,
        )  # fmt: skip
    trade.build("fct_queue_entries")
    assert trade.rows("fct_queue_entries", "is_no_show, wait_minutes") == [(False, 8.5), (True, None)]


def test_a_day_that_nobody_counted_has_no_count(trade):
    store = trade.chain.key("store", "A")
    trade.chain.add("walk_in_counts", store_id=store, counted_on="2024-05-01", walk_in_count=10)
    trade.chain.add("walk_in_counts", store_id=store, counted_on="2024-05-03", walk_in_count=0)
    for customer in ("C", "C", "D", None, None):
        trade.order("2024-05-01 10:00:00+00", customer=customer)
    trade.order("2024-05-02 10:00:00+00")
    trade.build("fct_traffic_daily")
    columns = "day_on::VARCHAR, walk_in_count, is_counted, ordering_customers, order_count"
    assert trade.rows("fct_traffic_daily", columns) == [
        ("2024-05-01", 10, True, 4, 5),
        ("2024-05-02", None, False, 1, 1),
        ("2024-05-03", 0, True, 0, 0),
    ]


def test_who_left_and_came_back(trade):
    order, _ = trade.order("2024-05-02 10:00:00+00")
    trade.order("2024-05-02 11:00:00+00")
    given = {"store_id": trade.chain.key("store", "A"), "walked_out_on": "2024-05-01"}
    trade.chain.add("walkouts", reason="budget", result="converted", sales_order_id=order, **given)
    trade.chain.add("walkouts", reason="not_available", **given)
    trade.build("fct_walkouts", "fct_traffic_daily")
    assert trade.rows("fct_walkouts", "is_recovered, is_lost_to_stock") == [(False, True), (True, False)]
    assert trade.rows("fct_orders", "is_walkout_recovery") == [(False,), (True,)]
    assert trade.rows("fct_traffic_daily", "day_on::VARCHAR, walkout_count, recovered_count") == [
        ("2024-05-01", 2, 0),
        ("2024-05-02", 0, 1),
    ]
