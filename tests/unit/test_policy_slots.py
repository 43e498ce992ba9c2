"""Places on the board: one of each, replaced when gone, the successor when a style ends, as far as boards have room."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.plan import plan_orders, replay_receipt

AS_OF = date(2024, 4, 15)
SLOW = 0.05  # units a week: no order by demand alone
FRAMES = {
    "gone": {"on_hand_qty": 0},
    "there": {"on_hand_qty": 1},
    "coming": {"on_hand_qty": 0, "on_order_qty": 1},
    "kept for somebody": {"on_hand_qty": 1, "reserved_qty": 1},
    "old style": {"on_hand_qty": 0, "style_code": "X", "lifecycle": "DISCONTINUED"},
    "its successor": {"on_hand_qty": 0, "style_code": "X", "launched_on": AS_OF - timedelta(days=5)},
    "new style": {"on_hand_qty": None, "style_code": "Y", "launched_on": AS_OF - timedelta(days=5)},
    "does not pay": {"on_hand_qty": 0, "mean": 0.0},
    "no frame": {"on_hand_qty": 0, "kind": "solution"},
}
DEFAULTS: dict[str, Any] = {
    "on_order_qty": 0, "reserved_qty": 0, "kind": "frame", "lifecycle": "CORE", "style_code": None, "launched_on": None,
    "mean": SLOW, "board_capacity": None,
}  # fmt: skip


def plan(**more: Any) -> dict[str, tuple[int, str]]:
    """Quantity and reason by sku."""
    rows = [{"store_code": "S", "sku": sku, **DEFAULTS, **given, **more} for sku, given in FRAMES.items()]
    types = {"launched_on": pl.Date, "style_code": pl.String, "board_capacity": pl.Int64, "on_hand_qty": pl.Int64}
    told = pl.DataFrame(rows, schema_overrides=types, infer_schema_length=None)
    pairs = told.select("store_code", "sku")
    n = told.height
    mean = told["mean"].to_numpy()[:, None] * np.ones((1, 8))
    forecast = Forecast(AS_OF, pairs, mean, np.full(n, 0.2), np.full(n, 0.2), None, np.array(["structural"] * n))
    demand = pl.DataFrame(
        schema={
            "store_code": pl.String, "sku": pl.String, "week_starting_on": pl.Date, "demand_qty": pl.Float64,
            "in_stock_share": pl.Float64, "is_complete": pl.Boolean,
        }
    )  # fmt: skip
    catalog = pairs.with_columns(
        category=pl.lit("FRAME"),
        brand=pl.lit("B"),
        discontinued_on=pl.lit(None, pl.Date),
        unit_price=pl.lit(100.0),
        unit_cost=pl.lit(40.0),
        is_in_assortment=pl.lit(value=True),
    )
    terms = pairs.with_columns(
        vendor_code=pl.lit("V"),
        lead_time_days=pl.lit(7),
        review_period_days=pl.lit(7),
        lead_time_sd_days=pl.lit(None, pl.Float64),
        moq=pl.lit(1),
        pack_size=pl.lit(1),
        unit_cost=pl.lit(40.0),
        holding_cost_per_unit_week=pl.lit(None, pl.Float64),
        shortage_cost_per_unit=pl.lit(None, pl.Float64),
        service_level=pl.lit(0.6),
        display_min=pl.lit(None, pl.Int64),
    )
    known = told.filter(pl.col("on_hand_qty").is_not_null())
    position = known.select("store_code", "sku", "on_hand_qty", "on_order_qty", "reserved_qty")
    rules = told.select("store_code", "sku", "kind", "lifecycle", "style_code", "launched_on", "board_capacity")
    arrivals = pairs.clear().with_columns(expected_on=pl.lit(AS_OF), quantity=pl.lit(1))
    frame = plan_orders(demand, catalog, position, arrivals, terms, AS_OF, "lost", forecast, rules=rules, n_paths=200)
    assert [replay_receipt(receipt) for receipt in frame["receipt"]] == frame["suggested_qty"].to_list()
    return {row["sku"]: (row["suggested_qty"], row["reason"]) for row in frame.iter_rows(named=True)}


def test_one_of_each_stands_on_the_board() -> None:
    found = plan()
    assert found["gone"] == (1, "DISPLAY_SLOT")
    assert found["there"] == (0, "ENOUGH_STOCK")
    assert found["coming"] == (0, "ENOUGH_STOCK")
    assert found["kept for somebody"] == (1, "DISPLAY_SLOT")
    assert found["no frame"][0] == 0


def test_an_ended_style_is_followed_by_its_successor() -> None:
    found = plan()
    assert found["old style"] == (0, "END_OF_RANGE")
    assert found["its successor"] == (1, "SUCCESSOR_FILLS_SLOT")
    assert found["new style"] == (1, "NEW_STYLE_MIN_DISPLAY")
    assert found["does not pay"] == (0, "NO_DEMAND")


def test_boards_hold_what_they_hold() -> None:
    found = plan(board_capacity=3)
    # "there" and "coming" take two of three places; of the others that would fill one, one does
    filled = {sku for sku, (quantity, _) in found.items() if quantity}
    assert len(filled) == 1
    assert sum(reason == "NO_SLOT" for _, reason in found.values()) >= 2
