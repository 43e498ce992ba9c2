"""What comes back: never more than was sold, to the right place, with the exact part of the money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api.services.action import Action, Row
from api.services.order_amounts import part_of


def code(answer) -> str:
    return answer.json()["type"].removeprefix("urn:ims:problem:")


def give_back(shop, order, *lines, who=None, refund=None, **terms):
    body = {"reason": "did not suit", "lines": list(lines), "refund": refund, **terms}
    return shop.post(f"/orders/{order['sales_order_id']}/returns", body, who)


def line_of(order, number=0, quantity=1, condition="good", **more):
    key = order["lines"][number]["sales_order_line_id"]
    return {"sales_order_line_id": key, "quantity": quantity, "condition": condition, **more}


def test_good_goods_go_to_the_shelves_and_others_to_quarantine(shop) -> None:
    product = shop.product("33.33", stock=5)
    order = shop.delivered({"product_id": product, "quantity": 3})
    assert shop.level(product) == (2, 0)
    first = give_back(shop, order, line_of(order))
    assert first.status_code == 201, first.text
    assert shop.level(product) == (3, 0)
    second = give_back(shop, order, line_of(order, condition="opened"), line_of(order, condition="damaged"))
    assert second.status_code == 201, second.text
    assert (shop.level(product), shop.level(product, "quarantine")) == ((3, 0), (2, 0))
    notes = [answer.json()["credit_note_number"] for answer in (first, second)]
    assert [note[-6:] for note in notes] == ["000001", "000002"]
    amounts = [Decimal(answer.json()["total_amount"]) for answer in (first, second)]
    assert sum(amounts) == Decimal(order["total_amount"])
    shown = shop.get(f"/orders/{order['sales_order_id']}").json()
    assert (shown["status"], shown["lines"][0]["returned_qty"]) == ("returned", 3)
    assert shop.get(f"/returns/{first.json()['sales_return_id']}").json() == first.json()
    assert len(shop.get("/returns", order_id=order["sales_order_id"]).json()["items"]) == 2


def test_no_more_comes_back_than_was_sold(shop) -> None:
    product = shop.product("100", stock=5)
    order = shop.delivered({"product_id": product, "quantity": 2})
    assert give_back(shop, order, line_of(order)).status_code == 201
    refused = give_back(shop, order, line_of(order, quantity=2))
    assert (refused.status_code, code(refused)) == (409, "more-than-sold")
    assert refused.json()["faults"][0]["where"] == "lines.0.quantity"
    assert shop.level(product) == (4, 0)
    other = shop.delivered({"product_id": product})
    refused = give_back(shop, order, line_of(other))
    assert (refused.status_code, code(refused)) == (422, "unknown-line")


def test_only_a_delivered_order_comes_back(shop) -> None:
    order = shop.confirmed({"product_id": shop.product("100", stock=1)})
    refused = give_back(shop, order, line_of(order))
    assert (refused.status_code, code(refused)) == (409, "not-allowed-now")
    assert refused.json()["possible"] == ["process", "ready", "deliver", "cancel"]


def test_the_refund_may_be_recorded_in_the_call_and_no_more_later(shop) -> None:
    order = shop.delivered({"product_id": shop.product("100", stock=2), "quantity": 2})
    assert order["total_amount"] == "236.00"
    taken = give_back(shop, order, line_of(order), refund={"method": "cash"})
    assert taken.status_code == 201, taken.text
    shown = shop.get(f"/orders/{order['sales_order_id']}").json()
    assert (shown["paid_amount"], shown["returned_amount"], shown["due_amount"]) == ("118.00", "118.00", "0.00")
    again = shop.post(f"/orders/{order['sales_order_id']}/refunds", {"method": "cash", "amount": "1.00"})
    assert (again.status_code, code(again)) == (409, "more-than-paid")


def test_a_return_without_a_refund_is_given_back_later(shop) -> None:
    order = shop.delivered({"product_id": shop.product("100", stock=2), "quantity": 2})
    assert give_back(shop, order, line_of(order, quantity=2)).status_code == 201
    path = f"/orders/{order['sales_order_id']}/refunds"
    assert shop.post(path, {"method": "upi", "amount": "236.00", "reference": "123456789012"}).status_code == 201
    shown = shop.get(f"/orders/{order['sales_order_id']}").json()
    assert (shown["status"], shown["payment_status"], shown["paid_amount"]) == ("returned", "refunded", "0.00")


def test_units_that_come_back_are_named_unless_all_do(shop) -> None:
    product = shop.product("100", is_serialised=True)
    for serial in ("a", "b"):
        shop.put(product, 1, unit=shop.add("stock_units", product_id=product, serial=serial))
    order = shop.delivered({"product_id": product, "quantity": 2})
    refused = give_back(shop, order, line_of(order))
    assert (refused.status_code, code(refused)) == (422, "units-not-named")
    sold = shop.rows("SELECT stock_unit_id FROM stock_units WHERE product_id = %s ORDER BY serial", product)
    units = [row["stock_unit_id"] for row in sold]
    assert give_back(shop, order, line_of(order, stock_unit_ids=units[1:])).status_code == 201
    refused = give_back(shop, order, line_of(order, stock_unit_ids=units[1:]))
    assert (refused.status_code, code(refused)) == (409, "unit-not-sold")
    assert give_back(shop, order, line_of(order, condition="damaged")).status_code == 201
    assert (shop.level(product), shop.level(product, "quarantine")) == ((1, 0), (1, 0))


def test_many_lines_come_back_by_as_many_statements_as_one(shop, monkeypatch) -> None:
    one, many = (
        shop.delivered(*({"product_id": shop.product("100", stock=1)} for _ in range(count))) for count in (1, 5)
    )
    asked: list[str] = []
    ask = Action.rows

    async def count(action: Action, query: str, **values: Any) -> list[Row]:
        asked.append(query)
        return await ask(action, query, **values)

    monkeypatch.setattr(Action, "rows", count)
    counts = []
    for order in (one, many):
        asked.clear()
        returned = give_back(shop, order, *(line_of(order, number) for number in range(len(order["lines"]))))
        assert returned.status_code == 201, returned.text
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0


def test_staff_and_other_stores_take_nothing_back(shop) -> None:
    product = shop.product("100", stock=1)
    order = shop.delivered({"product_id": product})
    other_store = f"X{shop.number}"
    shop.add("stores", store_code=other_store, name="Another")
    for who, expected in ((shop.staff, "not-permitted"), (shop.user("manager", (other_store,)), "store-out-of-scope")):
        refused = give_back(shop, order, line_of(order), who=who)
        assert (refused.status_code, code(refused)) == (403, expected)
    assert shop.level(product) == (0, 0)
    assert shop.rows("SELECT 1 FROM sales_returns WHERE sales_order_id = %s", order["sales_order_id"]) == []


def test_parts_of_an_amount_add_up_however_it_is_divided() -> None:
    assert [part_of(Decimal("10.00"), 3, n, 1) for n in range(3)] == [Decimal(x) for x in ("3.33", "3.34", "3.33")]
