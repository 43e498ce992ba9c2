"""Vendors and purchase orders from draft to shelf: limits, four eyes, receipts never above the order, invoices."""

from __future__ import annotations

import psycopg
import pytest

from api.services.invariants import check_invariants


def receipt(order, *quantities: int, **more: object) -> dict:
    lines = [
        {"purchase_order_line_id": line["purchase_order_line_id"], "accepted_qty": quantity, **more}
        for line, quantity in zip(order["lines"], quantities, strict=False)
    ]
    return {"lines": lines}


def path_of(order) -> str:
    return f"/purchase-orders/{order['purchase_order_id']}"


def test_an_order_goes_from_draft_to_the_shelf(buyers) -> None:
    first, second = buyers.product("40"), buyers.product("2.5", pack_size=10)
    body = {
        "vendor_id": buyers.vendor,
        "delivery_store_id": buyers.here,
        "lines": [{"product_id": first, "quantity": 3}, {"product_id": second, "quantity": 20, "unit_cost": "2.25"}],
    }
    order = buyers.made("/purchase-orders", buyers.buyer, body)
    assert (order["status"], order["cost_amount"]) == ("draft", "165.00")
    assert buyers.open_of(order) == (buyers.codes[0], 23, 0)
    path = path_of(order)
    assert buyers.problem(buyers.post(f"{path}/approve", buyers.buyer)) == (403, "own-request")
    assert buyers.problem(buyers.post(f"{path}/send", buyers.admin)) == (409, "not-allowed-now")
    assert buyers.made(f"{path}/approve", buyers.admin, status=200)["status"] == "approved"
    sent = buyers.made(f"{path}/send", buyers.buyer, status=200)
    assert [line["open_qty"] for line in sent["lines"]] == [3, 20]
    assert buyers.open_of(order) == (buyers.codes[0], 23, 23)
    mail = buyers.one(
        "SELECT recipient, payload FROM outbox_messages WHERE payload ->> 'reference' = %s", order["order_ref"]
    )
    assert mail["recipient"].endswith("@vendor.example")
    assert "20 × B" in mail["payload"]["lines"]
    told = buyers.made(f"{path}/acknowledge", buyers.buyer, {"expected_on": "2030-01-01"}, 200)
    assert {line["expected_on"] for line in told["lines"]} == {"2030-01-01"}
    part = buyers.made(f"{path}/receipts", buyers.manager, receipt(sent, 2, 20))
    assert part["state"] == "accepted"
    assert (buyers.level(first), buyers.level(second)) == (2, 20)
    assert buyers.get(path, buyers.buyer).json()["status"] == "partially_received"
    buyers.made(f"{path}/receipts", buyers.manager, receipt(sent, 1))
    done = buyers.get(path, buyers.buyer).json()
    assert (done["status"], done["possible"], len(done["receipts"])) == ("received", [], 2)
    assert buyers.open_of(order) is None
    moves = buyers.rows(
        "SELECT quantity, unit_cost::text, reference_type FROM stock_moves WHERE product_id = %s", second
    )
    assert moves == [{"quantity": 20, "unit_cost": "2.2500", "reference_type": "goods_receipt_line"}]
    assert buyers.audited("purchase_order", order["purchase_order_id"]) == [
        "purchase.drafted",
        "purchase.approved",
        "purchase.sent",
        "purchase.acknowledged",
    ]


def test_costs_are_absent_for_a_manager(buyers) -> None:
    product = buyers.product("40")
    body = {
        "vendor_id": buyers.vendor,
        "delivery_store_id": buyers.here,
        "lines": [{"product_id": product, "quantity": 3}],
    }
    order = buyers.made("/purchase-orders", buyers.manager, body)
    assert "cost_amount" not in order
    assert "unit_cost" not in order["lines"][0]
    assert buyers.get(path_of(order), buyers.buyer).json()["lines"][0]["unit_cost"] == "40.0000"
    body["lines"][0]["unit_cost"] = "1"
    assert buyers.problem(buyers.post("/purchase-orders", buyers.manager, body)) == (403, "costs-not-seen")
    (term,) = buyers.get("/supply-terms", buyers.manager, product_id=product).json()["items"]
    assert "unit_cost" not in term
    assert buyers.get("/supply-terms", buyers.buyer, product_id=product).json()["items"][0]["unit_cost"] == "40.0000"
    assert buyers.problem(buyers.post(f"{path_of(order)}/approve", buyers.manager))[0] == 403


