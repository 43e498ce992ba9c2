"""What a line comes to: price, mrp, dated tax, discount; exact, against a second computation in whole paise."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction

import pytest

from api.services.order_amounts import amounts_of_line, price_without_tax, sum_amounts


def code(answer) -> str:
    return answer.json()["type"].removeprefix("urn:ims:problem:")


def half_up(value: Fraction) -> int:
    """To the nearest whole number, a half upwards."""
    return (value * 2 + 1).__floor__() // 2


def in_paise(quantity: int, price: str, share: str, rate: str) -> tuple[int, int, int, int]:
    """subtotal, discount, tax and total of a line in paise, by fractions alone: the second computation."""
    subtotal = half_up(quantity * Fraction(price) * 100)
    discount = half_up(subtotal * Fraction(share))
    tax = half_up((subtotal - discount) * Fraction(rate))
    return subtotal, discount, tax, subtotal - discount + tax


def test_lines_and_orders_are_exact_to_the_paisa() -> None:
    chance = random.Random(20261125)
    lines, expected = [], [0, 0, 0, 0]
    for _ in range(5000):
        quantity = chance.choice((1, 1, 1, 2, 3, 7, 100))
        price = f"{chance.randrange(0, 200_000_000) / 10_000:.4f}"
        share = chance.choice(("0", "0.1", "0.0333", "0.05", "0.125", "1"))
        rate = chance.choice(("0", "0.05", "0.12", "0.18", "0.28", "0.0525"))
        line = amounts_of_line(quantity, Decimal(price), Decimal(share), Decimal(rate))
        paise = in_paise(quantity, price, share, rate)
        assert [line.subtotal, line.discount, line.tax, line.total] == [Decimal(each) / 100 for each in paise]
        lines.append(line)
        expected = [a + b for a, b in zip(expected, paise, strict=True)]
    whole = sum_amounts(lines)
    assert [whole.subtotal, whole.discount, whole.tax, whole.total] == [Decimal(each) / 100 for each in expected]
    assert whole.total == whole.taxable + whole.tax == sum(line.total for line in lines)


def test_the_database_agrees_with_the_arithmetic(shop) -> None:
    """Its constraints compute net, tax and total of every line once more."""
    chance = random.Random(7)
    lines = [
        {
            "product_id": shop.product(f"{chance.randrange(1, 90_000_000) / 10_000:.4f}", discount_class="PREMIUM"),
            "quantity": chance.choice((1, 2, 3, 11)),
            "discount_share": chance.choice((None, "0.0333", "0.125", "0.2")),
        }
        for _ in range(40)
    ]
    order = shop.draft(*lines)
    whole = [Decimal(0)] * 3
    for line, asked in zip(order["lines"], lines, strict=True):
        share = asked["discount_share"] or "0"
        _, discount, tax, total = in_paise(line["quantity"], line["unit_price"], share, line["tax_rate"])
        assert Decimal(line["line_total"]) * 100 == total
        whole = [a + b for a, b in zip(whole, (discount, tax, total), strict=True)]
    given = [order[name] for name in ("discount_amount", "tax_amount", "total_amount")]
    assert [Decimal(each) * 100 for each in given] == whole


def test_nobody_pays_more_than_the_mrp() -> None:
    assert price_without_tax(Decimal(990), Decimal(1000), Decimal("0.05")) == Decimal("952.3809")
    assert price_without_tax(Decimal(900), Decimal(1000), Decimal("0.05")) == 900
    assert price_without_tax(None, None, Decimal("0.05")) is None
    for rate in ("0", "0.05", "0.12", "0.18", "0.28"):
        for mrp in range(1, 3000, 7):
            price = price_without_tax(None, Decimal(mrp), Decimal(rate))
            over = amounts_of_line(1, price, Decimal(0), Decimal(rate)).total - mrp
            assert over <= Decimal("0.01")


def test_a_price_by_mrp_alone_gives_the_mrp(shop) -> None:
    order = shop.draft({"product_id": shop.product(None, mrp="1180.00")})
    assert (order["lines"][0]["unit_price"], order["total_amount"]) == ("1000.0000", "1180.00")
    nothing = shop.post("/orders", {"store_id": shop.store_id, "lines": [{"product_id": shop.product(None)}]})
    assert (nothing.status_code, code(nothing)) == (409, "no-price")
    assert nothing.json()["faults"][0]["where"] == "lines.0.product_id"


def test_a_stores_own_price_goes_before_the_chains_and_that_before_the_catalogues(shop) -> None:
    product = shop.product("100")

    def price() -> str:
        return shop.draft({"product_id": product})["lines"][0]["unit_price"]

    assert price() == "100.0000"
    path = f"/products/{product}/prices"
    assert shop.post(path, {"unit_price": "90"}, shop.admin).status_code == 201
    assert price() == "90.0000"
    assert shop.post(path, {"unit_price": "80", "store_id": shop.store_id}, shop.admin).status_code == 201
    assert price() == "80.0000"
    assert Decimal(shop.get(f"/products/{product}", store_id=shop.store_id).json()["price"]) == 80
    assert Decimal(shop.get(f"/products/{product}").json()["price"]) == 90


def test_a_confirmed_order_keeps_its_price_and_a_draft_takes_the_new_one(shop) -> None:
    product = shop.product("100", stock=2)
    draft, confirmed = shop.draft({"product_id": product}), shop.confirmed({"product_id": product})
    assert shop.post(f"/products/{product}/prices", {"unit_price": "50"}, shop.admin).status_code == 201
    assert shop.get(f"/orders/{confirmed['sales_order_id']}").json()["total_amount"] == "118.00"
    assert shop.step(draft, "confirm").json()["total_amount"] == "59.00"


def test_a_new_price_ends_the_former_one_the_day_before(shop) -> None:
    product = shop.product("100")
    path = f"/products/{product}/prices"

    def put(price: str, days: int):
        day = (today + dt.timedelta(days=days)).isoformat()
        return shop.post(path, {"unit_price": price, "valid_from_on": day}, shop.admin)

    today = shop.one("SELECT (now() AT TIME ZONE 'Asia/Kolkata')::date AS day")["day"]
    assert [put(price, days).status_code for price, days in (("10", 0), ("30", 20), ("20", 10), ("21", 10))] == [
        201
    ] * 4
    prices = sorted(shop.get(path).json()["items"], key=lambda each: each["valid_from_on"])
    day = [(today + dt.timedelta(days=days)).isoformat() for days in (0, 9, 10, 19, 20)]
    assert [(Decimal(x["unit_price"]), x["valid_from_on"], x.get("valid_to_on")) for x in prices] == [
        (10, day[0], day[1]), (21, day[2], day[3]), (30, day[4], None),
    ]  # fmt: skip
    past = put("9", -1)
    assert (past.status_code, code(past)) == (422, "past-day")
    low = shop.post(path, {"unit_price": "10", "mrp": "9.99"}, shop.admin)
    assert (low.status_code, code(low)) == (422, "mrp-below-price")
    assert shop.post(path, {"unit_price": "1"}, shop.manager).status_code == 403


def test_the_tax_is_the_rate_of_the_day(shop) -> None:
    product = shop.product("100", stock=1)
    today = shop.one("SELECT (now() AT TIME ZONE 'Asia/Kolkata')::date AS day")["day"]
    path = f"/tax-classes/{shop.tax_class_id}/rates"
    order = shop.draft({"product_id": product})
    assert order["total_amount"] == "118.00"
    assert shop.post(path, {"rate": "0.05", "valid_from_on": today.isoformat()}, shop.admin).status_code == 201
    assert shop.step(order, "confirm").json()["total_amount"] == "105.00"
    rates = shop.get(path).json()["items"]
    yesterday = (today - dt.timedelta(days=1)).isoformat()
    assert [(Decimal(x["rate"]), x.get("valid_to_on")) for x in rates] == [
        (Decimal("0.18"), yesterday),
        (Decimal("0.05"), None),
    ]
    assert Decimal(shop.get(f"/products/{product}", on=yesterday).json()["tax_rate"]) == Decimal("0.18")
    again = shop.post(path, {"rate": "0.06", "valid_from_on": today.isoformat()}, shop.admin)
    assert (again.status_code, code(again)) == (409, "overlaps")
    past = shop.post(path, {"rate": "0.06", "valid_from_on": "2020-02-02"}, shop.admin)
    assert (past.status_code, code(past)) == (422, "past-day")


def test_a_product_without_any_tax_rate_is_not_sold(shop) -> None:
    shop.add("categories", code=f"untaxed {shop.number}", name="Untaxed")
    product = shop.product("100", category=f"untaxed {shop.number}")
    answer = shop.post("/orders", {"store_id": shop.store_id, "lines": [{"product_id": product}]})
    assert (answer.status_code, code(answer)) == (409, "no-tax-rate")
    own = shop.product("100", category=f"untaxed {shop.number}", tax_rate="0.05")
    assert shop.draft({"product_id": own})["total_amount"] == "105.00"


@pytest.mark.parametrize(
    ("role", "its_class", "share", "is_allowed"),
    [
        ("staff", "MASS", "0.10", True),
        ("staff", "MASS", "0.1001", False),
        ("staff", "LUXURY", "0.06", False),
        ("manager", "MASS", "0.15", True),
        ("manager", "PREMIUM", "0.20", True),
        ("manager", "LUXURY", "0.06", False),
        ("admin", "LUXURY", "0.90", True),
    ],
)
def test_discounts_are_capped_by_role_and_class(shop, role: str, its_class: str, share: str, is_allowed: bool) -> None:
    who = {"staff": shop.staff, "manager": shop.manager, "admin": shop.admin}[role]
    product = shop.product("100", stock=1, discount_class=its_class)
    answer = shop.step(shop.draft({"product_id": product, "discount_share": share}, who=who), "confirm", who)
    if is_allowed:
        assert answer.status_code == 200, answer.text
        assert Decimal(answer.json()["discount_amount"]) == 100 * Decimal(share)
    else:
        assert (answer.status_code, code(answer)) == (409, "discount-needs-approval")
        assert answer.json()["faults"][0]["where"] == "lines.0.discount_share"
        assert shop.level(product) == (1, 0)


def test_what_is_never_discounted_is_refused_at_once(shop) -> None:
    product = shop.product("100", discount_class="NON_DISCOUNTABLE")
    line = {"product_id": product, "discount_share": "0.01"}
    answer = shop.post("/orders", {"store_id": shop.store_id, "lines": [line]}, shop.admin)
    assert (answer.status_code, code(answer)) == (422, "not-discountable")


def test_a_higher_discount_is_allowed_by_somebody_else_for_these_lines_only(shop) -> None:
    product = shop.product("100", stock=3)
    line = {"product_id": product, "discount_share": "0.14"}
    order = shop.draft(line, who=shop.staff)
    ask = f"/orders/{order['sales_order_id']}/discount-approvals"
    asked = shop.post(ask, {"reason": "a good customer"}, shop.staff).json()
    assert [Decimal(asked[name]) for name in ("requested_share", "allowed_share")] == [Decimal("0.14"), Decimal("0.1")]
    decide = f"/discount-approvals/{asked['discount_approval_id']}"
    assert shop.post(f"{decide}/approve", None, shop.staff).status_code == 403
    waiting = shop.get("/discount-approvals", state="requested").json()["items"]
    assert [each["discount_approval_id"] for each in waiting] == [asked["discount_approval_id"]]
    assert shop.post(f"{decide}/approve", None, shop.manager).json()["state"] == "approved"
    assert code(shop.post(f"{decide}/refuse", None, shop.manager)) == "decided-already"
    swapped = shop.send("PUT", f"/orders/{order['sales_order_id']}/lines", {"lines": [line]}, shop.staff)
    assert swapped.status_code == 200
    assert code(shop.step(order, "confirm", shop.staff)) == "discount-needs-approval"
    again = shop.post(ask, {}, shop.staff).json()
    assert shop.post(f"/discount-approvals/{again['discount_approval_id']}/approve").status_code == 200
    assert shop.step(order, "confirm", shop.staff).json()["discount_amount"] == "14.00"


def test_nobody_allows_their_own_discount_or_more_than_they_may_give(shop) -> None:
    product = shop.product("100", stock=3)
    order = shop.draft({"product_id": product, "discount_share": "0.5"})
    asked = shop.post(f"/orders/{order['sales_order_id']}/discount-approvals", {}).json()
    path = f"/discount-approvals/{asked['discount_approval_id']}/approve"
    own = shop.post(path)
    assert (own.status_code, code(own)) == (403, "own-request")
    above = shop.post(path, who=shop.user("manager"))
    assert (above.status_code, code(above)) == (403, "above-own-cap")
    assert shop.post(path, who=shop.admin).status_code == 200
    assert shop.step(order, "confirm").json()["discount_amount"] == "50.00"
    shop.add("stores", store_code=f"Y{shop.number}", name="Another")
    away = shop.post(path, who=shop.user("manager", (f"Y{shop.number}",)))
    assert (away.status_code, code(away)) == (403, "store-out-of-scope")
    small = shop.draft({"product_id": product, "discount_share": "0.05"})
    none = shop.post(f"/orders/{small['sales_order_id']}/discount-approvals", {})
    assert (none.status_code, code(none)) == (409, "no-approval-needed")
