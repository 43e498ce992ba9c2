"""Customers of the ci chain, recomputed from its files: C1 to C6."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from itertools import pairwise
from statistics import median

import polars as pl
import pytest

from tests.sql.oracle.told import ORDER, compare, is_same, lines, moment, orders, people

DAY = dt.timedelta(days=1)
LASTS = {"DAILY": 1, "FORTNIGHTLY": 14, "MONTHLY": 30, "QUARTERLY": 90, "YEARLY": 365}


def months_before(day: dt.date, months: int) -> dt.date:
    """The first day of the month so many months before that of `day`."""
    place = day.year * 12 + day.month - 1 - months
    return dt.date(place // 12, place % 12 + 1, 1)


@pytest.fixture(scope="module")
def seen(ci):
    """For each person the days of orders and of completed eye tests."""
    households = ci.file("patients").select("patient_ref", "customer_code").join(people(ci), on="customer_code")
    tests = ci.file("eye_tests").filter(pl.col("state") == "completed").join(households, on="patient_ref")
    found = defaultdict(lambda: ([], []))
    for person, day in orders(ci).drop_nulls("person").select("person", "booked_on").rows():
        found[person][0].append(day)
    for person, day in tests.select("person", pl.col("tested_on").cast(pl.Date)).rows():
        if day < ci.as_of:
            found[person][1].append(day)
    return found


@pytest.mark.recomputes("repeat_rate", "lapsed_share", "lapsed_customers", "customers_to_win_back", "retention_share")
def test_repeat_lapsed_and_retained_at_the_end_of_each_month(ci, seen):
    last = months_before(ci.as_of - DAY, 0)
    first = min(months_before(min([*bought, *tested]), 0) for bought, tested in seen.values())
    shares = defaultdict(list)
    month = first
    while month <= last:
        ends = months_before(month, -1)
        two_years, year, half = (months_before(month, back) for back in (23, 11, 5))
        known = [(bought, tested) for bought, tested in seen.values() if min([*bought, *tested]) < ends]
        counts = [sum(two_years <= day < ends for day in bought) for bought, _ in known]
        before = [sum(two_years <= day < year for day in bought) for bought, _ in known]
        after = [sum(year <= day < ends for day in bought) for bought, _ in known]
        active = sum(count > 0 for count in counts)
        gone = sum(not any(two_years <= day < ends for day in [*bought, *tested]) for bought, tested in known)
        won = sum(
            any(day < ends for day in bought)
            and not any(half <= day < ends for day in bought)
            and any(two_years <= day < ends for day in [*bought, *tested])
            for bought, tested in known
        )
        shares["repeat_rate"].append((month, sum(count > 1 for count in counts) / active if active else None))
        shares["lapsed_share"].append((month, gone / len(known)))
        shares["lapsed_customers"].append((month, gone))
        shares["customers_to_win_back"].append((month, won))
        shares["active_customers"].append((month, active))
        old = sum(count > 0 for count in before)
        stayed = sum(b > 0 and a > 0 for b, a in zip(before, after, strict=True))
        shares["retention_share"].append((month, stayed / old if old else None))
        month = months_before(month, -1)
    for metric, rows in shares.items():
        frame = pl.DataFrame(rows, schema={"month": pl.Date, "value": pl.Float64}, orient="row")
        compare(ci, metric, "month", frame)


@pytest.mark.recomputes("recall_rate", "recalls_due")
def test_recalls(ci):
    told = ci.file("prescriptions").select(
        "patient_ref", "store_code", pl.col("prescribed_on", "valid_until_on").cast(pl.Date)
    ).filter(pl.col("prescribed_on") < ci.as_of)  # fmt: skip
    tested = defaultdict(list)
    for patient, state, day in (
        ci.file("eye_tests").select("patient_ref", "state", pl.col("tested_on").cast(pl.Date)).rows()
    ):
        if state == "completed" and day < ci.as_of:
            tested[patient].append(day)
    dates = defaultdict(list)
    for patient, _, day, _ in told.rows():
        dates[patient].append(day)
    due = defaultdict(lambda: (set(), set()))
    whole = defaultdict(set)
    latest = told.group_by("patient_ref", "valid_until_on").agg(pl.col("prescribed_on").max())
    for patient, ends, began in latest.rows():
        if any(began < day < ends - 90 * DAY for day in dates[patient]):
            continue
        whole[ends.replace(day=1)].add(patient)
        if ends >= ci.as_of:
            continue
        month = ends.replace(day=1)
        due[month][0].add(patient)
        if any(abs(day - ends) <= 90 * DAY and day > began for day in tested[patient]):
            due[month][1].add(patient)
    rows = [(month, len(came) / len(all_of)) for month, (all_of, came) in due.items()]
    expected = pl.DataFrame(rows, schema={"month": pl.Date, "value": pl.Float64}, orient="row")
    compare(ci, "recall_rate", "month", expected, month=sorted(due))
    counts = pl.DataFrame([(month, len(patients)) for month, patients in whole.items()], orient="row")
    compare(ci, "recalls_due", "month", counts)


@pytest.mark.recomputes("refills_due", "refill_compliance")
def test_contact_lenses_run_out_and_are_bought_again(ci):
    worn = (
        ci.file("product_contact_lenses")
        .select("sku", "modality", "lenses_per_box")
        .filter(pl.col("modality").is_in(list(LASTS)))
    )
    told = lines(ci).join(worn, on="sku").with_columns(
        who=pl.coalesce("patient_ref", "person"),
        half_days=pl.col("quantity") * pl.col("lenses_per_box") * pl.col("modality").replace_strict(LASTS),
    ).drop_nulls("who")  # fmt: skip
    days = told.group_by("who", "booked_on").agg(pl.col("half_days").sum() // 2).sort("who", "booked_on")
    days = days.with_columns(
        ends=pl.col("booked_on") + pl.duration(days=pl.col("half_days")),
        again=pl.col("booked_on").shift(-1).over("who"),
    )
    over = days.filter(pl.col("ends") + dt.timedelta(14) < ci.as_of)
    month = pl.col("ends").dt.truncate("1mo").alias("month")
    in_time = (pl.col("again") <= pl.col("ends") + dt.timedelta(14)).fill_null(False)
    compare(ci, "refill_compliance", "month", over.group_by(month).agg(in_time.mean()))
    last = days.filter(pl.col("again").is_null())
    found = {key: value for key, value in ci.ask("refills_due", by=["month"]).rows() if value}
    assert found == dict(last.group_by(month).agg(pl.col("who").n_unique()).rows())


@pytest.mark.recomputes("customers", "lifetime_value", "vip_customers", "vip_churn_share")
def test_vips_and_who_is_about_to_be_lost(ci):
    worth = lines(ci).group_by(*ORDER, "booked_on", "person").agg(pl.col("net_amount").sum()).drop_nulls("person")
    vips = lost = 0
    for rows in worth.partition_by("person"):
        if rows.height < 3 or round(rows["net_amount"].sum(), 2) < 100000:
            continue
        vips += 1
        days = sorted(set(rows["booked_on"]))
        gaps = [(b - a).days for a, b in pairwise(days)]
        if gaps:
            overdue = (ci.as_of - days[-1]).days - median(gaps)
            lost += overdue > 90 or overdue > 0.5 * median(gaps)
    customers = worth["person"].n_unique()
    assert is_same("lifetime_value", ci.ask("lifetime_value").item(), worth["net_amount"].sum() / customers)
    assert ci.ask("customers", "vip_customers").rows() == [(customers, vips)]
    (share,) = ci.ask("vip_churn_share").row(0)
    assert share == (pytest.approx(lost / vips) if vips else None)


@pytest.mark.recomputes("premiumisation_share")
def test_dearer_than_the_year_before(ci):
    bounds = [0, 1000, 2500, 5000, 10000, 15000, 20000, 30000, 50000, 75000, 150000]
    worth = (
        lines(ci).group_by(*ORDER, "booked_on", "person").agg(pl.col("net_amount").sum().round(2)).drop_nulls("person")
    )
    banded = worth.with_columns(
        band=pl.sum_horizontal(*(pl.col("net_amount") >= bound for bound in bounds)),
        year=pl.col("booked_on").dt.offset_by("-3mo").dt.year(),
    )
    means = banded.group_by("person", "year").agg(pl.col("band").mean())
    both = means.join(means.with_columns(pl.col("year") + 1), on=["person", "year"], suffix="_before")
    each = both.group_by("year").agg((pl.col("band") > pl.col("band_before")).mean())
    named = each.select(
        pl.concat_str(pl.lit("FY"), pl.col("year") % 100, pl.lit("-"), (pl.col("year") + 1) % 100).alias("fiscal_year"),
        "band",
    )
    compare(ci, "premiumisation_share", "fiscal_year", named)


def test_moments_are_read_in_india():
    told = pl.DataFrame({"at": ["2024-05-01T23:59:00+05:30", "2024-05-01T18:30:00+00:00"]})
    assert told.select(moment("at").dt.date())["at"].to_list() == [dt.date(2024, 5, 1), dt.date(2024, 5, 2)]
