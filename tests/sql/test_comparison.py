"""Figures beside another time: which days are compared with which, and what a change is a share of."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from warehouse.comparison import compare
from warehouse.metrics import Between, InvalidQuery, NotAllowed, Scope

ALL = Scope(stores=None, can_see_cost=True)


@pytest.fixture
def con(shop):
    shop.store("B")
    for day, units, pair in (
        ("2022-12-30", 1, "A/p"),
        ("2023-01-31", 3, "A/p"),
        ("2023-02-28", 5, "A/p"),
        ("2024-01-31", 6, "A/p"),
        ("2024-02-27", 7, "B/p"),
        ("2024-02-29", 8, "A/p"),
        ("2024-03-01", 12, "A/p"),
    ):
        shop.sale(day, units, net=Decimal(units), pair=pair)
    return shop.build("2024-04-01").con


def beside(con, to, first, last, by=(), names=("units_sold",), scope=ALL, **where):
    days = Between(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    found = compare(con, names, by, {"day": days, **where}, to=to, scope=scope)
    if "note" in found.columns:
        assert found["note"].null_count() == found.height
        found = found.drop("note")
    return found.rows()


def test_whole_months_are_compared_with_whole_months_however_long(con):
    assert beside(con, "previous", "2024-02-01", "2024-02-29") == [(15, 6, pytest.approx(1.5))]
    assert beside(con, "last_year", "2024-02-01", "2024-02-29") == [(15, 5, pytest.approx(2.0))]
    assert beside(con, "last_year", "2024-01-01", "2024-02-29", by=["month"]) == [
        (dt.date(2024, 1, 1), 6, 3, pytest.approx(1.0)),
        (dt.date(2024, 2, 1), 15, 5, pytest.approx(2.0)),
    ]


def test_a_running_month_is_compared_with_its_same_days_where_it_is_split_by(con):
    assert beside(con, "previous", "2024-03-01", "2024-03-27", by=["month"]) == [
        (dt.date(2024, 3, 1), 12, 7, pytest.approx(5 / 7))
    ]


def test_other_days_are_compared_weekday_on_weekday(con):
    assert beside(con, "last_year", "2024-02-27", "2024-02-28") == [
        (7, 5, pytest.approx(0.4))
    ]  # 28 Feb 2023, a Tuesday
    assert beside(con, "previous", "2024-03-01", "2024-03-02", by=["day"]) == [
        (dt.date(2024, 3, 1), 12, None, None),
        (dt.date(2024, 3, 2), None, 8, None),
    ]


def test_what_was_there_only_then_is_there_with_nothing_now(con):
    found = beside(con, "previous", "2024-03-01", "2024-03-31", by=["store"])
    assert found == [("A", 12, 8, pytest.approx(0.5)), ("B", None, 7, None)]


@pytest.mark.parametrize(
    ("to", "first", "last"),
    [
        ("last_year", "2023-12-01", "2023-12-31"),  # two days of it are known
        ("last_year", "2023-02-02", "2023-02-28"),  # none of it is
        ("previous", "2023-01-30", "2023-03-05"),
        ("last_year_aligned", "2023-12-01", "2023-12-31"),
    ],
)
def test_what_was_not_known_then_is_not_compared_and_the_reason_is_said(con, to, first, last):
    days = {"day": Between(dt.date.fromisoformat(first), dt.date.fromisoformat(last))}
    found = compare(con, ["units_sold"], (), days, to=to, scope=ALL)
    assert found.columns == ["units_sold", "units_sold_before", "units_sold_change_share", "note"]
    _, before, change, note = found.row(0)
    assert (before, change) == (None, None)
    assert note.startswith("units_sold: known since 2022-12-30, compared with days from 2022-")


def test_of_several_months_those_that_were_known_are_compared(con):
    days = {"day": Between(dt.date(2023, 12, 1), dt.date(2024, 1, 31))}
    found = compare(con, ["units_sold"], ["month"], days, to="last_year", scope=ALL)
    assert [(row[0].month, row[2], row[4] is None) for row in found.rows()] == [(1, 3, True), (12, None, False)][::-1]


def test_what_nobody_records_has_no_before(con):
    days = {"day": Between(dt.date(2024, 2, 1), dt.date(2024, 2, 29))}
    found = compare(con, ["walk_ins", "units_sold"], (), days, to="previous", scope=ALL)
    assert found["note"].to_list() == ["walk_ins: not known, compared with days from 2024-01-01"]
    assert found["units_sold_before"].to_list() == [6]


def test_scope_holds_for_both_times(con):
    own = Scope(stores=frozenset({"A"}))
    assert beside(con, "previous", "2024-03-01", "2024-03-31", scope=own) == [(12, 8, pytest.approx(0.5))]
    with pytest.raises(NotAllowed, match="costs"):
        beside(con, "previous", "2024-03-01", "2024-03-31", names=("gross_margin",), scope=own)


def test_what_is_reached_stands_beside_the_target_of_its_month(shop):
    shop.sale("2024-03-05", 3, net=Decimal(6))
    shop.add("sales_targets", store_id=1, month_on="2024-03-01", target_amount=Decimal(24))
    con = shop.build("2024-04-01").con
    whole, running = ("2024-03-01", "2024-03-31"), ("2024-03-01", "2024-03-10")
    for days in (whole, running):
        assert beside(con, "target", *days, names=("net_sales",)) == [(Decimal(6), Decimal(24), 0.25)]
    assert beside(con, "target", *whole, by=["store", "month"], names=("net_sales",)) == [
        ("A", dt.date(2024, 3, 1), Decimal(6), Decimal(24), 0.25)
    ]
    with pytest.raises(InvalidQuery, match="the first of one"):
        beside(con, "target", "2024-03-02", "2024-03-31", names=("net_sales",))


@pytest.mark.parametrize(
    ("to", "names", "by", "where", "says"),
    [
        ("yesterday", ["units_sold"], [], {}, "no comparison 'yesterday'"),
        ("previous", ["units_sold"], [], {}, "limit `day`"),
        ("previous", ["units_sold"], [], {"day": Between(dt.date(2024, 3, 1))}, "limit `day`"),
        ("previous", ["units_sold"], [], {"day": Between(dt.date(2024, 3, 2), dt.date(2024, 3, 1))}, "are none"),
        (
            "previous",
            ["units_sold"],
            ["month"],
            {"day": Between(dt.date(2024, 3, 5), dt.date(2024, 3, 9))},
            "by day only",
        ),
        (
            "previous",
            ["units_sold"],
            ["weekday"],
            {"day": Between(dt.date(2024, 3, 5), dt.date(2024, 3, 9))},
            "weekday",
        ),
        (
            "previous",
            ["stock_on_hand"],
            [],
            {"day": Between(dt.date(2024, 3, 5), dt.date(2024, 3, 9))},
            "stock_on_hand",
        ),
        ("target", ["units_sold"], [], {}, "units_sold has no target"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(con, to, names, by, where, says):
    with pytest.raises(InvalidQuery, match=says):
        compare(con, names, by, where, to=to, scope=ALL)
