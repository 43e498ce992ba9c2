"""Deciding on suggestions: one draft for what is approved, once; limits, packs, stores; what counts as on order."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest

from api.services.invariants import check_invariants, count_broken, invariants
from api.services.purchasing_terms import fit_pack

# what warehouse/sql/staging/open_orders.sql counts, of one product, as one number
ON_ORDER = """
    SELECT coalesce(sum(quantity), 0)::int AS units FROM (
        SELECT open_qty AS quantity FROM purchase_order_lines WHERE state = 'open' AND product_id = %(product)s
        UNION ALL
        SELECT coalesce(g.approved_qty, g.suggested_qty) FROM suggestions AS g
        WHERE g.state IN ('approved', 'edited', 'ordered') AND g.product_id = %(product)s AND NOT EXISTS (
            SELECT FROM purchase_order_lines AS l
            WHERE l.suggestion_id = g.suggestion_id AND l.state <> 'draft')) AS o"""


def on_order(buyers, product: int) -> int:
    return buyers.one(ON_ORDER.replace("%(product)s", str(product)))["units"]


def test_approving_makes_one_draft_of_the_day_for_a_vendor_and_store(buyers) -> None:
    first, second = buyers.suggestion(6), buyers.suggestion(4)
    answer = buyers.post(f"/suggestions/{first}/approve", buyers.manager, {"note": "for the weekend"})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["state"], shown["approved_qty"], shown["decision_note"]) == ("approved", 6, "for the weekend")
    assert shown["decided_by"].startswith("manager")
    assert "receipt" not in shown
    many = buyers.made("/suggestions/approve", buyers.buyer, {"ids": [second]}, 200)
    assert many["items"][0]["purchase_order_id"] == shown["purchase_order_id"]
    order = buyers.get(f"/purchase-orders/{shown['purchase_order_id']}", buyers.buyer).json()
    assert order["status"] == "draft"
    assert order["delivery_store_id"] == buyers.here
    assert {(x["suggestion_id"], x["ordered_qty"], x["open_qty"]) for x in order["lines"]} == {
        (first, 6, 0),
        (second, 4, 0),
    }
    assert order["cost_amount"] == "400.00"
    assert buyers.audited("suggestion", first) == ["suggestion.approved"]
    # neither of those who decided approves the order
    refused = buyers.post(f"/purchase-orders/{shown['purchase_order_id']}/approve", buyers.buyer)
    assert buyers.problem(refused) == (403, "own-request")
    assert buyers.post(f"/purchase-orders/{shown['purchase_order_id']}/approve", buyers.admin).status_code == 200


def test_what_is_approved_counts_once_from_the_decision_to_the_shelf(buyers) -> None:
    product = buyers.product()
    suggestion = buyers.suggestion(6, product)
    assert on_order(buyers, product) == 0
    order = buyers.made(f"/suggestions/{suggestion}/approve", buyers.manager, status=200)["purchase_order_id"]
    assert on_order(buyers, product) == 6
    lines = {"lines": [{"product_id": product, "quantity": 8}]}
    assert buyers.send("PUT", f"/purchase-orders/{order}/lines", buyers.buyer, lines).status_code == 200
    assert on_order(buyers, product) == 8
    assert buyers.get(f"/suggestions/{suggestion}", buyers.manager).json()["state"] == "edited"
    buyers.made(f"/purchase-orders/{order}/approve", buyers.admin, status=200)
    assert on_order(buyers, product) == 8
    sent = buyers.made(f"/purchase-orders/{order}/send", buyers.buyer, status=200)
    assert on_order(buyers, product) == 8
    assert buyers.get(f"/suggestions/{suggestion}", buyers.manager).json()["state"] == "ordered"
    (line,) = sent["lines"]
    came = {"lines": [{"purchase_order_line_id": line["purchase_order_line_id"], "accepted_qty": 5}]}
    buyers.made(f"/purchase-orders/{order}/receipts", buyers.manager, came)
    assert (on_order(buyers, product), buyers.level(product)) == (3, 5)
    came["lines"][0]["accepted_qty"] = 3
    buyers.made(f"/purchase-orders/{order}/receipts", buyers.manager, came)
    assert (on_order(buyers, product), buyers.level(product)) == (0, 8)
    assert buyers.get(f"/suggestions/{suggestion}", buyers.manager).json()["state"] == "received"


def test_a_draft_given_up_takes_its_suggestions_with_it(buyers) -> None:
    product, other = buyers.product(), buyers.product()
    kept, dropped = buyers.suggestion(6, product), buyers.suggestion(5, other)
    order = buyers.made("/suggestions/approve", buyers.manager, {"ids": [kept, dropped]}, 200)["items"][0]
    path = f"/purchase-orders/{order['purchase_order_id']}"
    lines = {"lines": [{"product_id": product, "quantity": 6}]}
    assert buyers.send("PUT", f"{path}/lines", buyers.manager, lines).status_code == 200
    assert buyers.get(f"/suggestions/{dropped}", buyers.manager).json()["state"] == "refused"
    assert buyers.get(f"/suggestions/{kept}", buyers.manager).json()["state"] == "approved"
    assert buyers.post(f"{path}/cancel", buyers.manager, {"reason": "a mistake"}).json()["status"] == "cancelled"
    assert buyers.get(f"/suggestions/{kept}", buyers.manager).json()["state"] == "refused"
    assert on_order(buyers, product) == on_order(buyers, other) == 0


def test_a_quantity_is_edited_in_packs_with_a_reason(buyers) -> None:
    suggestion = buyers.suggestion(12, buyers.product(pack_size=6, moq=10))
    path = f"/suggestions/{suggestion}"
    seen = buyers.get(path, buyers.manager)
    refused = buyers.send("PATCH", path, buyers.manager, {"quantity": 15, "reason": "a fair"})
    assert buyers.problem(refused) == (422, "not-a-pack")
    assert refused.json()["nearest"] == [12, 18]
    assert buyers.send("PATCH", path, buyers.manager, {"quantity": 18}).status_code == 422
    small = buyers.send("PATCH", path, buyers.manager, {"quantity": 6, "reason": "a fair"})
    assert small.json()["nearest"] == [12, 18]
    assert buyers.problem(buyers.send("PATCH", path, buyers.admin, {"quantity": 18, "reason": "x"}))[0] == 403
    edited = buyers.send(
        "PATCH", path, buyers.manager, {"quantity": 18, "reason": "a fair"}, **{"if-match": seen.headers["etag"]}
    )
    assert edited.status_code == 200, edited.text
    assert (edited.json()["state"], edited.json()["approved_qty"]) == ("proposed", 18)
    stale = buyers.send(
        "PATCH", path, buyers.manager, {"quantity": 24, "reason": "more"}, **{"if-match": seen.headers["etag"]}
    )
    assert buyers.problem(stale) == (412, "changed-meanwhile")
    approved = buyers.made(f"{path}/approve", buyers.manager, status=200)
    assert (approved["state"], approved["approved_qty"], approved["suggested_qty"]) == ("edited", 18, 12)
    assert buyers.problem(buyers.send("PATCH", path, buyers.manager, {"quantity": 24, "reason": "x"}))[0] == 409
    assert buyers.audited("suggestion", suggestion) == ["suggestion.edited", "suggestion.approved"]


def test_a_manager_approves_up_to_the_limit_of_a_draft(buyers) -> None:
    buyers.set("suggestion_approval_limit", 1000)
    small, large, more = buyers.suggestion(20), buyers.suggestion(26), buyers.suggestion(6)
    refused = buyers.post(f"/suggestions/{large}/approve", buyers.manager)
    assert buyers.problem(refused) == (403, "needs-approval")
    assert "1040" not in refused.text, "the manager sees no costs"
    assert buyers.post(f"/suggestions/{small}/approve", buyers.manager).status_code == 200
    # not in parts either: what the draft holds already counts
    assert buyers.problem(buyers.post(f"/suggestions/{more}/approve", buyers.manager)) == (403, "needs-approval")
    assert buyers.get(f"/suggestions/{more}", buyers.manager).json()["state"] == "proposed"
    assert buyers.post("/suggestions/approve", buyers.buyer, {"ids": [large, more]}).status_code == 200
    unknown = buyers.suggestion(1, buyers.product(cost=None))
    assert buyers.problem(buyers.post(f"/suggestions/{unknown}/approve", buyers.manager)) == (403, "needs-approval")
    buyers.set("suggestion_approval_limit", 25000)


def test_all_of_many_are_approved_or_none(buyers) -> None:
    good, decided = buyers.suggestion(6), buyers.suggestion(6)
    buyers.made(f"/suggestions/{decided}/refuse", buyers.manager, {"reason": "enough of it"}, 200)
    answer = buyers.post("/suggestions/approve", buyers.manager, {"ids": [good, decided]})
    assert buyers.problem(answer) == (409, "decided-already")
    assert answer.json()["suggestion_id"] == decided
    without = buyers.suggestion(6, vendor_id=None)
    assert buyers.problem(buyers.post("/suggestions/approve", buyers.buyer, {"ids": [good, without]}))[1] == "no-vendor"
    assert buyers.get(f"/suggestions/{good}", buyers.manager).json()["state"] == "proposed"
    assert not buyers.rows("SELECT 1 FROM purchase_orders WHERE delivery_store_id = %s", buyers.here)
    named = buyers.send("PATCH", f"/suggestions/{without}", buyers.buyer, {"vendor_id": buyers.vendor, "reason": "new"})
    assert named.status_code == 200
    assert buyers.post("/suggestions/approve", buyers.buyer, {"ids": [good, without]}).status_code == 200


def test_what_is_expired_or_decided_is_not_decided_again(buyers) -> None:
    expired, late = buyers.suggestion(state="expired"), buyers.suggestion(as_of="2024-01-08", expires_on="2024-01-01")
    past = buyers.suggestion(as_of="2024-01-01", expires_on="2024-01-08")
    for each in (expired, late):
        for step, body in (("approve", None), ("refuse", {"reason": "x"})):
            answer = buyers.post(f"/suggestions/{each}/{step}", buyers.manager, body)
            assert buyers.problem(answer) == (409, "suggestion-expired")
    # a run for a day long past has proposed just now, and leaves the same seven days
    assert buyers.post(f"/suggestions/{past}/approve", buyers.manager).status_code == 200
    for step, body in (("approve", None), ("refuse", {"reason": "x"})):
        assert buyers.problem(buyers.post(f"/suggestions/{past}/{step}", buyers.manager, body))[1] == "decided-already"


def test_a_transfer_is_requested_for_a_suggested_one(buyers) -> None:
    suggestion = buyers.suggestion(3, kind="transfer", vendor_id=None, source_store_id=buyers.there)
    # seen by both stores; decided by the one that receives
    assert buyers.get(f"/suggestions/{suggestion}", buyers.stranger).status_code == 200
    listed = buyers.get("/suggestions", buyers.stranger).json()["items"]
    assert suggestion in {item["suggestion_id"] for item in listed}
    refused = buyers.post(f"/suggestions/{suggestion}/approve", buyers.stranger)
    assert buyers.problem(refused) == (403, "store-out-of-scope")
    shown = buyers.made(f"/suggestions/{suggestion}/approve", buyers.manager, status=200)
    transfer = buyers.one("SELECT * FROM stock_transfers WHERE stock_transfer_id = %s", shown["stock_transfer_id"])
    assert (transfer["from_store_id"], transfer["to_store_id"], transfer["status"]) == (
        buyers.there,
        buyers.here,
        "requested",
    )
    lines = buyers.rows(
        "SELECT requested_qty FROM stock_transfer_lines WHERE stock_transfer_id = %s", shown["stock_transfer_id"]
    )
    assert lines == [{"requested_qty": 3}]


def test_what_two_stores_move_is_one_requested_transfer(buyers) -> None:
    suggest = partial(buyers.suggestion, kind="transfer", vendor_id=None, source_store_id=buyers.there)
    ids = [suggest(quantity) for quantity in (2, 3, 4)]
    done = buyers.made("/suggestions/approve", buyers.manager, {"ids": ids}, 200)
    (transfer,) = {item["stock_transfer_id"] for item in done["items"]}
    assert [(row["stock_transfer_id"], row["lines"], row["units"]) for row in done["transfers"]] == [(transfer, 3, 9)]
    lines = buyers.get(f"/transfers/{transfer}", buyers.manager).json()["lines"]
    assert [(line["suggestion_id"], line["requested_qty"]) for line in lines] == list(zip(ids, (2, 3, 4), strict=True))
    more = buyers.made("/suggestions/approve", buyers.manager, {"ids": [suggest(5)]}, 200)
    assert more["items"][0]["stock_transfer_id"] == transfer, "of the same day and person"
    other = buyers.made("/suggestions/approve", buyers.buyer, {"ids": [suggest(6)]}, 200)
    assert other["items"][0]["stock_transfer_id"] != transfer, "or they could approve what they asked for"
    assert buyers.post(f"/transfers/{transfer}/cancel", buyers.manager, {"reason": "x"}).status_code == 200
    assert {buyers.get(f"/suggestions/{key}", buyers.buyer).json()["state"] for key in ids} == {"refused"}
    buyers.rows("UPDATE stores SET closed_on = '2024-01-01' WHERE store_id = %s", buyers.there)
    late = buyers.post("/suggestions/approve", buyers.manager, {"ids": [suggest(2)]})
    assert buyers.problem(late) == (409, "store-closed")


def test_approving_many_is_idempotent_by_its_key(buyers) -> None:
    ids = [buyers.suggestion(6), buyers.suggestion(4)]
    answers = [buyers.post("/suggestions/approve", buyers.manager, {"ids": ids}, "the-same-key") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]
    (order,) = answers[0].json()["orders"]
    assert (order["lines"], order["is_below_minimum"]) == (2, False)
    assert "cost_amount" not in order, "the manager sees no costs"
    assert len(buyers.rows("SELECT 1 FROM purchase_order_lines WHERE suggestion_id = ANY (%s)", ids)) == 2
    without = buyers.send("POST", "/suggestions/approve", buyers.manager, {"ids": ids})
    assert without.status_code == 422


def test_a_quantity_is_brought_to_the_vendors_terms_of_now(buyers) -> None:
    product = buyers.product(pack_size=6)
    suggestion = buyers.suggestion(12, product)
    buyers.rows("UPDATE supply_terms SET pack_size = 5, moq = 14 WHERE product_id = %s", product)
    buyers.rows(
        "INSERT INTO vendor_terms (vendor_id, minimum_order_amount, order_weekdays, valid_from_on)"
        " VALUES (%s, 700, '{1}', '2020-01-01')",
        buyers.vendor,
    )
    done = buyers.made("/suggestions/approve", buyers.buyer, {"ids": [suggestion]}, 200)
    assert (done["items"][0]["state"], done["items"][0]["approved_qty"]) == ("edited", 15)
    assert (done["orders"][0]["cost_amount"], done["orders"][0]["is_below_minimum"]) == ("600.00", True)
    shown = buyers.get(f"/suggestions/{suggestion}", buyers.buyer).json()
    assert (shown["suggested_qty"], shown["approved_qty"], shown["decided_qty"]) == (12, 15, 15)


@pytest.mark.parametrize(
    ("quantity", "pack", "moq", "fitting"),
    [(13, 6, 10, 12), (15, 6, 10, 18), (2, 6, 10, 12), (7, 1, 1, 7), (12, 6, 1, 12), (1, 1000, 1, 1000)],
)
def test_the_nearest_quantity_that_a_vendor_takes(quantity: int, pack: int, moq: int, fitting: int) -> None:
    assert fit_pack(quantity, {"pack_size": pack, "moq": moq}) == fitting


def test_what_was_ordered_meanwhile_is_not_ordered_again(buyers) -> None:
    product = buyers.product()
    suggestion = buyers.suggestion(6, product)
    body = {"vendor_id": buyers.vendor, "delivery_store_id": buyers.here}
    order = buyers.made("/purchase-orders", buyers.buyer, {**body, "lines": [{"product_id": product, "quantity": 5}]})
    answer = buyers.post("/suggestions/approve", buyers.buyer, {"ids": [suggestion, buyers.suggestion(2)]})
    assert buyers.problem(answer) == (409, "ordered-meanwhile")
    assert (answer.json()["suggestion_id"], answer.json()["order_ref"]) == (suggestion, order["order_ref"])
    edit = {"quantity": 2, "reason": "five are ordered already", "reason_code": "PROJECTED_STOCKOUT"}
    assert buyers.send("PATCH", f"/suggestions/{suggestion}", buyers.buyer, edit).status_code == 200
    assert buyers.post("/suggestions/approve", buyers.buyer, {"ids": [suggestion]}).status_code == 200
    gone = buyers.suggestion(6)
    buyers.rows(
        "UPDATE products SET is_active = false WHERE product_id = (SELECT product_id FROM suggestions"
        " WHERE suggestion_id = %s)",
        gone,
    )
    answer = buyers.post("/suggestions/approve", buyers.buyer, {"ids": [gone]})
    assert buyers.problem(answer) == (409, "product-inactive")
    buyers.rows("UPDATE vendors SET is_active = false WHERE vendor_id = %s", buyers.vendor)
    answer = buyers.post("/suggestions/approve", buyers.buyer, {"ids": [buyers.suggestion(2)]})
    assert buyers.problem(answer) == (409, "vendor-inactive")


def test_a_decision_keeps_its_quantity_reason_and_person(buyers) -> None:
    product = buyers.product()
    edited, refused = buyers.suggestion(6, product), buyers.suggestion(4)
    path, edit = f"/suggestions/{edited}", {"quantity": 9, "reason": "a wedding", "reason_code": "SEASON_UPLIFT"}
    assert buyers.send("PATCH", path, buyers.manager, {**edit, "reason_code": "A_WHIM"}).status_code == 422
    assert buyers.send("PATCH", path, buyers.manager, edit).status_code == 200
    order = buyers.made("/suggestions/approve", buyers.manager, {"ids": [edited]}, 200)["orders"][0]
    why = {"reason": "never again", "reason_code": "OPTED_OUT"}
    buyers.made(f"/suggestions/{refused}/refuse", buyers.manager, why, 200)
    # what becomes of the order changes what is approved, not what was decided
    lines = {"lines": [{"product_id": product, "quantity": 8}]}
    answer = buyers.send("PUT", f"/purchase-orders/{order['purchase_order_id']}/lines", buyers.buyer, lines)
    assert answer.status_code == 200
    kept = buyers.rows(
        "SELECT suggested_qty, approved_qty, decided_qty, decision_code, decision_note, decided_by LIKE 'manager%%'"
        " AS is_his FROM suggestions WHERE suggestion_id = ANY (%s) ORDER BY suggestion_id",
        [edited, refused],
    )
    assert [tuple(row.values()) for row in kept] == [
        (6, 8, 9, "SEASON_UPLIFT", "a wedding", True),
        (4, None, 0, "OPTED_OUT", "never again", True),
    ]
    assert buyers.audited("suggestion", edited) == ["suggestion.edited", "suggestion.approved"]


def test_another_store_is_refused_and_nothing_changes(buyers) -> None:
    suggestion = buyers.suggestion(6)
    path = f"/suggestions/{suggestion}"
    for method, end, body in (
        ("GET", "", None),
        ("PATCH", "", {"quantity": 7, "reason": "x"}),
        ("POST", "/approve", None),
        ("POST", "/refuse", {"reason": "x"}),
    ):
        answer = buyers.send(method, path + end, buyers.stranger, body)
        assert buyers.problem(answer) == (403, "store-out-of-scope"), (method, end)
    assert buyers.problem(buyers.post("/suggestions/approve", buyers.stranger, {"ids": [suggestion]}))[0] == 403
    assert buyers.problem(buyers.post(f"{path}/approve", buyers.user("staff")))[0] == 403
    assert buyers.problem(buyers.post(f"{path}/approve", buyers.accountant))[0] == 403
    assert buyers.get(path, buyers.manager).json()["state"] == "proposed"
    assert not buyers.audited("suggestion", suggestion)
    assert "receipt" in buyers.get(path, buyers.buyer).json()


def test_two_at_once_make_one_draft_line(buyers) -> None:
    suggestion, other = buyers.suggestion(6), buyers.suggestion(6)
    same = buyers.at_once(
        *(lambda: buyers.post(f"/suggestions/{suggestion}/approve", buyers.manager) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in same) == [200, 409, 409, 409]
    lines = buyers.rows("SELECT ordered_qty FROM purchase_order_lines WHERE suggestion_id = %s", suggestion)
    assert lines == [{"ordered_qty": 6}]
    more = [buyers.suggestion(2) for _ in range(4)]
    answers = buyers.at_once(
        *(lambda each=each: buyers.post(f"/suggestions/{each}/approve", buyers.manager) for each in (*more, other))
    )
    assert {answer.status_code for answer in answers} == {200}
    orders = buyers.rows("SELECT 1 FROM purchase_orders WHERE delivery_store_id = %s", buyers.here)
    assert len(orders) == 1, "one draft for a vendor and store"


def suggested_transfer(buyers, product: int, quantity: int) -> tuple[int, str]:
    """A suggested transfer that the manager has approved: the suggestion and the transfer's path."""
    suggestion = buyers.suggestion(quantity, product, kind="transfer", vendor_id=None, source_store_id=buyers.there)
    shown = buyers.made(f"/suggestions/{suggestion}/approve", buyers.manager, status=200)
    return suggestion, f"/transfers/{shown['stock_transfer_id']}"


