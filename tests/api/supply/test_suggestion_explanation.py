"""A suggestion explained over HTTP: words and replay for who may read it, no cost for who may not see costs."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.explanation.explain import explain_suggestion
from models.forecast.engine import Forecast
from models.policy.plan import plan_orders

MONDAY = dt.date(2026, 1, 5)


def plan_receipt() -> dict[str, Any]:
    """The receipt of one pair that is ordered: 3 units a week, 1 on hand, packs of 2."""
    pair = pl.DataFrame({"store_code": ["S1"], "sku": ["A"]})
    weekly = {"week_starting_on": pl.Date, "demand_qty": pl.Float64, "in_stock_share": pl.Float64}
    demand = pl.DataFrame(schema={"store_code": pl.String, "sku": pl.String, **weekly, "is_complete": pl.Boolean})
    price = {"unit_price": 500.0, "unit_cost": 183.0, "is_in_assortment": True}
    catalog = pair.with_columns(discontinued_on=pl.lit(None, pl.Date), **{k: pl.lit(v) for k, v in price.items()})
    lots = {"lead_time_days": 7, "review_period_days": 7, "lead_time_sd_days": 1.0, "moq": 1, "pack_size": 2}
    costs = {"unit_cost": 183.0, "holding_cost_per_unit_week": 1.25, "shortage_cost_per_unit": 317.0, "display_min": 0}
    terms = {**{k: pl.lit(v) for k, v in (lots | costs).items()}, "service_level": pl.lit(None, pl.Float64)}
    methods = np.array(["structural"])
    forecast = Forecast(MONDAY, pair, np.full((1, 8), 3.0), np.array([0.15]), np.array([0.1]), None, methods)
    arrivals = pair.head(0).with_columns(expected_on=pl.lit(MONDAY), quantity=pl.lit(1))
    position = pair.with_columns(on_hand_qty=pl.lit(1), on_order_qty=pl.lit(0))
    supplied = pair.with_columns(vendor_code=pl.lit("V"), **terms)
    plan = plan_orders(demand, catalog, position, arrivals, supplied, MONDAY, "lost", forecast)
    return json.loads(plan["receipt"][0])


RECEIPT = plan_receipt()


@pytest.fixture
def explained(buyers):
    """The buyers, on a server that has the models beside it."""
    buyers.client.app.state.explain = explain_suggestion
    yield buyers
    del buyers.client.app.state.explain


def test_the_receipt_is_replayed_and_what_differs_is_said(explained) -> None:
    true = RECEIPT["suggested_qty"]
    assert true > 0
    found = {}
    for quantity in (true, true + 2):
        suggestion = explained.suggestion(quantity, receipt=json.dumps(RECEIPT))
        found[quantity] = explained.get(f"/suggestions/{suggestion}/explanation", explained.buyer).json()
    assert found[true]["replay"]["agrees"] is True
    differs = found[true + 2]["replay"]
    assert (differs["agrees"], differs["quantity"]) == (False, true)
    assert differs["says"].startswith("REPLAY DIFFERS")
    shown = found[true]
    assert shown["headline"].startswith(f"Order {true}: ")
    assert "317" in " ".join(shown["sentences"])
    assert "█" in shown["chart"]
    assert true in {each["quantity"] for each in shown["alternatives"]}
    assert all("saved_amount" in each for each in shown["alternatives"])
    old = explained.suggestion(6, receipt=json.dumps({"version": 0}))
    assert explained.get(f"/suggestions/{old}/explanation", explained.buyer).json()["replay"].keys() == {"says"}


def test_costs_are_absent_for_the_manager_and_another_store_is_refused(explained) -> None:
    suggestion = explained.suggestion(RECEIPT["suggested_qty"], receipt=json.dumps(RECEIPT))
    path = f"/suggestions/{suggestion}/explanation"
    hidden = explained.get(path, explained.manager)
    assert hidden.status_code == 200, hidden.text
    assert hidden.json()["replay"]["agrees"] is True
    for secret in ("saved_amount", "317", "1.25", "183", '"receipt"', "holding_cost"):
        assert secret not in hidden.text
    assert explained.problem(explained.get(path, explained.stranger)) == (403, "store-out-of-scope")
    assert explained.problem(explained.get(path, explained.user("staff")))[0] == 403
    assert explained.problem(explained.get("/suggestions/999999/explanation", explained.buyer))[0] == 404


def test_a_server_without_models_says_so(buyers) -> None:
    answer = buyers.get(f"/suggestions/{buyers.suggestion()}/explanation", buyers.buyer)
    assert buyers.problem(answer) == (404, "no-explanation")
