"""Traffic and conversion of the ci chain, recomputed from its files: T1 to T8."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from tests.sql.oracle.told import ORDER, compare, lines, moment, orders, people

WEEK = dt.timedelta(days=7)


def month(column: str) -> pl.Expr:
    return pl.col(column).dt.truncate("1mo").alias("month")


def completed_tests(ci) -> pl.DataFrame:
    """Completed eye tests with the person whose household was tested."""
    patients = ci.file("patients").select("patient_ref", "customer_code").join(people(ci), on="customer_code")
    return (
        ci.file("eye_tests")
        .filter(pl.col("state") == "completed")
        .with_columns(pl.col("tested_on").cast(pl.Date), moment("completed_at").alias("ended"))
        .filter(pl.col("tested_on") < ci.as_of)
        .join(patients.select("patient_ref", "person"), on="patient_ref", how="left")
    )


@pytest.mark.recomputes("footfall_conversion")
def test_footfall_conversion(ci):
    told = orders(ci).with_columns(who=pl.coalesce("person", pl.concat_str(*ORDER)))
    came = told.group_by("store_code", counted_on="booked_on").agg(pl.col("who").n_unique())
    counted = (
        ci.file("walk_in_counts")
        .with_columns(pl.col("counted_on").cast(pl.Date))
        .filter(pl.col("counted_on") < ci.as_of)
    )
    # a day whose sales the checks hold back tells nothing of those who came
    blocked = ci.con.execute("SELECT store_code, day_on AS counted_on FROM lake.checks.blocked_days").pl()
    counted = counted.join(blocked, on=["store_code", "counted_on"], how="anti")
    both = counted.join(came, on=["store_code", "counted_on"], how="left").with_columns(pl.col("who").fill_null(0))
    expected = both.group_by(month("counted_on")).agg(pl.col("who").sum() / pl.col("walk_in_count").sum())
    compare(ci, "footfall_conversion", "month", expected)
    expected = both.group_by("store_code").agg(pl.col("who").sum() / pl.col("walk_in_count").sum())
    compare(ci, "footfall_conversion", "store", expected)


@pytest.mark.recomputes("hidden_sales_share", "walkout_recovery_share", "walkouts_lost_to_stock_share")
def test_hidden_sales_and_walkouts(ci):
    told = (
        ci.file("walkouts")
        .with_columns(pl.col("walked_out_on").cast(pl.Date))
        .filter(pl.col("walked_out_on") < ci.as_of)
    )
    won = told.filter(pl.col("result") == "converted").select(*ORDER).unique()
    each = orders(ci).join(won.with_columns(won=True), on=ORDER, how="left")
    compare(ci, "hidden_sales_share", "month", each.group_by(month("booked_on")).agg(pl.col("won").is_null().mean()))
    share = told.group_by(month("walked_out_on"))
    compare(ci, "walkout_recovery_share", "month", share.agg((pl.col("result") == "converted").mean()))
    compare(ci, "walkouts_lost_to_stock_share", "month", share.agg((pl.col("reason") == "not_available").mean()))
    assert dict(ci.ask("walkouts", by=["reason"]).rows()) == dict(told.group_by("reason").len().rows())


@pytest.mark.recomputes("exam_to_buy", "days_test_to_order", "unattributed_tests")
def test_exam_to_buy_one_order_at_a_time(ci):
    """Each order in the order of time looks back for the latest test of its person, as a person at a desk would."""
    tests = {}
    for person, ended, ref in completed_tests(ci).sort("ended").select("person", "ended", "eye_test_ref").rows():
        tests.setdefault(person, []).append((ended, ref))
    credited = {}
    for person, at in orders(ci).drop_nulls("person").sort("booked_at").select("person", "booked_at").rows():
        before = [(ended, ref) for ended, ref in tests.get(person, []) if ended <= at]
        if before and at <= before[-1][0] + WEEK:
            credited.setdefault(before[-1][1], (at - before[-1][0]).total_seconds() / 86400)
    days = pl.DataFrame(
        {"eye_test_ref": credited.keys(), "days": credited.values()},
        schema={"eye_test_ref": pl.String, "days": pl.Float64},
    )
    each = completed_tests(ci).join(days, on="eye_test_ref", how="left")
    bought = pl.col("days").is_not_null().mean()
    compare(ci, "exam_to_buy", "month", each.group_by(month("tested_on")).agg(bought))
    compare(ci, "optometrist_conversion", "optometrist", each.group_by("optometrist").agg(bought))
    compare(ci, "days_test_to_order", "store", each.group_by("store_code").agg(pl.col("days").median()))
    assert ci.ask("unattributed_tests").rows() == [(0,)]


@pytest.mark.recomputes("capture_rate", "capture_rate_complete")
def test_capture_rate(ci):
    kinds = ["frame", "lens", "contact_lens"]
    bought = lines(ci).filter(pl.col("product_kind").is_in(kinds) | pl.col("pair_group").is_not_null())
    bought = bought.select("patient_ref", "person", "booked_on").unique()
    households = ci.file("patients").select("patient_ref", "customer_code").join(people(ci), on="customer_code")
    told = (
        ci.file("prescriptions")
        .filter(pl.col("source") == "tested_at_store")
        .with_columns(pl.col("prescribed_on").cast(pl.Date))
        .filter(pl.col("prescribed_on") < ci.as_of)
        .join(households.select("patient_ref", "person"), on="patient_ref")
    )
    by_patient = told.join(bought.drop_nulls("patient_ref").select("patient_ref", "booked_on"), on="patient_ref")
    by_person = told.join(bought.filter(pl.col("patient_ref").is_null()).select("person", "booked_on"), on="person")
    both = pl.concat([by_patient, by_person])
    within = both.filter((pl.col("booked_on") - pl.col("prescribed_on")).is_between(dt.timedelta(0), dt.timedelta(60)))
    captured = within.select("prescription_number").unique().with_columns(captured=True)
    each = told.join(captured, on="prescription_number", how="left")
    share = pl.col("patient_ref").filter(pl.col("captured")).n_unique() / pl.col("patient_ref").n_unique()
    compare(ci, "capture_rate", "month", each.group_by(month("prescribed_on")).agg(share))
    over = each.filter(pl.col("prescribed_on") + dt.timedelta(60) < ci.as_of)
    compare(ci, "capture_rate_complete", "store", over.group_by("store_code").agg(share))


@pytest.mark.recomputes("external_prescription_share")
def test_external_prescriptions(ci):
    sources = ci.file("prescriptions").select("prescription_number", "source")
    told = lines(ci).drop_nulls("prescription_number").join(sources, on="prescription_number")
    each = told.group_by(*ORDER, "booked_on").agg((pl.col("source") == "from_doctor").any())
    compare(ci, "external_prescription_share", "month", each.group_by(month("booked_on")).agg(pl.col("source").mean()))


@pytest.mark.recomputes("no_show_share", "wait_minutes")
def test_the_queue(ci):
    told = (
        ci.file("eye_test_queue").with_columns(pl.col("queued_on").cast(pl.Date)).filter(pl.col("queued_on") < ci.as_of)
    )
    compare(ci, "no_show_share", "month", told.group_by(month("queued_on")).agg((pl.col("state") == "no_show").mean()))
    waited = told.with_columns(minutes=(moment("started_at") - moment("queued_at")).dt.total_seconds() / 60)
    compare(ci, "wait_minutes", "store", waited.group_by("store_code").agg(pl.col("minutes").median()))