def test_a_buyer_approves_up_to_the_limit(buyers) -> None:
    buyers.set("purchase_approval_limit", 1000)
    other, product = buyers.user("buyer", ()), buyers.product("100")
    body = {"vendor_id": buyers.vendor, "delivery_store_id": buyers.here}
    small, large = (
        buyers.made("/purchase-orders", buyers.buyer, {**body, "lines": [{"product_id": product, "quantity": number}]})
        for number in (10, 11)
    )
    assert buyers.post(f"{path_of(small)}/approve", other).status_code == 200
    assert buyers.problem(buyers.post(f"{path_of(large)}/approve", other)) == (403, "needs-approval")
    # whoever changes a draft answers for it
    lines = {"lines": [{"product_id": product, "quantity": 1}]}
    assert buyers.send("PUT", f"{path_of(large)}/lines", other, lines).status_code == 200
    assert buyers.problem(buyers.post(f"{path_of(large)}/approve", other)) == (403, "own-request")
    assert buyers.post(f"{path_of(large)}/approve", buyers.buyer).status_code == 200
    buyers.set("purchase_approval_limit", 50000)


def test_a_draft_is_refused_what_its_vendor_does_not_supply_so(buyers) -> None:
    product, packed = buyers.product(), buyers.product(pack_size=6)
    body = {"vendor_id": buyers.vendor, "delivery_store_id": buyers.here}
    for lines, status, code in (
        ([{"product_id": packed, "quantity": 7}], 422, "not-a-pack"),
        ([{"product_id": 10**9, "quantity": 1}], 422, "unknown-product"),
        ([{"product_id": product, "quantity": 1}, {"product_id": product, "quantity": 2}], 422, "twice-the-same"),
        ([{"product_id": product, "quantity": 0}], 422, "invalid-request"),
        ([{"product_id": product, "quantity": 1, "lens_cell_id": 10**9}], 422, "unknown-reference"),
    ):
        answer = buyers.post("/purchase-orders", buyers.buyer, {**body, "lines": lines})
        assert buyers.problem(answer) == (status, code)
    assert buyers.problem(buyers.post("/purchase-orders", buyers.buyer, {**body, "vendor_id": 10**9}))[0] == 422
    buyers.rows("UPDATE vendors SET is_active = false WHERE vendor_id = %s", buyers.vendor)
    assert buyers.problem(buyers.post("/purchase-orders", buyers.buyer, body)) == (409, "vendor-inactive")
    buyers.rows("UPDATE vendors SET is_active = true WHERE vendor_id = %s", buyers.vendor)
    empty = buyers.made("/purchase-orders", buyers.buyer, body)
    assert buyers.problem(buyers.post(f"{path_of(empty)}/approve", buyers.admin)) == (409, "no-lines")
    unpriced = {**body, "lines": [{"product_id": buyers.product(None), "quantity": 1}]}
    order = buyers.made("/purchase-orders", buyers.buyer, unpriced)
    assert buyers.problem(buyers.post(f"{path_of(order)}/approve", buyers.admin)) == (409, "cost-missing")


