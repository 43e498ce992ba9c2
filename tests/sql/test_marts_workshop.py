"""Lab jobs: business days, promises, first quality checks, remakes and pairs that did not suit."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.sql.documents import lab_job, remake
from warehouse.metrics import Scope, query

AS_OF = "2024-05-15"


def jobs(chain, columns, as_of=AS_OF):
    return chain.build(as_of, "fct_lab_jobs").rows("fct_lab_jobs", columns)


@pytest.mark.parametrize("booked", range(14))
def test_business_days_are_those_that_counting_gives(shop, booked):
    start = dt.date(2024, 4, 1) + booked * dt.timedelta(days=1)
    for days in range(12):
        lab_job(shop, str(start), ("ready", str(start + days * dt.timedelta(days=1))))
    found = jobs(shop, "lab_job_id, turnaround_days")
    assert [days for _, days in found] == [
        sum((start + (each + 1) * dt.timedelta(days=1)).weekday() < 5 for each in range(days)) for days in range(12)
    ]


def test_ready_is_the_first_time_and_delivered_the_last(shop):
    lab_job(
        shop, "2024-05-01", ("qc", "2024-05-02"), ("ready", "2024-05-03"), ("delivered", "2024-05-04"),
        ("qc", "2024-05-06"), ("ready", "2024-05-07"), ("delivered", "2024-05-08"), promised_on="2024-05-03",
    )  # fmt: skip
    assert jobs(shop, "ready_on::VARCHAR, delivered_on::VARCHAR, is_on_time") == [("2024-05-03", "2024-05-08", True)]


def test_a_job_is_late_only_once_its_day_has_passed_and_without_a_promise_never(shop):
    for promised in ("2024-05-14", "2024-05-15", None):
        lab_job(shop, "2024-05-01", promised_on=promised)
    lab_job(shop, "2024-05-01", ("ready", "2024-05-10"), promised_on="2024-05-09")
    lab_job(shop, "2024-05-01", ("ready", "2024-05-10"))
    assert [row[1:] for row in jobs(shop, "lab_job_id, is_late_now, is_on_time")] == [
        (True, None), (False, None), (False, None), (False, False), (False, None),
    ]  # fmt: skip


def test_the_first_quality_check_decides_on_first_pass(shop):
    lab_job(
        shop,
        "2024-05-01",
        ("qc", "2024-05-02"),
        ("qc_failed", "2024-05-02"),
        ("qc", "2024-05-03"),
        ("ready", "2024-05-04"),
    )
    lab_job(shop, "2024-05-01", ("qc", "2024-05-02"), ("ready", "2024-05-02"))
    lab_job(shop, "2024-05-01", ("qc", "2024-05-02"))
    assert [row[1] for row in jobs(shop, "lab_job_id, is_first_pass")] == [False, True, None]


def test_remakes_are_counted_once_and_a_rework_without_a_record_too(shop):
    twice = lab_job(shop, "2024-05-01", ("ready", "2024-05-04"), rework_count=2)
    remake(shop, twice, "2024-05-02", 1, "vendor", 100)
    remake(shop, twice, "2024-05-03", 2, "lab", 50)
    lab_job(shop, "2024-05-01", ("ready", "2024-05-04"), rework_count=1)
    lab_job(shop, "2024-05-01", ("ready", "2024-05-04"))
    columns = "lab_job_id, remakes, is_remade, remake_fault, spoilage_cost_amount"
    assert [row[1:] for row in jobs(shop, columns)] == [
        (2, True, "vendor", 150), (1, True, None, None), (0, False, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reported_on", "counts"), [("2024-02-15", True), ("2024-02-16", False), ("2023-12-31", False)]
)
def test_a_pair_that_does_not_suit_counts_within_45_days_of_delivery(shop, reported_on, counts):
    job = lab_job(shop, "2023-12-20", ("ready", "2023-12-28"), ("delivered", "2024-01-01"))
    shop.add("non_adapts", lab_job_id=job, reason="progressive_intolerance", reported_on=reported_on, charged_amount=0)
    assert jobs(shop, "is_non_adapt") == [(counts,)]


def test_a_pair_is_of_its_most_demanding_lens(shop):
    for sku, kind in (("sv", "SV"), ("pal", "PROGRESSIVE")):
        shop.product(sku, category="l")
        shop.add("lens_lines", product_id=shop.key("product", sku), kind=kind, coatings=[])
    job = lab_job(shop, "2024-05-01", lens="pal")
    order = shop.con.execute("SELECT sales_order_id FROM lake.raw.lab_jobs").fetchone()[0]
    shop.add(
        "sales_order_lines", sales_order_id=order, line_ref="2", product_id=shop.key("product", "sv"),
        sold_on="2024-05-01", quantity=1, pair_group=1,
    )  # fmt: skip
    lab_job(shop, "2024-05-02")
    assert jobs(shop, "lab_job_id, lens_kind")[0] == (job, "PROGRESSIVE")
    assert jobs(shop, "lab_job_id, lens_kind")[1][1] == "UNKNOWN"


def test_jobs_are_open_until_they_are_handed_over(shop):
    lab_job(shop, "2024-05-01", ("ready", "2024-05-03"), ("delivered", "2024-05-04"))
    lab_job(shop, "2024-05-01", ("ready", "2024-05-03"))
    lab_job(shop, "2024-05-02")
    jobs(shop, "state")
    assert query(shop.con, ["lab_jobs", "open_jobs"], scope=Scope(None)).rows() == [(3, 2)]


def test_cancelled_jobs_are_none_and_what_happens_later_is_not_seen(shop):
    lab_job(shop, "2024-05-01", ("cancelled", "2024-05-02"))
    lab_job(shop, "2024-05-01", ("ready", "2024-05-15"), ("delivered", "2024-05-16"))
    assert jobs(shop, "ready_on, delivered_on, is_first_pass") == [(None, None, None)]
