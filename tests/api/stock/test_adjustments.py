"""Adjustments: at once up to the limits, above them by two people; refused ones change nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest


def body(chain, product: int, quantity: int, reason: str = "miscount", **more: object) -> dict[str, object]:
    return {"store_id": chain.here, "product_id": product, "quantity": quantity, "reason": reason, **more}


@pytest.mark.parametrize(
    ("quantity", "reason", "kind", "left"),
    [
        (-2, "miscount", "adjustment", 3),
        (3, "found", "adjustment", 8),
        (-1, "damage", "damage", 4),
        (-5, "expiry", "expiry", 0),
    ],
)
def test_a_small_one_is_posted_at_once(chain, quantity: int, reason: str, kind: str, left: int) -> None:
    product = chain.product(5)
    made = chain.done("/adjustments", body(chain, product, quantity, reason, note="shelf 4"))
    assert (made["status"], made["needs_approval"], made["quantity"]) == ("posted", False, quantity)
    assert chain.level(product) == (left, 0)
    assert chain.get(f"/stock/moves/{made['stock_move_id']}").json()["kind"] == kind
    assert "unit_cost" not in made
    assert "cost_amount" not in made
    seen = chain.get(f"/adjustments/{made['stock_adjustment_id']}", chain.admin).json()
    assert Decimal(seen["cost_amount"]) == 10 * abs(quantity)
    assert chain.events("stock.adjusted", made["stock_adjustment_id"])[0]["after"]["reason"] == reason


def test_the_same_key_adjusts_once(chain, refused) -> None:
    product = chain.product(5)
    first = chain.post("/adjustments", body(chain, product, -1), key="adjust-once-1")
    again = chain.post("/adjustments", body(chain, product, -1), key="adjust-once-1")
    assert (first.content, again.headers["idempotent-replayed"]) == (again.content, "true")
    assert chain.level(product) == (4, 0)
    refused(chain.post("/adjustments", body(chain, product, -2), key="adjust-once-1"), 409, "key-reused")
    answer = chain.client.post("/api/v1/adjustments", headers=chain.manager, json=body(chain, product, -1))
    assert answer.status_code == 422
    assert chain.level(product) == (4, 0)


def test_the_same_request_twice_at_once_is_done_once_and_answered_twice(chain) -> None:
    """The second must not find the goods gone that the first is just taking."""
    for number in range(10):
        product = chain.product(3)
        asked = body(chain, product, -3)
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(lambda _, n=number, a=asked: chain.post("/adjustments", a, key=f"at-once-{n}"), "1234")
            )
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1
        assert chain.level(product) == (0, 0)


@pytest.mark.parametrize(("quantity", "cost"), [(-6, "1"), (6, "1"), (-2, "3000")])
def test_a_large_one_waits_for_somebody_else(chain, refused, quantity: int, cost: str) -> None:
    product = chain.product(10, unit_cost=cost)
    approver = f"approver{product}@chain.example"
    chain.user("admin", email=approver)
    asker = chain.user("admin", email=f"asker{product}@chain.example")
    made = chain.done("/adjustments", body(chain, product, quantity), asker)
    path = f"/adjustments/{made['stock_adjustment_id']}"
    assert (made["status"], made["needs_approval"]) == ("pending", True)
    assert chain.level(product) == (10, 0)
    assert [row["stock_adjustment_id"] for row in chain.items("/adjustments", status="pending")] == [
        made["stock_adjustment_id"]
    ]
    assert len(chain.mails(approver)) == 1
    refused(chain.post(f"{path}/approve", {}), 403, "not-permitted")
    refused(chain.post(f"{path}/approve", {}, asker), 403, "own-request")
    refused(chain.post(f"{path}/refuse", {"note": "no"}, asker), 403, "own-request")
    assert chain.level(product) == (10, 0)
    done = chain.done(f"{path}/approve", {"note": "seen"}, chain.boss)
    assert (done["status"], done["decision_note"]) == ("posted", "seen")
    assert chain.level(product) == (10 + quantity, 0)
    refused(chain.post(f"{path}/approve", {}, chain.boss), 409, "not-allowed-now")
    assert chain.mails(f"asker{product}@chain.example") == [
        f"IMS: stock adjustment {made['stock_adjustment_id']} was approved"
    ]


def test_a_refused_one_moves_nothing(chain, refused) -> None:
    product = chain.product(10)
    made = chain.done("/adjustments", body(chain, product, -9))
    path = f"/adjustments/{made['stock_adjustment_id']}"
    assert chain.post(f"{path}/refuse", {}, chain.admin).status_code == 422
    done = chain.done(f"{path}/refuse", {"note": "count first"}, chain.admin)
    assert (done["status"], done["decision_note"]) == ("refused", "count first")
    refused(chain.post(f"{path}/approve", {}, chain.admin), 409, "not-allowed-now")
    assert chain.level(product) == (10, 0)
    assert len(chain.events("stock.adjustment_refused", made["stock_adjustment_id"])) == 1


def test_what_is_gone_by_the_time_it_is_approved_is_not_taken(chain, refused) -> None:
    product = chain.product(10)
    made = chain.done("/adjustments", body(chain, product, -9))
    chain.sell(product, 5)
    path = f"/adjustments/{made['stock_adjustment_id']}"
    refused(chain.post(f"{path}/approve", {}, chain.admin), 409, "stock-below-zero")
    assert chain.get(path).json()["status"] == "pending"
    assert chain.level(product) == (5, 0)


def test_what_does_not_fit_is_refused(chain, refused) -> None:
    product = chain.product(5)
    lens, (cell,) = chain.lens("-1.00")
    frame, (unit,) = chain.serialised("Z1")
    service = chain.product(category="fitting")
    chain.rows("UPDATE categories SET kind = 'service' WHERE code = 'fitting'")
    cases = [
        (body(chain, product, -1, "found"), 422, "wrong-direction", "quantity"),
        (body(chain, product, 1, "theft"), 422, "wrong-direction", "quantity"),
        (body(chain, product, -6 + 1 - 1 + 1, lens_cell_id=cell), 422, "not-of-this-product", "lens_cell_id"),
        (body(chain, product, -1, stock_unit_id=unit), 422, "not-of-this-product", "stock_unit_id"),
        (body(chain, lens, 1), 422, "needs-a-cell", "lens_cell_id"),
        (body(chain, frame, 1), 422, "needs-a-unit", "stock_unit_id"),
        (body(chain, frame, -2, stock_unit_id=unit), 422, "rule-broken", "quantity"),
        (body(chain, service, 1), 422, "not-stocked", "product_id"),
        (body(chain, 999999999, 1), 422, "unknown-product", "product_id"),
        (body(chain, product, -1) | {"store_id": chain.there}, 403, "store-out-of-scope", None),
        (body(chain, product, 0), 422, "invalid-request", "body.quantity"),
        (body(chain, frame, 1, stock_unit_id=unit), 409, "unit-elsewhere", None),
        (body(chain, chain.product(2), -3), 409, "stock-below-zero", None),
    ]
    for asked, status, expected, where in cases:
        refused(chain.post("/adjustments", asked), status, expected, where)
    assert chain.rows("SELECT count(*) FROM stock_adjustments WHERE store_id = %s", chain.here) == [{"count": 0}]
    assert (chain.level(product), chain.level(frame)) == ((5, 0), (1, 0))
    assert chain.rows("SELECT count(*) FROM audit_log WHERE kind = 'access.denied' AND store_id = %s", chain.there) == [
        {"count": 1}
    ]


def test_a_loss_may_take_what_is_reserved_and_a_sale_may_not(chain) -> None:
    product = chain.product(3)
    lines = [{"product_id": product, "quantity": 3}]
    transfer = chain.done(
        "/transfers", {"from_store_id": chain.here, "to_store_id": chain.there, "lines": lines}, chain.other
    )
    chain.done(f"/transfers/{transfer['stock_transfer_id']}/approve", {}, chain.area)
    chain.done("/adjustments", body(chain, product, -1, "damage"))
    assert chain.level(product) == (2, 3)
    answer = chain.post(f"/transfers/{transfer['stock_transfer_id']}/ship", {})
    assert answer.status_code == 409
    line = transfer["lines"][0]["stock_transfer_line_id"]
    partly = {"lines": [{"stock_transfer_line_id": line, "quantity": 2}]}
    chain.done(f"/transfers/{transfer['stock_transfer_id']}/ship", partly)
    assert chain.level(product) == (0, 0)


def test_a_closed_store_is_left_alone(chain, refused) -> None:
    product = chain.product(3)
    chain.rows("UPDATE stores SET closed_on = '2024-06-01' WHERE store_id = %s", chain.here)
    refused(chain.post("/adjustments", body(chain, product, -1)), 409, "store-closed")


def test_what_the_ledger_does_not_say_is_found(chain, broken) -> None:
    made = chain.done("/adjustments", body(chain, chain.product(5), -1))
    this = f"WHERE stock_adjustment_id = {made['stock_adjustment_id']}"
    for change in ("quantity = -2", "status = 'refused', approved_by = 0, approved_at = now()"):
        assert broken(f"UPDATE stock_adjustments SET {change} {this}") == {"adjustments_are_in_the_ledger"}
