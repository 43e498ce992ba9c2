"""What people read: numbers, money and sentences, and the course of stock beside them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.downloads import order_frame, write_csv, write_xlsx
from dashboards.header import describe_blocked_days, describe_checks, describe_freshness
from dashboards.passport import Passport
from dashboards.periods import days_back, default_period, list_steps, start_of
from dashboards.projection import first_empty_day, project_stock
from models.explanation.words import explain
from warehouse.formats import (
    format_compact_money,
    format_metric,
    format_money,
    format_number,
    format_share,
    format_units,
    write_money_in,
)

MONDAY = dt.date(2026, 11, 23)


def test_amounts_in_a_text_are_written_as_people_write_them() -> None:
    assert write_money_in("INR 122,574 on 22 November; INR 90 each.", "INR") == "₹1,22,574 on 22 November; ₹90 each."
    assert write_money_in("3 units of INR", "INR") == "3 units of INR"


@pytest.mark.parametrize(
    ("amount", "currency", "decimals", "text"),
    [
        (1234567, "INR", 0, "₹12,34,567"),
        (123456789.5, "INR", 2, "₹12,34,56,789.50"),
        (999, "INR", 0, "₹999"),
        (-1234567, "INR", 0, "−₹12,34,567"),
        (-0.2, "INR", 0, "₹0"),
        (1234567, "GBP", 0, "£1,234,567"),
        (1234.5, "NOK", 1, "NOK 1,234.5"),
    ],
)
def test_money(amount: float, currency: str, decimals: int, text: str) -> None:
    assert format_money(amount, currency, decimals) == text


def test_tiles_speak_in_lakh_and_crore_only_where_people_do() -> None:
    assert format_compact_money(43_210, "INR") == "₹43.2 K"
    assert format_compact_money(1_234_567, "INR") == "₹12.3 L"
    assert format_compact_money(12_345_678, "INR") == "₹1.23 Cr"
    assert format_compact_money(1_234_567, "EUR") == "€1.23 M"
    assert format_compact_money(512, "INR") == "₹512"


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_grouping_by_lakh_loses_no_digit(number: int) -> None:
    text = format_number(number, by_lakh=True)
    assert int(text.replace(",", "")) == number
    groups = text.lstrip("-").split(",")
    assert len(groups[-1]) == 3 or len(groups) == 1
    assert all(len(group) == 2 for group in groups[1:-1])


def test_small_expectations_keep_a_decimal() -> None:
    assert [format_units(value) for value in (0.4, 3.0, 12.6)] == ["0.4", "3", "13"]
    assert [format_share(value) for value in (0.92, 0.995, 1.0)] == ["92 %", "99.5 %", "100 %"]


def test_ratios_keep_their_decimals_and_times_their_unit() -> None:
    assert [format_metric(value, "ratio", "INR") for value in (1.843, 18.43, 184.3, -0.031)] == [
        "1.84", "18.4", "184", "-0.03",
    ]  # fmt: skip
    assert format_metric(8.25, "days", "INR") == "8.2 d"
    assert format_metric(12, "minutes", "INR") == "12 min"
    assert format_metric(None, "ratio", "INR") == "–"


def test_stock_walks_down_by_the_worked_number() -> None:
    course = project_stock(7, {MONDAY: 7.0}, [], MONDAY, MONDAY + dt.timedelta(days=7))
    assert course.stock == pytest.approx([7, 6, 5, 4, 3, 2, 1, 0])
    assert first_empty_day(course) == MONDAY + dt.timedelta(days=7)


def test_overdue_arrivals_stand_at_the_first_opening_and_a_broken_week_is_spread_over_what_is_left_of_it() -> None:
    thursday = MONDAY + dt.timedelta(days=3)
    overdue = (MONDAY - dt.timedelta(days=9), 4.0)
    course = project_stock(0, {MONDAY: 4.0}, [overdue, (thursday, 1.0)], thursday, thursday + dt.timedelta(days=2))
    assert course.stock == pytest.approx([5, 4, 3])


@given(
    st.floats(0, 100),
    st.lists(st.floats(0, 50), min_size=3, max_size=3),
    st.floats(0, 60),
    st.integers(0, 13),
)
def test_an_order_never_lowers_stock_and_stock_is_never_negative(
    on_hand: float, weekly: list[float], ordered: float, day: int
) -> None:
    demand = {MONDAY + dt.timedelta(weeks=week): units for week, units in enumerate(weekly)}
    end = MONDAY + dt.timedelta(days=20)
    without = project_stock(on_hand, demand, [], MONDAY, end)
    with_order = project_stock(on_hand, demand, [(MONDAY + dt.timedelta(days=day), ordered)], MONDAY, end)
    assert min(without.stock) >= 0
    assert all(more >= less - 1e-9 for more, less in zip(with_order.stock, without.stock, strict=True))


PASSPORT = Passport(
    publication_id=1,
    snapshot_id=13,
    run_id="r",
    as_of=MONDAY,
    data_as_of=MONDAY,
    checks={},
    metric_version="1",
    notes=[],
    published_at=dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC),
    chain="Drishti Opticals",
    currency="INR",
    timezone="UTC",
    sales_grain="day",
)
LINE = {
    "as_of": MONDAY,
    "on_hand": 9,
    "on_order": 4,
    "suggested_qty": 14,
    "arrives_on": dt.date(2026, 12, 3),
    "covers_until": dt.date(2026, 12, 10),
    "expected_demand": 21.3,
    "demand_p50": 20.0,
    "demand_p90": 31.0,
    "priority": 1234.0,
    "reason": "PROJECTED_STOCKOUT",
}
RECEIPT = {
    "segment_begins_on": ["2026-11-23", "2026-11-27"],
    "segment_arriving": [0, 4],
    "lead_time_sd_days": 2.0,
    "masked_weeks": ["2026-09-07"],
    "method": "blend",
    "tau": 0.92,
    "cost_source": "margin",
    "shortage_cost_per_unit": 1510.0,
    "holding_cost_per_unit_week": 3.75,
    "quantity_before_lots": 12,
    "pack_size": 7,
    "moq": 1,
}


def test_the_explanation_holds_every_number_that_decided() -> None:
    text = " ".join(explain(LINE, RECEIPT, "INR", sees_cost=True))
    for part in (
        "**9** on hand",
        "**4** on order (4 on Fri 27 Nov 2026",
        "Thu 3 Dec 2026",
        "10 days",
        "Thu 10 Dec 2026",
    ):
        assert part in text
    for part in (
        "17 days",
        "**21**",
        "20 or fewer",
        "31 or fewer",
        "Of the last 13 weeks 1 was mostly out of stock",
        "₹1,510",
        "₹3.75",
    ):
        assert part in text
    for part in ("**92 %**", "That takes 12 units; in packs of 7 it becomes **14**", "**₹1,234**"):
        assert part in text


def test_who_may_not_see_costs_reads_none() -> None:
    text = " ".join(explain(LINE, RECEIPT, "INR", sees_cost=False))
    assert "1,510" not in text
    assert "3.75" not in text
    assert "**92 %**" in text


def test_a_csv_file_runs_no_formula_and_keeps_its_columns() -> None:
    row = {**LINE, "store_code": "S01", "sku": "=1+1", "product_name": "@SUM(A1)", "state": "proposed"}
    frame = order_frame([row])
    text = write_csv(frame).decode("utf-8-sig").splitlines()
    assert text[0].startswith("as_of,suggestion_id,state,kind,store_code,store_name,sku")
    assert "'=1+1" in text[1]
    assert "'@SUM(A1)" in text[1]
    assert frame["sku"].to_list() == ["=1+1"]
    assert order_frame([]).columns == frame.columns


def test_a_workbook_keeps_text_as_text_and_says_where_it_comes_from() -> None:
    from openpyxl import load_workbook

    row = {**LINE, "store_code": "S01", "sku": "=1+1", "product_name": "Aster", "state": "proposed", "priority": 3}
    book = load_workbook(io.BytesIO(write_xlsx([row], PASSPORT)))
    sheet = book["Suggestions"]
    header = [cell.value for cell in sheet[1]]
    cell = sheet.cell(2, header.index("sku") + 1)
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    assert sheet.cell(2, header.index("suggested_qty") + 1).value == 14
    facts = dict(book["Passport"].iter_rows(values_only=True))
    assert (facts["snapshot_id"], facts["rows"]) == ("13", "1")


def test_periods_compare_the_same_weekdays() -> None:
    begin, end = default_period(MONDAY, dt.date(2020, 1, 1))
    assert (begin.weekday(), end, (end - begin).days) == (0, MONDAY - dt.timedelta(days=1), 13 * 7 - 1)
    assert days_back(begin, end, "before") == 91
    assert days_back(MONDAY, MONDAY + dt.timedelta(days=9), "before") == 14
    assert days_back(begin, end, "year") % 7 == 0
    assert default_period(MONDAY, MONDAY - dt.timedelta(days=3))[0] == MONDAY - dt.timedelta(days=3)


@given(
    st.dates(dt.date(2020, 1, 1), dt.date(2027, 1, 1)), st.integers(0, 900), st.sampled_from(["day", "week", "month"])
)
def test_steps_cover_the_period_without_a_gap(begin: dt.date, days: int, grain: str) -> None:
    end = begin + dt.timedelta(days=days)
    steps = list_steps(begin, end, grain)
    assert steps == sorted({start_of(begin + dt.timedelta(days=day), grain) for day in range(days + 1)})


def test_freshness_and_checks_have_a_colour() -> None:
    assert describe_checks({"passed": 9, "warnings": 0, "failed": []})[:2] == ("9 checks passed", "green")
    failed = [{"table": "marts.dim_store", "check": "x", "observed": 2, "what_to_do": "Name the stores."}]
    text, colour, details = describe_checks({"passed": 9, "warnings": 1, "failed": failed})
    assert (text, colour) == ("9 checks passed, 1 warning", "orange")
    assert "marts.dim_store: Name the stores." in details
    today = dt.datetime.now(dt.UTC).date()
    for days, colour in ((0, "green"), (3, "orange"), (30, "red")):
        aged = dataclasses.replace(PASSPORT, data_as_of=today - dt.timedelta(days=days))
        assert describe_freshness(aged)[1] == colour


def test_days_that_are_left_out_are_said_to_their_store_alone() -> None:
    days = [{"store": f"S{n}", "day": "2026-08-05", "why": "no_day_of_sales_is_doubled"} for n in range(1, 8)]
    checks = {"held_back": {"store_days": days}}
    assert describe_blocked_days(checks, frozenset({"S9"})) is None
    assert describe_blocked_days({}, None) is None
    mine = describe_blocked_days(checks, frozenset({"S2"}))
    assert mine is not None
    assert "S2 on " in mine
    assert "S1" not in mine
    every = describe_blocked_days(checks, None)
    assert every is not None
    assert every.endswith("and 2 more days.")
