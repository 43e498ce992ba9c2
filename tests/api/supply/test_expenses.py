"""Expenses: submitted by one, decided by another up to a limit, paid by a third; seen by whom they concern."""

from __future__ import annotations

from typing import Any

import pytest


def expense(buyers: Any, amount: str = "450.00", **more: object) -> dict[str, Any]:
    return {
        "store_id": buyers.here,
        "category": "courier",
        "spent_on": "2026-01-05",
        "amount": amount,
        "description": "Lenses from the lab",
        **more,
    }


def test_an_expense_is_submitted_approved_and_paid(buyers) -> None:
    staff = buyers.user("staff")
    made = buyers.made("/expenses", staff, expense(buyers, tax_amount="50"))
    assert (made["state"], made["amount"], made["tax_amount"]) == ("submitted", "450.00", "50.00")
    path = f"/expenses/{made['expense_id']}"
    assert buyers.problem(buyers.post(f"{path}/approve", staff)) == (403, "not-permitted")
    assert buyers.problem(buyers.post(f"{path}/pay", buyers.accountant)) == (409, "not-allowed-now")
    approved = buyers.made(f"{path}/approve", buyers.manager, {"note": "fine"}, 200)
    assert (approved["state"], approved["decision_note"]) == ("approved", "fine")
    assert buyers.problem(buyers.post(f"{path}/refuse", buyers.accountant, {"reason": "x"})) == (409, "not-allowed-now")
    assert buyers.problem(buyers.post(f"{path}/pay", buyers.manager)) == (403, "not-permitted")
    assert buyers.made(f"{path}/pay", buyers.accountant, status=200)["state"] == "paid"
    assert buyers.problem(buyers.post(f"{path}/pay", buyers.accountant)) == (409, "not-allowed-now")
    kinds = ["expense.submitted", "expense.approved", "expense.paid"]
    assert buyers.audited("expense", made["expense_id"]) == kinds


def test_nobody_approves_their_own_and_a_manager_only_up_to_the_limit(buyers) -> None:
    own = buyers.made("/expenses", buyers.manager, expense(buyers))
    path = f"/expenses/{own['expense_id']}"
    assert buyers.problem(buyers.post(f"{path}/approve", buyers.manager)) == (403, "own-request")
    assert buyers.problem(buyers.post(f"{path}/refuse", buyers.manager, {"reason": "x"})) == (403, "own-request")
    other = buyers.user("manager")
    assert buyers.post(f"{path}/approve", other).status_code == 200
    large = buyers.made("/expenses", buyers.user("staff"), expense(buyers, "5000.01"))
    path = f"/expenses/{large['expense_id']}"
    refused = buyers.post(f"{path}/approve", buyers.manager)
    assert buyers.problem(refused) == (403, "needs-approval")
    assert refused.json()["limit"] == "5000"
    refused = buyers.made(f"{path}/refuse", buyers.manager, {"reason": "too much"}, 200)
    assert refused["state"] == "refused"
    by_accountant = buyers.made("/expenses", buyers.user("staff"), expense(buyers, "9000"))
    assert buyers.post(f"/expenses/{by_accountant['expense_id']}/approve", buyers.accountant).status_code == 200


def test_people_see_what_is_theirs_to_see(buyers) -> None:
    staff, colleague = buyers.user("staff"), buyers.user("staff")
    mine = buyers.made("/expenses", staff, expense(buyers))["expense_id"]
    path = f"/expenses/{mine}"
    assert buyers.problem(buyers.get(path, colleague)) == (403, "not-own-record")
    assert buyers.problem(buyers.get(path, buyers.stranger)) == (403, "store-out-of-scope")
    assert buyers.problem(buyers.get(path, buyers.buyer)) == (403, "not-own-record")
    for who, sees in ((staff, True), (buyers.manager, True), (buyers.accountant, True), (colleague, False)):
        listed = {item["expense_id"] for item in buyers.get("/expenses", who, limit=200).json()["items"]}
        assert (mine in listed) is sees
    for who in (buyers.stranger, buyers.buyer):
        assert mine not in {item["expense_id"] for item in buyers.get("/expenses", who).json()["items"]}
    bought = buyers.made("/expenses", buyers.buyer, expense(buyers))
    assert buyers.get(f"/expenses/{bought['expense_id']}", buyers.buyer).status_code == 200
    before = buyers.get(path, staff).text
    for method, end, body in (
        ("PATCH", "", {"amount": "1"}),
        ("POST", "/approve", None),
        ("POST", "/refuse", {"reason": "x"}),
    ):
        assert buyers.problem(buyers.send(method, path + end, buyers.stranger, body)) == (403, "store-out-of-scope")
    assert buyers.problem(buyers.post("/expenses", buyers.stranger, expense(buyers))) == (403, "store-out-of-scope")
    assert buyers.get(path, staff).text == before


def test_one_corrects_ones_own_until_it_is_decided(buyers) -> None:
    staff = buyers.user("staff")
    made = buyers.made("/expenses", staff, expense(buyers))
    path = f"/expenses/{made['expense_id']}"
    seen = buyers.get(path, staff).headers["etag"]
    changed = buyers.send("PATCH", path, staff, {"amount": "460", "category": "food"}, **{"if-match": seen})
    assert (changed.json()["amount"], changed.json()["category"]) == ("460.00", "food")
    stale = buyers.send("PATCH", path, staff, {"amount": "470"}, **{"if-match": seen})
    assert buyers.problem(stale) == (412, "changed-meanwhile")
    assert buyers.problem(buyers.send("PATCH", path, buyers.manager, {"amount": "1"})) == (403, "not-own-record")
    buyers.made(f"{path}/approve", buyers.manager, status=200)
    assert buyers.problem(buyers.send("PATCH", path, staff, {"amount": "1"})) == (409, "not-allowed-now")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"category": "yachts"}, "unknown-category"),
        ({"spent_on": "2199-01-01"}, "not-yet"),
        ({"tax_amount": "450"}, "tax-above-amount"),
        ({"amount": "0"}, "invalid-request"),
        ({"amount": "1.001"}, "invalid-request"),
        ({"description": " "}, "invalid-request"),
        ({"state": "approved"}, "invalid-request"),
    ],
)
def test_what_is_no_expense_is_refused(buyers, wrong: dict[str, object], code: str) -> None:
    assert buyers.problem(buyers.post("/expenses", buyers.manager, expense(buyers, **wrong))) == (422, code)


def test_a_request_sent_twice_is_one_expense(buyers) -> None:
    answers = buyers.at_once(
        *(lambda: buyers.post("/expenses", buyers.manager, expense(buyers), "expense-key") for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["expense_id"] for answer in answers}) == 1
    assert {c["code"] for c in buyers.get("/expenses/categories", buyers.manager).json()["items"]} >= {"courier"}


def test_two_decide_at_once_and_one_is_first(buyers) -> None:
    made = buyers.made("/expenses", buyers.user("staff"), expense(buyers))
    path = f"/expenses/{made['expense_id']}"
    answers = buyers.at_once(
        lambda: buyers.post(f"{path}/approve", buyers.manager),
        lambda: buyers.post(f"{path}/refuse", buyers.accountant, {"reason": "no"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
