"""Explanations: receipts replay and say so, other quantities are priced on the same paths, charts keep their width."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.explanation.chart import WIDTH, draw_bar, draw_weeks
from models.explanation.explain import explain_suggestion
from models.explanation.pricing import price_quantities, quantities_around
from models.forecast.engine import Forecast
from models.policy.plan import plan_orders

MONDAY = date(2024, 4, 15)
PAIRS = pl.DataFrame({"store_code": ["S1"] * 3, "sku": ["A", "B", "C"]})


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """The plan of three pairs with orders: one by one, in packs of 6, and with nothing known of it."""
    mean = np.array([[6.0], [4.0], [0.0]]) * np.ones((1, 8))
    forecast = Forecast(MONDAY, PAIRS, mean, np.full(3, 0.15), np.full(3, 0.1), None, np.array(["structural"] * 3))
    none = pl.lit(None, pl.Float64)
    terms = PAIRS.head(2).select(
        *("store_code", "sku"),
        pl.lit("V").alias("vendor_code"),
        pl.lit(9).alias("lead_time_days"),
        pl.lit(7).alias("review_period_days"),
        pl.lit(1.5).alias("lead_time_sd_days"),
        pl.Series("moq", [1, 10]),
        pl.Series("pack_size", [1, 6]),
        none.alias("unit_cost"),
        pl.lit(0.2).alias("holding_cost_per_unit_week"),
        pl.lit(3.0).alias("shortage_cost_per_unit"),
        none.alias("service_level"),
        pl.lit(0).alias("display_min"),
    )
    plan = plan_orders(
        pl.DataFrame(
            schema={
                "store_code": pl.String, "sku": pl.String, "week_starting_on": pl.Date, "demand_qty": pl.Float64,
                "in_stock_share": pl.Float64, "is_complete": pl.Boolean,
            }
        ),
        PAIRS.with_columns(
            pl.lit(None, pl.Date).alias("discontinued_on"), pl.lit(10.0).alias("unit_price"),
            pl.lit(6.0).alias("unit_cost"), pl.lit(True).alias("is_in_assortment"),
        ),
        PAIRS.with_columns(pl.lit(2).alias("on_hand_qty"), pl.lit(1).alias("on_order_qty")),
        PAIRS.head(1).with_columns(expected_on=pl.lit(MONDAY + timedelta(days=3)), quantity=pl.lit(1)),
        terms,
        MONDAY,
        "lost",
        forecast,
    )  # fmt: skip
    return [{**row, "receipt": json.loads(row["receipt"])} for row in plan.sort("sku").iter_rows(named=True)]


def test_a_receipt_replays_and_another_number_is_said_loudly(rows: list[dict[str, Any]]) -> None:
    for row in rows[:2]:
        said = explain_suggestion(row, "INR", sees_cost=True)
        assert (said.replay.quantity, said.replay.agrees) == (row["suggested_qty"], True)
        assert "the same number" in said.replay.says
        assert said.headline.startswith(f"Order {row['suggested_qty']}:")
        assert "**" not in " ".join([said.headline, *said.sentences])
    other = explain_suggestion({**rows[0], "suggested_qty": rows[0]["suggested_qty"] + 1}, "INR", sees_cost=True)
    assert other.replay.agrees is False
    assert other.replay.says.startswith("REPLAY DIFFERS")
    elsewhere = {**rows[0], "receipt": {**rows[0]["receipt"], "numpy": "0.1", "tau": 0.99}}
    assert "made with numpy 0.1" in explain_suggestion(elsewhere, "INR", sees_cost=True).replay.says


@pytest.mark.parametrize("receipt", [{}, {"version": 99}, {"version": 1}, None])
def test_a_receipt_of_another_version_is_no_crash(rows: list[dict[str, Any]], receipt: dict[str, Any] | None) -> None:
    said = explain_suggestion({**rows[0], "receipt": receipt}, "INR", sees_cost=True)
    assert (said.replay.quantity, said.replay.agrees, said.alternatives) == (None, None, [])
    assert said.replay.says.startswith("CANNOT BE REPLAYED")
    assert said.sentences


def test_the_suggested_quantity_is_priced_as_its_receipt_says_and_no_lot_is_better(rows: list[dict[str, Any]]) -> None:
    for row in rows[:2]:
        said = row["receipt"]
        priced = price_quantities(said, quantities_around(said, [row["suggested_qty"]]))
        own = next(each for each in priced if each.quantity == row["suggested_qty"])
        assert own.saved_amount == pytest.approx(said["expected_saving"], abs=1e-3)
        assert priced[0].quantity == 0
        assert priced[0].saved_amount == pytest.approx(0)
        assert [each.enough_share for each in priced] == sorted(each.enough_share for each in priced)
        assert [each.short_qty for each in priced] == sorted((each.short_qty for each in priced), reverse=True)
    assert quantities_around(rows[1]["receipt"], [12])[1] >= 12, "no order below the vendor's minimum"
    assert price_quantities({"is_closed": True}, [3]) == []


def test_an_edit_is_weighed_and_costs_are_for_those_who_see_them(rows: list[dict[str, Any]]) -> None:
    edited = {**rows[0], "approved_qty": 1, "decided_by": "asha", "decision_note": "a fair"}
    seen = explain_suggestion(edited, "INR", sees_cost=True)
    assert "1 instead of" in seen.sentences[-1]
    assert "wanted by asha (a fair)" in seen.sentences[-1]
    assert "expected to cost ₹" in seen.sentences[-1]
    assert any("← wanted" in line for line in seen.chart)
    assert "saves" in "\n".join(seen.chart)
    hidden = explain_suggestion(edited, "INR", sees_cost=False)
    assert "₹" not in hidden.sentences[-1]
    assert "saves" not in "\n".join(hidden.chart)
    assert "Missing a sale costs" not in " ".join(hidden.sentences)


def test_what_binds_beside_demand_is_said_and_its_money_only_to_who_sees_costs(rows: list[dict[str, Any]]) -> None:
    note = {"budget_note": "6 wanted; the budget of 1234 pays for 3", "shelf_life_days": 90, "transfer_in": 2}
    row = {**rows[0], "receipt": {**rows[0]["receipt"], **note, "wait_days": 2}}
    seen = " ".join(explain_suggestion(row, "INR", sees_cost=True).sentences)
    for part in ("budget of 1234", "2 come from another store", "keeps for 90 days", "orders again in 2 days"):
        assert part in seen
    hidden = " ".join(explain_suggestion(row, "INR", sees_cost=False).sentences)
    assert "1234" not in hidden
    assert "Set by what all lines share" in hidden
    moved = {**rows[0], "source_store_code": "S9", "reason": "TRANSFER_FIRST", "receipt": {"version": 0}}
    said = explain_suggestion(moved, "INR", sees_cost=True)
    assert said.headline.startswith(f"Move {moved['suggested_qty']} from store S9")


def test_a_transfer_is_moved_and_bars_keep_their_width() -> None:
    assert draw_bar(1, 2) == "█" * (WIDTH // 2) + " " * (WIDTH // 2)
    assert {len(draw_bar(value / 7, 1)) for value in range(9)} == {WIDTH}
    assert draw_bar(3, 0) == " " * WIDTH
    assert draw_weeks({"weekly_mean": [], "as_of": "2024-04-15"}) == []
    assert draw_weeks({"weekly_mean": [2.0, 1.0], "as_of": "2024-04-17"})[1].startswith("  15 Apr  ████")