def test_another_store_is_refused_and_nothing_changes(buyers) -> None:
    order = buyers.sent_order({"product_id": buyers.product(), "quantity": 4})
    path = path_of(order)
    before = buyers.get(path, buyers.buyer).text
    for method, end, body in (
        ("GET", "", None),
        ("PATCH", "", {"note": "x"}),
        ("PUT", "/lines", {"lines": []}),
        ("POST", "/cancel", {"reason": "x"}),
        ("POST", "/receipts", receipt(order, 1)),
    ):
        answer = buyers.send(method, path + end, buyers.stranger, body, **{"idempotency-key": f"k-{method}{end}"})
        assert buyers.problem(answer) == (403, "store-out-of-scope"), (method, end)
    body = {"vendor_id": buyers.vendor, "delivery_store_id": buyers.here}
    assert buyers.problem(buyers.post("/purchase-orders", buyers.stranger, body)) == (403, "store-out-of-scope")
    for path_, who in (("/purchase-orders", buyers.user("staff")), ("/vendors", buyers.user("staff"))):
        assert buyers.problem(buyers.get(path_, who)) == (403, "not-permitted")
    listed = buyers.get("/purchase-orders", buyers.stranger).json()["items"]
    assert order["purchase_order_id"] not in {item["purchase_order_id"] for item in listed}
    assert buyers.get(path, buyers.buyer).text == before
    came = buyers.made(f"{path}/receipts", buyers.manager, receipt(order, 1))
    shown = f"/receipts/{came['goods_receipt_id']}"
    assert buyers.problem(buyers.get(shown, buyers.stranger)) == (403, "store-out-of-scope")
    assert buyers.get("/receipts", buyers.stranger).json()["items"] == []
    denied = buyers.rows(
        "SELECT 1 FROM audit_log WHERE kind = 'access.denied' AND after ->> 'code' = 'store-out-of-scope'"
        " AND username = (SELECT username FROM audit_log WHERE kind = 'access.denied' ORDER BY audit_id DESC LIMIT 1)"
    )
    assert denied


def test_more_than_ordered_is_taken_in_only_where_that_is_allowed(buyers) -> None:
    product = buyers.product()
    order = buyers.sent_order({"product_id": product, "quantity": 10})
    path = f"{path_of(order)}/receipts"
    over = receipt(order, 12)
    refused = buyers.post(path, buyers.manager, over)
    assert buyers.problem(refused) == (409, "over-delivery")
    assert refused.json()["left"] == 10
    over["allow_over"] = True
    assert buyers.problem(buyers.post(path, buyers.manager, over)) == (409, "over-delivery")
    buyers.set("receipt_over_share", 0.1)
    assert buyers.post(path, buyers.manager, receipt(order, 11)).status_code == 201
    buyers.set("receipt_over_share", 0)
    assert buyers.get(path_of(order), buyers.buyer).json()["lines"][0]["received_qty"] == 11
    again = buyers.sent_order({"product_id": product, "quantity": 10})
    allowed = {**receipt(again, 13), "allow_over": True}
    assert buyers.post(f"{path_of(again)}/receipts", buyers.buyer, allowed).status_code == 201
    assert buyers.level(product) == 24


def test_rejected_goods_go_back_or_into_quarantine(buyers) -> None:
    product = buyers.product()
    order = buyers.sent_order({"product_id": product, "quantity": 10})
    path = f"{path_of(order)}/receipts"
    assert buyers.problem(buyers.post(path, buyers.manager, receipt(order, 4, rejected_qty=1)))[1] == "invalid-receipt"
    assert buyers.problem(buyers.post(path, buyers.manager, receipt(order, 4, reason="damaged")))[0] == 422
    assert buyers.problem(buyers.post(path, buyers.manager, receipt(order, 0)))[0] == 422
    back = buyers.made(path, buyers.manager, receipt(order, 4, rejected_qty=2, reason="damaged"))
    assert back["state"] == "disputed"
    kept = receipt(order, 3, rejected_qty=1, reason="quality", rejected_to="quarantine")
    buyers.made(path, buyers.manager, kept)
    assert (buyers.level(product), buyers.level(product, "quarantine")) == (7, 1)
    (line,) = buyers.get(path_of(order), buyers.buyer).json()["lines"]
    assert (line["received_qty"], line["rejected_qty"], line["open_qty"]) == (7, 3, 3)
    done = buyers.made(f"{path_of(order)}/cancel", buyers.buyer, {"reason": "the rest is sold out"}, 200)
    assert (done["status"], done["lines"][0]["cancelled_qty"], done["lines"][0]["open_qty"]) == ("received", 3, 0)
    assert buyers.problem(buyers.post(path, buyers.manager, receipt(order, 1))) == (409, "not-allowed-now")


