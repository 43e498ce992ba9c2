"""Sales orders from draft to delivery: stock, states, scope, numbers; what is refused changes nothing."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg

from api.services.invariants import check_invariants
from api.services.numbers import fiscal_year
from api.services.order_state import STEPS


def code(answer) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.json()["type"].removeprefix("urn:ims:problem:")


def refused(answer, status: int, expected: str, where: str | None = None) -> bool:
    assert (answer.status_code, code(answer)) == (status, expected), answer.text
    return where is None or answer.json()["faults"][0]["where"] == where


def test_an_order_is_drafted_confirmed_paid_and_delivered(shop) -> None:
    product = shop.product("100.00", stock=3, unit_cost="40")
    order = shop.draft({"product_id": product, "quantity": 2}, who=shop.staff)
    assert (order["status"], order["total_amount"], order["due_amount"]) == ("draft", "236.00", "0.00")
    assert shop.level(product) == (3, 0)
    confirmed = shop.step(order, "confirm", shop.staff).json()
    assert (confirmed["status"], confirmed["payment_status"]) == ("confirmed", "unpaid")
    assert shop.level(product) == (3, 2)
    assert refused(shop.step(order, "deliver", shop.staff), 409, "not-paid")
    assert shop.pay(order, who=shop.staff).status_code == 201
    done = shop.step(order, "deliver", shop.staff).json()
    assert (done["status"], done["payment_status"], done["due_amount"]) == ("delivered", "paid", "0.00")
    assert shop.level(product) == (1, 0)
    assert done["place_of_supply"] == "27"
    assert [payment["amount"] for payment in done["payments"]] == ["236.00"]
    moved = shop.one(
        "SELECT quantity, kind, unit_cost FROM stock_moves WHERE product_id = %s AND kind = 'sale'", product
    )
    assert (moved["quantity"], moved["unit_cost"]) == (2, 40)


def test_costs_are_absent_for_managers_and_staff(shop) -> None:
    product = shop.product("100", stock=1, unit_cost="40")
    order = shop.delivered({"product_id": product}, salesperson_id=None)
    for who, sees in ((shop.manager, False), (shop.user("staff"), None), (shop.admin, True)):
        answer = shop.get(f"/orders/{order['sales_order_id']}", who)
        if sees is None:
            assert refused(answer, 403, "not-own-record")
        else:
            assert ("cost_at_sale" in answer.json()["lines"][0]) is sees
    assert "unit_cost" not in shop.get(f"/products/{product}", shop.staff).json()
    assert Decimal(shop.get(f"/products/{product}", shop.admin).json()["unit_cost"]) == 40


def test_only_what_the_table_of_states_allows_may_be_done(shop) -> None:
    ways = {
        "draft": (),
        "confirmed": ("confirm",),
        "processing": ("confirm", "process"),
        "ready": ("confirm", "ready"),
        "delivered": ("confirm", "payments", "deliver"),
        "cancelled": ("cancel",),
    }
    bodies = {"payments": {"method": "cash", "amount": "118.00"}, "cancel": {"reason": "changed their mind"}}
    for status, way in ways.items():
        order = shop.draft({"product_id": shop.product("100", stock=1)})
        for name in way:
            assert shop.step(order, name, body=bodies.get(name)).is_success
        order = shop.get(f"/orders/{order['sales_order_id']}").json()
        possible = [name for name, step in STEPS.items() if status in step.sources]
        assert (order["status"], order["possible"]) == (status, possible)
        for name in ("confirm", "process", "ready", "deliver", "cancel"):
            if name in possible:
                continue
            answer = shop.step(order, name, body=bodies.get(name))
            assert refused(answer, 409, "not-allowed-now")
            assert answer.json()["possible"] == possible
        assert shop.get(f"/orders/{order['sales_order_id']}").json()["version"] == order["version"]


def test_goods_that_are_not_there_are_not_sold(shop) -> None:
    there, short = shop.product("100", stock=1), shop.product("100", stock=1)
    order = shop.draft({"product_id": there}, {"product_id": short, "quantity": 2})
    assert refused(shop.step(order, "confirm"), 409, "stock-not-available", "lines.1.product_id")
    assert (shop.level(there), shop.level(short)) == ((1, 0), (1, 0))
    shown = shop.get(f"/orders/{order['sales_order_id']}").json()
    assert (shown["status"], shown["version"]) == ("draft", order["version"])


def test_services_need_no_stock(shop) -> None:
    fitting = shop.product("300", category=shop.make_category("service"), discount_class="SERVICE")
    assert shop.delivered({"product_id": fitting})["status"] == "delivered"


def test_a_draft_changes_and_a_confirmed_order_does_not(shop) -> None:
    one, other = shop.product("100", stock=1), shop.product("50", stock=1)
    order = shop.draft({"product_id": one})
    path = f"/orders/{order['sales_order_id']}"
    changed = shop.send("PUT", f"{path}/lines", {"lines": [{"product_id": other}, {"product_id": one}]}).json()
    assert [line["product_id"] for line in changed["lines"]] == [other, one]
    assert (changed["total_amount"], changed["version"]) == ("177.00", 2)
    moved = shop.send("PATCH", path, {"expected_on": "2030-01-31", "channel": "phone"}).json()
    assert (moved["expected_on"], moved["channel"], moved["version"]) == ("2030-01-31", "phone", 3)
    assert shop.step(order, "confirm").status_code == 200
    assert refused(shop.send("PUT", f"{path}/lines", {"lines": []}), 409, "not-allowed-now")
    assert refused(shop.send("PATCH", path, {"channel": "store"}), 409, "not-allowed-now")
    empty = shop.draft()
    assert refused(shop.step(empty, "confirm"), 409, "order-has-no-lines")


def test_if_match_keeps_two_sellers_apart(shop) -> None:
    order = shop.draft({"product_id": shop.product("100", stock=1)})
    path = f"/orders/{order['sales_order_id']}"
    tag = shop.get(path).headers["etag"]
    assert shop.send("PATCH", path, {"channel": "phone"}, **{"if-match": tag}).status_code == 200
    late = shop.send("POST", f"{path}/confirm", None, **{"if-match": tag})
    assert refused(late, 412, "changed-meanwhile")
    assert shop.get(path).json()["status"] == "draft"


def test_the_same_key_drafts_once(shop) -> None:
    body = {"store_id": shop.store_id, "lines": [{"product_id": shop.product("100")}]}
    first, again = (shop.post("/orders", body, key="a-key-of-mine") for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    other = shop.post("/orders", {**body, "channel": "phone"}, key="a-key-of-mine")
    assert refused(other, 409, "key-reused")
    assert len(shop.rows("SELECT 1 FROM sales_orders WHERE store_id = %s", shop.store_id)) == 1


def test_another_stores_orders_are_out_of_reach(shop) -> None:
    code_of_other = f"X{shop.number}"
    shop.add("stores", store_code=code_of_other, name="Another")
    stranger = shop.user("manager", (code_of_other,))
    product = shop.product("100", stock=2)
    order = shop.confirmed({"product_id": product})
    path = f"/orders/{order['sales_order_id']}"
    assert refused(shop.get(path, stranger), 403, "store-out-of-scope")
    assert refused(shop.get(f"{path}/payments", stranger), 403, "store-out-of-scope")
    assert refused(shop.get("/orders", stranger, store_id=shop.store_id), 403, "store-out-of-scope")
    assert shop.get("/orders", stranger).json()["items"] == []
    for name, body in (("process", None), ("deliver", None), ("cancel", {"reason": "because"})):
        assert refused(shop.step(order, name, stranger, body), 403, "store-out-of-scope")
    assert refused(shop.pay(order, who=stranger), 403, "store-out-of-scope")
    drafted = shop.post("/orders", {"store_id": shop.store_id, "lines": []}, stranger)
    assert refused(drafted, 403, "store-out-of-scope")
    assert shop.get(path).json() == {**order}
    assert shop.level(product) == (2, 1)
    denied = shop.one("SELECT count(*) AS n FROM audit_log WHERE kind = 'access.denied' AND username LIKE 'manager%%'")
    assert denied["n"] >= 8


def test_staff_sees_and_moves_only_what_it_sold(shop) -> None:
    order = shop.draft({"product_id": shop.product("100", stock=1)}, who=shop.staff)
    colleague = shop.user("staff")
    assert shop.get(f"/orders/{order['sales_order_id']}", shop.staff).status_code == 200
    assert refused(shop.get(f"/orders/{order['sales_order_id']}", colleague), 403, "not-own-record")
    assert refused(shop.step(order, "confirm", colleague), 403, "not-own-record")
    assert [len(shop.get("/orders", who).json()["items"]) for who in (shop.staff, colleague)] == [1, 0]
    assert refused(shop.step(order, "cancel", shop.staff, {"reason": "x"}), 403, "not-permitted")
    mine = shop.post("/orders", {"store_id": shop.store_id, "salesperson_id": order["salesperson_id"]}, colleague)
    assert refused(mine, 403, "not-own-record")


def test_one_of_two_confirms_of_the_last_unit_wins(shop) -> None:
    for is_serialised in (False, True):
        product = shop.product("100", is_serialised=is_serialised)
        unit = shop.add("stock_units", product_id=product, serial="one") if is_serialised else None
        shop.put(product, 1, unit=unit)
        drafts = [shop.draft({"product_id": product}) for _ in range(6)]
        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(lambda order: shop.step(order, "confirm"), drafts))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
        assert {code(answer) for answer in answers if answer.status_code == 409} == {"stock-not-available"}
        assert shop.level(product) == (1, 1)


def test_units_that_expire_first_leave_first_and_expired_ones_never(shop) -> None:
    product = shop.product("100", is_serialised=True)
    for serial, expires_on in (("late", "2090-01-01"), ("gone", "2020-01-01"), ("soon", "2080-01-01")):
        unit = shop.add("stock_units", product_id=product, serial=serial, expires_on=expires_on)
        shop.put(product, 1, unit=unit)
    shop.delivered({"product_id": product})
    sold = shop.one(
        "SELECT serial FROM stock_moves JOIN stock_units USING (stock_unit_id)"
        " WHERE stock_moves.product_id = %s AND kind = 'sale'",
        product,
    )
    assert sold["serial"] == "soon"
    assert shop.step(shop.draft({"product_id": product, "quantity": 2}), "confirm").status_code == 409


def test_invoice_numbers_have_no_gap_although_deliveries_race_and_fail(shop) -> None:
    product = shop.product("100", stock=8)
    orders = [shop.confirmed({"product_id": product}) for _ in range(8)]
    for order in orders[:6]:
        assert shop.pay(order).status_code == 201
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda order: shop.step(order, "deliver"), orders))
    numbers = sorted(answer.json()["invoice_number"] for answer in answers if answer.status_code == 200)
    assert [int(number[-6:]) for number in numbers] == [1, 2, 3, 4, 5, 6]
    assert {number[:-6] for number in numbers} == {numbers[0][:-6]}
    assert (fiscal_year(dt.date(2026, 3, 31), 4), fiscal_year(dt.date(2026, 4, 1), 4)) == ("2526", "2627")
    assert fiscal_year(dt.date(2026, 11, 25), 1) == "2626"


def test_a_cancelled_order_frees_its_goods_and_gives_its_money_back(shop) -> None:
    product = shop.product("100", stock=2)
    order = shop.confirmed({"product_id": product, "quantity": 2})
    assert shop.pay(order, "100").status_code == 201
    assert refused(shop.step(order, "cancel", body={"reason": "too late"}), 409, "refund-first")
    assert shop.level(product) == (2, 2)
    body = {"reason": "too late", "refund": {"method": "cash"}}
    gone = shop.step(order, "cancel", body=body).json()
    assert (gone["status"], gone["payment_status"], gone["paid_amount"]) == ("cancelled", "refunded", "0.00")
    assert (gone["due_amount"], gone["cancel_reason"]) == ("0.00", "too late")
    assert shop.level(product) == (2, 0)


def test_the_business_day_is_the_chains_not_utc(shop) -> None:
    """At any moment one of these two zones, 26 hours apart, is on another day than UTC."""
    product = shop.product("100", stock=2)
    try:
        for zone, hours in (("Etc/GMT-14", 14), ("Etc/GMT+12", -12)):
            shop.rows("UPDATE chain SET timezone = %s", zone)
            there = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)).date().isoformat()
            order = shop.delivered({"product_id": product})
            assert (order["ordered_on"], order["invoiced_on"]) == (there, there)
            row = shop.one("SELECT sold_on FROM sales_order_lines WHERE sales_order_id = %s", order["sales_order_id"])
            assert row["sold_on"].isoformat() == there
    finally:
        shop.rows("UPDATE chain SET timezone = 'Asia/Kolkata'")
    late = shop.one("SELECT (timestamptz '2026-11-25 17:30Z' AT TIME ZONE timezone)::date AS day FROM chain")
    next_day = shop.one("SELECT (timestamptz '2026-11-25 18:31Z' AT TIME ZONE timezone)::date AS day FROM chain")
    assert (late["day"].day, next_day["day"].day) == (25, 26)


def test_the_list_filters_and_pages(shop) -> None:
    product = shop.product("100", stock=9)
    orders = [shop.draft({"product_id": product}) for _ in range(4)]
    shop.step(orders[0], "confirm")
    ids = [order["sales_order_id"] for order in reversed(orders)]

    def found(**wanted):
        return [item["sales_order_id"] for item in shop.get("/orders", **wanted).json()["items"]]

    assert found() == found(store_id=shop.store_id) == ids
    assert found(status="confirmed") == [ids[-1]]
    assert found(q=orders[2]["order_number"]) == [orders[2]["sales_order_id"]]
    assert found(from_on="2199-01-01") == found(to_on="1999-01-01") == found(customer_id=1) == []
    assert found(from_on=orders[0]["ordered_on"], to_on=orders[0]["ordered_on"]) == ids
    first = shop.get("/orders", limit=3).json()
    rest = shop.get("/orders", limit=3, cursor=first["next_cursor"]).json()
    assert [item["sales_order_id"] for item in first["items"] + rest["items"]] == ids
    assert "next_cursor" not in rest
    assert shop.get("/orders", fields="order_number,status", limit=1).json()["items"] == [
        {"order_number": orders[-1]["order_number"], "status": "draft"}
    ]


def test_an_order_is_read_in_three_statements(shop, monkeypatch) -> None:
    order = shop.delivered({"product_id": shop.product("100", stock=1)})
    asked = []
    execute = psycopg.AsyncCursor.execute

    async def counting(cursor, query, *rest, **named):
        asked.append(query)
        return await execute(cursor, query, *rest, **named)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", counting)
    assert shop.get(f"/orders/{order['sales_order_id']}").status_code == 200
    assert sum(b"sales_order" in query for query in asked if isinstance(query, bytes)) == 3


def test_what_happened_is_in_the_audit_log_without_names(shop) -> None:
    order = shop.delivered({"product_id": shop.product("100", stock=1), "discount_share": "0.1"})
    key = str(order["sales_order_id"])
    rows = shop.rows("SELECT kind FROM audit_log WHERE entity_type = 'sales_order' AND entity_id = %s", key)
    assert sorted(row["kind"] for row in rows) == [
        "discount.given", "order.confirmed", "order.created", "order.delivered", "payment.received",
    ]  # fmt: skip


def test_the_invariants_hold_after_all_of_it(shop) -> None:
    shop.delivered({"product_id": shop.product("100", stock=1)})
    with psycopg.connect(shop.url) as connection:
        assert {name: count for name, count in check_invariants(connection).items() if count} == {}