def test_a_suggestion_follows_its_transfer_and_counts_what_is_still_to_come(buyers) -> None:
    product = buyers.product()
    buyers.rows(
        "INSERT INTO stock_moves (product_id, quantity, source_location_id, destination_location_id, moved_on, kind)"
        " SELECT %s, 9, o.location_id, s.location_id, '2024-01-01', 'opening' FROM stock_locations AS o,"
        " stock_locations AS s WHERE o.kind = 'opening' AND s.kind = 'store' AND s.store_id = %s",
        product,
        buyers.there,
    )
    suggestion, path = suggested_transfer(buyers, product, 6)
    assert on_order(buyers, product) == 6
    (line,) = buyers.get(path, buyers.manager).json()["lines"]
    key = {"stock_transfer_line_id": line["stock_transfer_line_id"]}
    buyers.made(f"{path}/approve", buyers.admin, {"lines": [{**key, "approved_qty": 5}]}, 200)
    shown = buyers.get(f"/suggestions/{suggestion}", buyers.manager).json()
    assert (shown["state"], on_order(buyers, product)) == ("edited", 5)
    buyers.made(f"{path}/ship", buyers.stranger, {}, 200)
    shown = buyers.get(f"/suggestions/{suggestion}", buyers.manager).json()
    assert (shown["state"], on_order(buyers, product)) == ("ordered", 5)
    part = {**key, "received_qty": 3, "still_in_transit_qty": 2, "reason": "one box is late"}
    buyers.made(f"{path}/receive", buyers.manager, {"lines": [part]}, 200)
    assert (on_order(buyers, product), buyers.level(product)) == (2, 3)
    buyers.made(f"{path}/receive", buyers.manager, {}, 200)
    shown = buyers.get(f"/suggestions/{suggestion}", buyers.manager).json()
    assert (shown["state"], shown["approved_qty"]) == ("received", 5)
    assert (on_order(buyers, product), buyers.level(product)) == (0, 5)