def test_serials_batches_and_powers_are_kept(buyers) -> None:
    frame, box, lens = buyers.product(is_serialised=True), buyers.product(is_batch_tracked=True), buyers.product()
    cell = buyers.add("lens_cells", product_id=lens, sph="-1.25")
    order = buyers.sent_order(
        {"product_id": frame, "quantity": 3},
        {"product_id": box, "quantity": 5},
        {"product_id": lens, "quantity": 2, "lens_cell_id": cell},
    )
    path = f"{path_of(order)}/receipts"
    ids = [line["purchase_order_line_id"] for line in order["lines"]]
    frames = {"purchase_order_line_id": ids[0], "accepted_qty": 2}
    boxes = {"purchase_order_line_id": ids[1], "accepted_qty": 3, "batch_code": "B1", "expires_on": "2031-01-01"}
    for wrong in (
        frames,
        {**frames, "serials": ["a"]},
        {**frames, "serials": ["a", "a"]},
        {**boxes, "batch_code": None},
        {**boxes, "expires_on": None},
        {**boxes, "expires_on": "2020-01-01"},
        {**boxes, "serials": ["a"]},
    ):
        assert buyers.problem(buyers.post(path, buyers.manager, {"lines": [wrong]})) == (422, "invalid-receipt")
    same = {**frames, "accepted_qty": 1, "serials": ["F-1"]}
    refused = buyers.post(path, buyers.manager, {"lines": [same, same]})
    assert buyers.problem(refused) == (422, "invalid-receipt")
    assert refused.json()["faults"][0]["where"] == "lines.1.serials"
    lines = [
        {**frames, "serials": ["F-1", "F-2"]},
        boxes,
        {**boxes, "accepted_qty": 2, "batch_code": "B2"},
        {"purchase_order_line_id": ids[2], "accepted_qty": 2},
    ]
    shown = buyers.made(path, buyers.manager, {"lines": lines})
    assert [line.get("batch_code") for line in shown["lines"]] == [None, "B1", "B2", None]
    assert (buyers.level(frame), buyers.level(box), buyers.level(lens)) == (2, 5, 2)
    assert buyers.rows("SELECT serial FROM stock_units WHERE product_id = %s ORDER BY 1", frame) == [
        {"serial": "F-1"},
        {"serial": "F-2"},
    ]
    assert buyers.one("SELECT on_hand FROM stock_balances WHERE lens_cell_id = %s", cell)["on_hand"] == 2
    twice = {"lines": [{**frames, "accepted_qty": 1, "serials": ["F-1"]}]}
    assert buyers.problem(buyers.post(path, buyers.manager, twice)) == (409, "unit-elsewhere")
    assert buyers.level(frame) == 2


