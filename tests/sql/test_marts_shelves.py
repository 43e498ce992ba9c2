"""What stores could serve: fill, broken runs, power grid, expiry, soundness of the ledger; classes and adoption."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.sql.documents import prescription, purchase

AS_OF = "2024-05-15"


def built(chain, mart, columns="*"):
    return chain.build(AS_OF, mart).rows(mart, columns)


def test_fill_counts_what_lay_there_or_came_in_and_who_left_for_want_of_it(shop):
    shop.stock("2024-05-01", 2)
    shop.sale("2024-05-02", 3)
    shop.move("2024-05-02", -3, kind="sale")
    shop.move("2024-05-03", 2, kind="receipt")
    shop.sale("2024-05-03", 1)
    shop.product("unknown")
    shop.sale("2024-05-02", 5, pair="A/unknown")
    shop.add("walkouts", store_id=shop.key("store", "A"), walked_out_on="2024-05-03", reason="not_available")
    shop.add("walkouts", store_id=shop.key("store", "A"), walked_out_on="2024-05-03", reason="budget")
    assert built(shop, "fct_fill_daily", "category, day_on::VARCHAR, asked_qty, served_qty, not_available_qty") == [
        ("c", "2024-05-02", 3, 2, 0),
        ("c", "2024-05-03", 1, 1, 0),  # one less than nothing at the opening, and two came
        ("unknown", "2024-05-03", 1, 0, 1),
    ]


def test_a_ledger_below_nothing_or_beside_its_statement_is_told(shop):
    shop.product("q")
    shop.product("r")
    shop.stock("2024-05-01", 1)
    shop.move("2024-05-02", -2)
    shop.stock("2024-05-01", 4, "A/q")
    shop.add("stock_statements", **shop.pair("A", "q"), as_of="2024-05-10", on_hand=3)
    shop.stock("2024-05-01", 4, "A/r")
    columns = "sku, on_hand_qty, is_negative, stated_on::VARCHAR, stated_qty, ledger_qty, is_mismatched"
    assert built(shop, "fct_stock_integrity", columns) == [
        ("p", -1, True, "2024-05-01", 1, 1, False),
        ("q", 4, False, "2024-05-10", 3, 4, True),
        ("r", 4, False, "2024-05-01", 4, 4, False),
    ]


def test_a_run_is_broken_when_a_core_colour_or_size_is_missing(shop):
    for sku, style, lifecycle, quantity in (
        ("s1", "s", "CORE", 1), ("s2", "s", "CORE", 0), ("s3", "s", "CLEARANCE", 0), ("t1", "t", "NEW", 2),
        ("n", None, "CORE", 0),
    ):  # fmt: skip
        shop.product(sku, style_code=style, lifecycle=lifecycle)
        shop.stock("2024-05-01", quantity, f"A/{sku}")
    columns = "style_code, ranged_skus, missing_skus, is_broken"
    assert built(shop, "fct_broken_runs", columns) == [("s", 2, 1, True), ("t", 1, 0, False)]


@pytest.fixture
def optician(shop):
    """A lens line of four powers: two units of -1.00, one of -1.50, none of -2.00, three of -1.00/-0.50."""
    for sku, sph, cyl, quantity in (
        ("a", "-1.00", "0.00", 2),
        ("b", "-1.5", None, 1),
        ("d", -2, 0, 0),
        ("e", -1, -0.5, 3),
    ):
        attributes = f'{{"sph": "{sph}"}}' if cyl is None else f'{{"sph": "{sph}", "cyl": "{cyl}"}}'
        shop.product(sku, category="l", subcategory="line", attributes=attributes)
        shop.stock("2024-05-01", quantity, f"A/{sku}")
    return shop


def test_coverage_is_the_share_of_eyes_with_two_units_of_their_power(optician):
    prescription(optician, "2024-05-01", ("right", -1, None), ("left", -1, 0))
    prescription(optician, "2024-05-01", ("right", Decimal("-1.5"), 0), ("left", -9, 0))
    prescription(optician, "2024-05-01", ("right", -1, 0, 2), ("left", -1, 0, 2))  # progressive
    prescription(optician, "2022-05-01", ("right", -1, 0), ("left", -1, 0))  # long ago
    prescription(optician, "2024-05-01", ("right", -1, 0), kind="contact_lens")
    assert built(optician, "fct_power_grid", "sph, cyl, eyes, eyes_share, on_hand_qty, is_covered") == [
        (-9, 0, 1, 0.25, 0, False),
        (-2, 0, 0, 0.0, 0, False),
        (Decimal("-1.5"), 0, 1, 0.25, 1, False),
        (-1, Decimal("-0.5"), 0, 0.0, 3, True),
        (-1, 0, 2, 0.5, 2, True),
    ]


def test_a_prescription_is_served_when_both_its_lenses_are_there(optician):
    half = Decimal("-1.5")
    for eyes, _ in (
        ((("right", -1, 0), ("left", -1, 0)), "served: two alike"),
        ((("right", half, 0), ("left", half, 0)), "one of two alike"),
        ((("right", half, 0), ("left", -1, 0)), "served: one of each"),
        ((("right", -1, 0), ("left", -9, 0)), "one eye out of the grid"),
        ((("left", half, 0),), "served: one eye alone"),
        ((("right", -2, 0), ("left", -1, 0)), "none of one"),
    ):
        prescription(optician, "2024-05-01", *eyes)
    columns = "lens_line, prescriptions, served_prescriptions"
    assert built(optician, "fct_power_coverage", columns) == [("line", 6, 3)]


def test_without_prescriptions_the_grid_has_stock_and_no_shares(optician):
    assert built(optician, "fct_power_grid", "DISTINCT eyes, eyes_share") == [(0, None)]
    assert built(optician, "fct_power_coverage", "prescriptions, served_prescriptions") == [(0, 0)]


def test_batches_that_expire_first_leave_first_and_what_outlasts_its_sale_is_at_risk(shop):
    shop.stock("2023-05-01", 0)
    for day, code, expires_on in (
        ("2024-03-01", "x", "2024-05-10"),
        ("2024-03-01", "y", "2024-06-04"),
        ("2024-04-01", "z", "2026-01-01"),
    ):
        purchase(shop, "2024-02-01", day, 10, ((day, 10, 0, code, expires_on),), state="received")
        shop.move(day, 10, kind="receipt")
    for number in range(1, 15):
        shop.sale(f"2024-05-{number:02}")
        shop.move(f"2024-05-{number:02}", -1, kind="sale")
    shop.build(AS_OF, "fct_expiry")
    ((rate,),) = shop.rows("fct_pair_rates", "daily_rate")
    # 16 left: all of z, and 6 of y, which has 20 days
    assert shop.rows("fct_expiry", "batch_code, batch_qty, risk_qty, is_expired") == [
        ("y", 6, max(6 - int(rate * 20), 0), False),
        ("z", 10, 0, False),
    ]


def test_an_expired_batch_on_the_shelf_is_at_risk_whole(shop):
    shop.stock("2024-05-01", 3)
    purchase(shop, "2024-02-01", "2024-03-01", 10, (("2024-03-01", 10, 0, "x", "2024-05-14"),), state="received")
    assert built(shop, "fct_expiry", "batch_qty, risk_qty, is_expired") == [(3, 3, True)]


def test_abc_is_cut_at_80_and_95_percent_of_the_margin_and_the_new_stand_apart(shop):
    for sku, amount in (("a1", 700), ("a2", 150), ("b", 100), ("c", 49), ("c2", 1), ("n", 500)):
        shop.product(sku, launched_on="2024-05-01" if sku == "n" else "2020-01-01")
        shop.sale("2024-01-10", 1, net=amount if sku != "n" else 0, pair=f"A/{sku}")
    found = dict(built(shop, "dim_product_class", "sku, abc_class"))
    assert found == {"a1": "A", "a2": "A", "b": "B", "c": "C", "c2": "C", "n": "N"}


@pytest.mark.parametrize(
    ("weeks", "demand_class"),
    [
        ([1] * 2 + [0] * 50, "too few"),
        ([2] * 52, "smooth"),
        ([1, 9] * 26, "erratic"),
        ([2, 0] * 26, "intermittent"),
        ([1, 0, 0, 12] * 13, "lumpy"),
    ],
)
def test_the_pattern_of_demand_by_gaps_and_sizes(shop, weeks, demand_class):
    for number, quantity in enumerate(weeks):
        if quantity:
            shop.sale(str(dt.date(2023, 5, 17) + dt.timedelta(weeks=number)), quantity)
    assert built(shop, "dim_product_class", "demand_class") == [(demand_class,)]


def test_steadiness_leaves_out_what_the_whole_category_does(shop):
    shop.product("q")
    shop.product("odd")
    for number in range(13):
        day = str(dt.date(2023, 5, 17) + dt.timedelta(days=28 * number))
        season = 1 + number
        shop.sale(day, 10 * season)
        shop.sale(day, 20 * season, pair="A/q")
        if number == 6:
            shop.sale(day, 3, pair="A/odd")
    assert built(shop, "dim_product_class", "sku, xyz_class") == [("odd", "Z"), ("p", "X"), ("q", "X")]


def test_a_change_is_for_the_better_when_it_came_closer_to_what_was_sold(shop):
    shop.sale("2024-04-03", 6)
    shop.sale("2024-04-10", 6)  # beyond the days it answers for
    for state, approved in (("edited", 6), ("approved", None), ("refused", None), ("proposed", None)):
        shop.add(
            "suggestions", **shop.pair("A", "p"), as_of="2024-04-01", state=state, kind="purchase", suggested_qty=10,
            approved_qty=approved, order_by="2024-04-01", arrives_on="2024-04-02", covers_until="2024-04-10",
        )  # fmt: skip
    columns = "state, is_approved, is_decided, approved_qty, change_ratio, suggested_error_qty, approved_error_qty"
    assert built(shop, "fct_suggestions", columns) == [
        ("approved", True, True, 10, 0.0, 4, 4),
        ("edited", True, True, 6, 0.4, 4, 0),
        ("proposed", False, False, None, None, None, None),
        ("refused", False, True, None, None, None, None),
    ]
