"""What people's decisions were worth, and lost sales against an invented chain's true ones, by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from models.backtest.edits import DECIDED_SCHEMA, EDITS_SCHEMA, summarise_edits, value_edits
from models.backtest.truth import LOST_SCHEMA, compare_lost

MONDAY = date(2024, 1, 1)


def receipt(**changed: Any) -> str:
    said = {
        "segment_begins_on": ["2024-01-01", "2024-01-08"], "segment_arriving": [2, 0], "n_before": 1, "on_hand": 3,
        "lead_time_days": 7, "review_period_days": 7, "unmet_demand": "lost",
        "holding_cost_per_unit_week": 0.2, "shortage_cost_per_unit": 1.0,
    }  # fmt: skip
    return json.dumps(said | changed)


def decide(suggested: int, decided: int, state: str, text: str, number: int = 1) -> tuple[Any, ...]:
    return (number, MONDAY, "S1", "P1", state, "BELOW_TARGET", None, suggested, decided, text)


def weekly(*units: tuple[float, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "store_code": ["S1"] * len(units),
            "sku": ["P1"] * len(units),
            "week_starting_on": [MONDAY + timedelta(weeks=week) for week in range(len(units))],
            "demand_qty": [quantity for quantity, _ in units],
            "in_stock_share": [share for _, share in units],
        }
    )


def test_an_edit_is_priced_on_the_demand_that_came() -> None:
    # 3 and 2 coming, 7 asked for: 2 lost before the order is usable, none left; then 4 are asked for
    decided = pl.DataFrame(
        [decide(6, 4, "edited", receipt()), decide(6, 0, "refused", receipt(), 2)], schema=DECIDED_SCHEMA, orient="row"
    )
    edits = value_edits(decided, weekly((7, 1.0), (4, 1.0)))
    assert dict(edits.schema) == EDITS_SCHEMA
    assert edits["needed_qty"].to_list() == pytest.approx([4.0, 4.0])
    assert edits["suggested_cost"].to_list() == pytest.approx([0.4, 0.4])
    assert edits["saved_cost"].to_list() == pytest.approx([0.4, 0.4 - 4.0])
    told = {row["state"]: row for row in summarise_edits(edits).to_dicts()}
    assert told["edited"]["units_added"] == -2
    assert told["refused"]["saved_cost"] == pytest.approx(-3.6)


def test_back_orders_are_owed_and_weeks_out_of_stock_are_filled() -> None:
    decided = pl.DataFrame(
        [decide(6, 6, "approved", receipt(unmet_demand="backordered"))], DECIDED_SCHEMA, orient="row"
    )
    # the second week was out of stock: its neighbours sold 7 and 5, so 6 are taken
    edits = value_edits(decided, weekly((7, 1.0), (0, 0.0), (5, 1.0)))
    assert edits["needed_qty"].to_list() == pytest.approx([8.0])
    assert edits["saved_cost"].to_list() == [0.0]


def test_a_receipt_without_a_timeline_is_left_out() -> None:
    decided = pl.DataFrame([decide(0, 2, "edited", json.dumps({"is_closed": True}))], DECIDED_SCHEMA, orient="row")
    assert value_edits(decided, weekly((1, 1.0))).is_empty()


def test_lost_sales_are_set_against_the_true_ones_by_category() -> None:
    month = date(2024, 1, 1)
    estimated = pl.DataFrame(
        {"store_code": ["S1", "S1"], "sku": ["P1", "P2"], "month_on": [month, month], "lost_qty": [3.0, 0.0]}
    )
    truth = pl.DataFrame(
        {
            "store_code": ["S1"] * 4,
            "sku": ["P1", "P1", "P2", "P1"],
            "demand_on": [date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 5), date(2024, 2, 1)],
            "demand_qty": [3, 2, 1, 9],
            "available_qty": [1, 0, 4, 0],
        }
    )
    products = pl.DataFrame({"sku": ["P1", "P2"], "category": ["Frames", "Lenses"]})
    found = compare_lost(estimated, truth, products, date(2024, 2, 1))
    assert dict(found.schema) == LOST_SCHEMA
    assert found.select("category", "true_lost_qty", "estimated_lost_qty", "ratio").rows() == [
        ("Frames", 4.0, 3.0, 0.75),
        ("Lenses", 0.0, 0.0, None),
        ("all", 4.0, 3.0, 0.75),
    ]