def test_two_receipts_at_once_take_in_what_was_ordered_and_no_more(buyers) -> None:
    product = buyers.product()
    order = buyers.sent_order({"product_id": product, "quantity": 10})
    path = f"{path_of(order)}/receipts"
    answers = buyers.at_once(*(lambda: buyers.post(path, buyers.manager, receipt(order, 4)) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    assert buyers.level(product) == 8
    # the same request sent twice is one receipt
    same = buyers.at_once(
        *(lambda: buyers.post(path, buyers.manager, receipt(order, 1), "one-key-1") for _ in range(2))
    )
    assert [answer.status_code for answer in same] == [201, 201]
    assert same[0].json() == same[1].json()
    assert buyers.level(product) == 9
    other = buyers.post(path, buyers.manager, receipt(order, 2), "one-key-1")
    assert buyers.problem(other) == (409, "key-reused")


def test_an_order_of_a_folder_is_left_to_the_folder(buyers) -> None:
    order = buyers.add("purchase_orders", order_ref=f"F{buyers.here}", vendor_id=buyers.vendor)
    shown = buyers.get(f"/purchase-orders/{order}", buyers.buyer).json()
    assert (shown["status"], shown["possible"]) == ("sent", [])
    assert buyers.problem(buyers.post(f"/purchase-orders/{order}/cancel", buyers.admin, {"reason": "x"}))[0] == 409


def test_an_address_that_is_none_hinders_no_order(buyers) -> None:
    for address in ("not an address", "https://elsewhere.example/hook"):
        buyers.rows("UPDATE vendors SET email = %s WHERE vendor_id = %s", address, buyers.vendor)
        order = buyers.sent_order({"product_id": buyers.product(), "quantity": 1})
        assert not buyers.rows("SELECT 1 FROM outbox_messages WHERE payload ->> 'reference' = %s", order["order_ref"])


def test_vendors_and_their_terms(buyers) -> None:
    code = f"N{buyers.here}"
    body = {"vendor_code": code, "name": "Lenses Ltd", "email": "lenses@vendor.example"}
    vendor = buyers.made("/vendors", buyers.buyer, body)
    path = f"/vendors/{vendor['vendor_id']}"
    assert buyers.problem(buyers.post("/vendors", buyers.buyer, body)) == (409, "vendor-code-taken")
    assert buyers.problem(buyers.post("/vendors", buyers.manager, body)) == (403, "not-permitted")
    assert buyers.post("/vendors", buyers.buyer, {**body, "email": "https://x.example"}).status_code == 422
    seen = buyers.get(path, buyers.manager)
    changed = buyers.send("PATCH", path, buyers.buyer, {"credit_days": 45}, **{"if-match": seen.headers["etag"]})
    assert changed.json()["credit_days"] == 45
    stale = buyers.send("PATCH", path, buyers.buyer, {"credit_days": 1}, **{"if-match": seen.headers["etag"]})
    assert buyers.problem(stale)[0] == 412
    assert buyers.send("PATCH", path, buyers.buyer, {"name": None}).status_code == 422
    buyers.made(f"{path}/terms", buyers.buyer, {"minimum_order_amount": "500", "valid_from_on": "2024-01-01"})
    two = buyers.made(f"{path}/terms", buyers.buyer, {"minimum_order_amount": "900", "valid_from_on": "2024-06-01"})
    assert [term.get("valid_to_on") for term in two["terms"]] == ["2024-05-31", None]
    late = {"minimum_order_amount": "1", "valid_from_on": "2024-02-01"}
    assert buyers.problem(buyers.post(f"{path}/terms", buyers.buyer, late)) == (409, "overlaps")
    assert code in {item["vendor_code"] for item in buyers.get("/vendors", buyers.manager, q="lenses").json()["items"]}
    product = buyers.add("products", sku=f"Q{buyers.here}", name="q", category="c")
    supply = {"vendor_id": vendor["vendor_id"], "product_id": product, "lead_time_days": 4, "pack_size": 2}
    term = buyers.made("/supply-terms", buyers.buyer, {**supply, "unit_cost": "3.5"})
    assert buyers.problem(buyers.post("/supply-terms", buyers.buyer, supply)) == (409, "supply-term-exists")
    one = f"/supply-terms/{term['supply_term_id']}"
    assert buyers.send("PATCH", one, buyers.buyer, {"unit_cost": "3.75"}).json()["unit_cost"] == "3.7500"
    draft = {"vendor_id": vendor["vendor_id"], "delivery_store_id": buyers.here}
    order = buyers.made("/purchase-orders", buyers.buyer, {**draft, "lines": [{"product_id": product, "quantity": 2}]})
    assert (order["cost_amount"], order["is_below_minimum"]) == ("7.50", True)
    assert buyers.audited("vendor", vendor["vendor_id"])[:2] == ["vendor.created", "vendor.changed"]


@pytest.mark.parametrize(
    ("quantity", "amount", "state"),
    [(4, "160.00", "matched"), (4, "160.90", "matched"), (4, "170.00", "disputed"), (5, "160.00", "disputed")],
)
def test_an_invoice_agrees_with_what_came_or_is_flagged(buyers, quantity: int, amount: str, state: str) -> None:
    order = buyers.sent_order({"product_id": buyers.product("40"), "quantity": 4})
    came = buyers.made(f"{path_of(order)}/receipts", buyers.manager, receipt(order, 4))
    body = {
        "vendor_id": buyers.vendor,
        "invoice_number": f"I{quantity}{amount}",
        "invoiced_on": "2026-01-01",
        "due_on": "2026-01-31",
        "taxable_amount": amount,
        "tax_amount": "28.80",
    }
    invoice = buyers.made("/vendor-invoices", buyers.accountant, body)
    assert buyers.problem(buyers.post("/vendor-invoices", buyers.accountant, body)) == (409, "invoice-known")
    assert buyers.problem(buyers.post("/vendor-invoices", buyers.buyer, body)) == (403, "not-permitted")
    path = f"/vendor-invoices/{invoice['vendor_invoice_id']}/match"
    share = {"goods_receipt_id": came["goods_receipt_id"], "quantity": quantity, "amount": amount}
    shown = buyers.made(path, buyers.accountant, {"receipts": [share]}, 200)
    assert shown["state"] == state
    assert bool(shown["flags"]) == (state == "disputed")
    if state == "matched":
        assert buyers.problem(buyers.post(path, buyers.accountant, {"receipts": [share]})) == (409, "not-allowed-now")
        # the same goods are not paid for twice
        second = buyers.made("/vendor-invoices", buyers.accountant, {**body, "invoice_number": "again"})
        path = f"/vendor-invoices/{second['vendor_invoice_id']}/match"
        assert buyers.made(path, buyers.accountant, {"receipts": [share]}, 200)["state"] == "disputed"


def test_a_receipt_of_another_vendor_is_no_match(buyers) -> None:
    order = buyers.sent_order({"product_id": buyers.product(), "quantity": 4})
    came = buyers.made(f"{path_of(order)}/receipts", buyers.manager, receipt(order, 4))
    other = buyers.add("vendors", vendor_code=f"O{buyers.here}", name="Other")
    body = {"vendor_id": other, "invoice_number": "1", "invoiced_on": "2026-01-01", "due_on": "2026-01-01"}
    invoice = buyers.made("/vendor-invoices", buyers.accountant, {**body, "taxable_amount": "1", "tax_amount": "0"})
    share = {"goods_receipt_id": came["goods_receipt_id"], "quantity": 4, "amount": "1"}
    path = f"/vendor-invoices/{invoice['vendor_invoice_id']}/match"
    assert buyers.problem(buyers.post(path, buyers.accountant, {"receipts": [share]})) == (422, "unknown-receipt")
    early = {**body, "due_on": "2025-01-01", "taxable_amount": "1", "tax_amount": "0", "invoice_number": "2"}
    assert buyers.problem(buyers.post("/vendor-invoices", buyers.accountant, early))[0] == 422


def test_lists_go_page_by_page(buyers) -> None:
    body = {"vendor_id": buyers.vendor, "delivery_store_id": buyers.here}
    made = [buyers.made("/purchase-orders", buyers.buyer, body)["purchase_order_id"] for _ in range(3)]
    first = buyers.get("/purchase-orders", buyers.manager, limit=2, store_id=buyers.here).json()
    rest = buyers.get("/purchase-orders", buyers.manager, limit=2, cursor=first["next_cursor"]).json()
    seen = [item["purchase_order_id"] for item in (*first["items"], *rest["items"])]
    assert seen == made[::-1]


def test_every_invariant_holds(buyers) -> None:
    with psycopg.connect(buyers.url) as connection:
        assert not {name: count for name, count in check_invariants(connection).items() if count}
