"""The invariants of sales hold after selling, and each finds what would break it."""

from __future__ import annotations

import psycopg
import pytest

from api.services.invariants import check_invariants

# written with every trigger and reference asleep, as only a superuser can
BREAKS = {
    "delivered_lines_left_stock": "UPDATE stock_moves SET quantity = 9 WHERE reference_type = 'sales_order_line'",
    "orders_equal_their_lines": "UPDATE sales_orders SET tax_amount = tax_amount + 1, total_amount = total_amount + 1",
    "payments_within_what_is_due": "UPDATE payments SET amount = amount + 1000 WHERE kind = 'payment'",
    "returns_within_what_was_sold": "UPDATE sales_return_lines SET quantity = 5",
}


@pytest.fixture
def sold(shop):
    """An order that was delivered and came back in part, one cancelled, one that waits, one of a service."""
    product = shop.product("100", stock=9)
    fitting = shop.product("100", category=shop.make_category("service"))
    order = shop.delivered({"product_id": product, "quantity": 3, "discount_share": "0.1"}, {"product_id": fitting})
    line = {"sales_order_line_id": order["lines"][0]["sales_order_line_id"], "quantity": 1, "condition": "damaged"}
    body = {"reason": "broken", "lines": [line], "refund": {"method": "cash"}}
    assert shop.post(f"/orders/{order['sales_order_id']}/returns", body).status_code == 201
    waits = shop.confirmed({"product_id": product})
    assert shop.pay(waits, "50").status_code == 201
    gone = shop.step(shop.confirmed({"product_id": product}), "cancel", body={"reason": "none"})
    assert gone.status_code == 200
    return shop


@pytest.mark.parametrize("name", BREAKS)
def test_each_invariant_holds_and_finds_its_breach(sold, name: str) -> None:
    with psycopg.connect(sold.url) as connection:
        assert {each: count for each, count in check_invariants(connection).items() if count} == {}
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(BREAKS[name].encode())
        assert check_invariants(connection)[name] > 0
        connection.rollback()
