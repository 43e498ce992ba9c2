"""A suggestion explained over HTTP: words and replay for who may read it, no cost for who may not see costs."""

from __future__ import annotations

import json

import pytest

from models.explanation.explain import explain_suggestion

RECEIPT = {
    "version": 1, "numpy": "2", "as_of": "2026-01-05", "unmet_demand": "lost", "seed": 7, "n_paths": 200,
    "calibration": "none", "p90_level": 0.9, "store_code": "S1", "sku": "A", "vendor_code": "V", "on_hand": 1,
    "on_order": 0, "lead_time_days": 7, "review_period_days": 7, "lead_time_sd_days": 1.0,
    "segment_begins_on": ["2026-01-05", "2026-01-12"], "segment_arriving": [0, 0], "segment_mean": [3.0, 3.0],
    "segment_inner": [0.1, 0.1], "n_before": 1, "weekly_mean": [3.0, 3.0], "method": "structural", "masked_weeks": [],
    "shared": 0.15, "stretch": 0.0, "bias": 1.0, "tau": 0.9, "tau_theory": 0.9, "holding_cost_per_unit_week": 1.25,
    "shortage_cost_per_unit": 317.0, "cost_source": "margin", "pack_size": 2, "moq": 1, "display_min": 0,
    "is_closed": False, "quantity_before_lots": 5, "suggested_qty": 6, "expected_saving": 10.0,
    "reason": "BELOW_TARGET",
}  # fmt: skip


@pytest.fixture
def explained(buyers):
    """The buyers, on a server that has the models beside it."""
    buyers.client.app.state.explain = explain_suggestion
    yield buyers
    del buyers.client.app.state.explain


def test_the_receipt_is_replayed_and_what_differs_is_said(explained) -> None:
    answers = {
        quantity: explained.get(
            f"/suggestions/{explained.suggestion(quantity, receipt=json.dumps(RECEIPT))}/explanation", explained.buyer
        )
        for quantity in (6, 8, 60)
    }
    replays = {quantity: answer.json()["replay"] for quantity, answer in answers.items()}
    (true,) = {replay["quantity"] for replay in replays.values()}
    assert {quantity: replay["agrees"] for quantity, replay in replays.items()} == {
        quantity: quantity == true for quantity in (6, 8, 60)
    }
    assert true in (6, 8)
    assert replays[60]["says"].startswith("REPLAY DIFFERS")
    shown = answers[true].json()
    assert shown["headline"].startswith(f"Order {true}: ")
    assert "317" in " ".join(shown["sentences"])
    assert "█" in shown["chart"]
    assert true in {each["quantity"] for each in shown["alternatives"]}
    assert all("saved_amount" in each for each in shown["alternatives"])


def test_costs_are_absent_for_the_manager_and_another_store_is_refused(explained) -> None:
    suggestion = explained.suggestion(6, receipt=json.dumps(RECEIPT))
    path = f"/suggestions/{suggestion}/explanation"
    hidden = explained.get(path, explained.manager)
    assert hidden.status_code == 200, hidden.text
    for secret in ("saved_amount", "317", "1.25", "receipt", "holding_cost"):
        assert secret not in hidden.text.replace("its receipt", "")
    assert explained.problem(explained.get(path, explained.stranger)) == (403, "store-out-of-scope")
    assert explained.problem(explained.get(path, explained.user("staff")))[0] == 403
    assert explained.problem(explained.get("/suggestions/999999/explanation", explained.buyer))[0] == 404


def test_a_server_without_models_says_so(buyers) -> None:
    answer = buyers.get(f"/suggestions/{buyers.suggestion()}/explanation", buyers.buyer)
    assert buyers.problem(answer) == (404, "no-explanation")