def test_a_transfer_given_up_takes_its_suggestion_with_it(buyers) -> None:
    product = buyers.product()
    for step, who, body in (
        ("reject", buyers.admin, {"note": "they need it"}),
        ("cancel", buyers.manager, {"reason": "a mistake"}),
    ):
        suggestion, path = suggested_transfer(buyers, product, 4)
        buyers.made(f"{path}/{step}", who, body, 200)
        shown = buyers.get(f"/suggestions/{suggestion}", buyers.manager).json()
        assert (shown["state"], on_order(buyers, product)) == ("refused", 0)


BREAKS = {
    "approved_suggestions_have_their_draft": "DELETE FROM purchase_order_lines WHERE state = 'draft'",
    "drafts_not_ordered_elsewhere": "UPDATE suggestions SET state = 'ordered' WHERE state = 'approved'",
    "received_is_moved": "UPDATE purchase_order_lines SET received_qty = received_qty + 1 WHERE received_qty > 0",
}


def test_every_invariant_holds_and_what_breaks_one_is_found(buyers) -> None:
    buyers.made(f"/suggestions/{buyers.suggestion()}/approve", buyers.manager, status=200)
    found = {each.name: each for each in invariants()}
    with psycopg.connect(buyers.url) as connection:
        assert not {name: count for name, count in check_invariants(connection).items() if count}
        for name, statement in BREAKS.items():
            assert count_broken(connection, found[name]) == 0
            with connection.transaction(force_rollback=True):
                connection.execute("SET LOCAL session_replication_role = replica")
                assert connection.execute(statement).rowcount
                assert count_broken(connection, found[name]), name


def test_all_of_many_are_refused_or_none_and_once(buyers) -> None:
    first, second, taken = (buyers.suggestion(6) for _ in range(3))
    buyers.made(f"/suggestions/{taken}/approve", buyers.manager, status=200)
    body = {"ids": [first, taken], "reason": "a fair is over", "reason_code": "SEASON_UPLIFT"}
    assert buyers.problem(buyers.post("/suggestions/refuse", buyers.manager, body)) == (409, "decided-already")
    assert buyers.get(f"/suggestions/{first}", buyers.manager).json()["state"] == "proposed"
    body["ids"] = [second, first]
    answers = [buyers.post("/suggestions/refuse", buyers.manager, body, "the-same-key") for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"suggestion_ids": [first, second]}] * 2
    shown = buyers.get(f"/suggestions/{second}", buyers.manager).json()
    assert (shown["state"], shown["decided_qty"], shown["decision_code"]) == ("refused", 0, "SEASON_UPLIFT")
    assert buyers.audited("suggestion", second) == ["suggestion.refused"]
    assert buyers.problem(buyers.post("/suggestions/refuse", buyers.stranger, body))[0] == 403
