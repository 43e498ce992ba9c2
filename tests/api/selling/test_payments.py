"""Money for an order: never more than is due, not even by two tills at once; no card number is ever taken."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from api.refusals import Invalid
from api.services.payments import refuse_card_number

CARD = "4111 1111 1111 1111"


def code(answer) -> str:
    return answer.json()["type"].removeprefix("urn:ims:problem:")


def pay(shop, order, **body):
    return shop.post(f"/orders/{order['sales_order_id']}/payments", {"method": "cash", **body})


@pytest.fixture
def order(shop):
    """An order of 118.00 that waits for its money."""
    return shop.confirmed({"product_id": shop.product("100", stock=1)})


def test_an_order_is_paid_in_parts_and_no_further(shop, order) -> None:
    path = f"/orders/{order['sales_order_id']}"
    states = []
    for amount in ("18.00", "50.00", "50.00"):
        assert pay(shop, order, amount=amount).status_code == 201
        states.append(shop.get(path).json()["payment_status"])
    assert states == ["partial", "partial", "paid"]
    refused = pay(shop, order, amount="0.01")
    assert (refused.status_code, code(refused), refused.json()["due_amount"]) == (409, "more-than-due", "0.00")
    assert refused.json()["faults"][0]["where"] == "amount"
    listed = shop.get(f"{path}/payments").json()["items"]
    assert [item["amount"] for item in listed] == ["18.00", "50.00", "50.00"]
    assert shop.get("/orders", store_id=shop.store_id).json()["items"][0]["payment_status"] == "paid"


def test_two_tills_at_once_do_not_overpay(shop, order) -> None:
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: pay(shop, order, amount="59.00"), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    paid = shop.one("SELECT sum(amount) AS paid FROM payments WHERE sales_order_id = %s", order["sales_order_id"])
    assert paid["paid"] == 118


def test_the_same_key_takes_money_once(shop, order) -> None:
    body = {"method": "cash", "amount": "100.00"}
    path = f"/orders/{order['sales_order_id']}/payments"
    answers = [shop.post(path, body, key=f"till-{shop.number}-1") for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert shop.get(f"/orders/{order['sales_order_id']}").json()["paid_amount"] == "100.00"


@pytest.mark.parametrize("reference", [CARD, "4111111111111111", "4111-1111-1111-1111", "slip 4111111111111111 of May"])
def test_a_card_number_is_refused_and_kept_nowhere(shop, order, caplog, reference: str) -> None:
    caplog.set_level("DEBUG")
    refused = pay(shop, order, method="card", amount="118.00", reference=reference)
    assert (refused.status_code, code(refused)) == (422, "card-number")
    assert refused.json()["faults"][0]["where"] == "reference"
    assert "4111" not in refused.text
    assert "4111" not in caplog.text
    for table in ("audit_log", "payments", "idempotency_keys", "outbox_messages"):
        rows = shop.rows(f"SELECT t::text AS row FROM {table} AS t")
        assert not any("41111111" in re.sub(r"[ -]", "", row["row"]) for row in rows)


def test_references_of_banks_are_no_card_numbers() -> None:
    for text, method in (("123456789012", "card"), ("000000000000", "upi"), ("SBIN0001234/77", "bank_transfer")):
        refuse_card_number("reference", text, method)
    for text, method in ((CARD, "upi"), ("000000000000", "card"), (f"x{CARD}", "cash")):
        with pytest.raises(Invalid):
            refuse_card_number("reference", text, method)


def test_the_same_slip_is_not_entered_twice(shop, order) -> None:
    slip = f"SLIP{shop.number}"
    assert pay(shop, order, method="card", amount="10.00", reference=slip).status_code == 201
    refused = pay(shop, order, method="card", amount="10.00", reference=slip)
    assert (refused.status_code, code(refused)) == (409, "reference-used")


@pytest.mark.parametrize("amount", ["0", "-5", "0.001", "1e12", "NaN", "Infinity", "much"])
def test_amounts_that_are_none_are_refused(shop, order, amount: str) -> None:
    assert pay(shop, order, amount=amount).status_code == 422


def test_nothing_is_paid_for_a_draft_or_a_cancelled_order(shop) -> None:
    draft = shop.draft({"product_id": shop.product("100", stock=1)})
    assert code(pay(shop, draft, amount="1.00")) == "not-payable"
    assert shop.step(draft, "cancel", body={"reason": "none"}).status_code == 200
    assert code(pay(shop, draft, amount="1.00")) == "not-payable"


def test_credit_is_given_to_known_customers_and_lets_goods_go(shop, order) -> None:
    assert code(pay(shop, order, method="credit", amount="118.00")) == "credit-to-nobody"
    customer = shop.add("customers", customer_code=f"C{shop.number}", full_name="A name", home_store_id=shop.store_id)
    known = shop.confirmed({"product_id": shop.product("100", stock=1)}, customer_id=customer)
    assert pay(shop, known, method="credit", amount="118.00").status_code == 201
    assert shop.step(known, "deliver").status_code == 200


def test_money_goes_back_from_an_open_order_up_to_what_was_paid(shop, order) -> None:
    assert pay(shop, order, amount="100.00").status_code == 201
    path = f"/orders/{order['sales_order_id']}/refunds"
    refused = shop.post(path, {"method": "cash", "amount": "100.01"})
    assert (refused.status_code, code(refused)) == (409, "more-than-paid")
    assert shop.post(path, {"method": "cash", "amount": "100.00"}).status_code == 201
    shown = shop.get(f"/orders/{order['sales_order_id']}").json()
    assert (shown["payment_status"], Decimal(shown["due_amount"])) == ("refunded", 118)
    denied = shop.post(path, {"method": "cash", "amount": "1.00"}, shop.staff)
    assert (denied.status_code, code(denied)) == (403, "not-permitted")


def test_an_order_from_elsewhere_without_amounts_takes_no_money(shop) -> None:
    order_id = shop.add("sales_orders", order_ref="old", store_id=shop.store_id, ordered_on="2024-05-01")
    refused = pay(shop, {"sales_order_id": order_id}, amount="1.00")
    assert (refused.status_code, code(refused)) == (409, "order-without-amounts")
    assert "payment_status" not in shop.get(f"/orders/{order_id}").json()
