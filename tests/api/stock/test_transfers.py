"""Transfers from request to receipt: states, who may, what is kept, what is on its way, and what became of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.services.transfers_state import STEPS


def asked(chain, *lines: tuple[int, int], who: Any = None, **more: Any) -> dict[str, Any]:
    body = {
        "from_store_id": chain.here,
        "to_store_id": chain.there,
        "lines": [{"product_id": product, "quantity": quantity} for product, quantity in lines],
        **more,
    }
    return chain.done("/transfers", body, who or chain.other)


def path_of(transfer: dict[str, Any]) -> str:
    return f"/transfers/{transfer['stock_transfer_id']}"


def shipped(chain, *lines: tuple[int, int]) -> dict[str, Any]:
    transfer = asked(chain, *lines)
    chain.done(f"{path_of(transfer)}/approve", {}, chain.area)
    return chain.done(f"{path_of(transfer)}/ship", {}, chain.staff)


def became(line: dict[str, Any], received: int = 0, **more: Any) -> dict[str, Any]:
    return {"stock_transfer_line_id": line["stock_transfer_line_id"], "received_qty": received, **more}


def test_from_request_to_receipt(chain) -> None:
    product = chain.product(5)
    transfer = asked(chain, (product, 3), note="for the window")
    path = path_of(transfer)
    assert (transfer["status"], transfer["possible"]) == ("requested", ["approve", "reject", "cancel"])
    assert chain.level(product) == (5, 0)
    approved = chain.done(f"{path}/approve", {"note": "fine"}, chain.area)
    assert (approved["status"], approved["decision_note"]) == ("approved", "fine")
    assert chain.level(product) == (5, 3)
    sent = chain.done(f"{path}/ship", {}, chain.staff)
    assert (sent["status"], sent["in_transit_qty"], sent["is_overdue"]) == ("shipped", 3, False)
    assert chain.level(product) == (2, 0)
    assert chain.level(product, chain.there, "transit") == (3, 0)
    got = chain.done(f"{path}/receive", {}, chain.user("staff", "there"))
    assert (got["status"], got["possible"], got["received_qty"]) == ("received", [], 3)
    assert chain.level(product, chain.there) == (3, 0)
    assert chain.level(product, chain.there, "transit") == (0, 0)
    for kind in ("transfer.requested", "transfer.approved", "transfer.shipped", "transfer.received"):
        assert len(chain.events(kind, transfer["stock_transfer_id"])) == 1
    kinds = [move["kind"] for move in chain.items("/stock/moves", chain.area, product_id=product)]
    assert kinds == ["transfer_receive", "transfer_ship", "opening"]


def test_both_stores_see_it_and_no_other(chain, refused) -> None:
    transfer = asked(chain, (chain.product(5), 3))
    stranger = chain.user("manager", "away")
    for who in (chain.manager, chain.other, chain.staff, chain.buyer):
        assert chain.get(path_of(transfer), who).status_code == 200
    assert [row["stock_transfer_id"] for row in chain.items("/transfers", side="from")] == [
        transfer["stock_transfer_id"]
    ]
    assert chain.items("/transfers", side="to") == []
    assert len(chain.items("/transfers", chain.other, side="to", status="requested")) == 1
    assert len(chain.items("/transfers", chain.buyer, store_id=chain.there, limit=1)) == 1
    assert chain.items("/transfers", stranger) == []
    refused(chain.get(path_of(transfer), stranger), 403, "store-out-of-scope")
    refused(chain.get("/transfers", stranger, store_id=chain.here), 403, "store-out-of-scope")
    refused(chain.get("/transfers/999999999", stranger), 404, "unknown-stock-transfer")


def test_only_what_the_table_of_states_allows_may_be_done(chain, refused) -> None:
    ways = {
        "requested": (),
        "approved": ("approve",),
        "rejected": ("reject",),
        "shipped": ("approve", "ship"),
        "partially_received": ("approve", "ship", "receive"),
        "received": ("approve", "ship", "receive", "receive"),
        "cancelled": ("cancel",),
    }
    for status, way in ways.items():
        product = chain.product(5)
        transfer = asked(chain, (product, 2))
        line = transfer["lines"][0]
        bodies = {
            "approve": {},
            "reject": {"note": "no"},
            "ship": {},
            "receive": {"lines": [became(line, 1, still_in_transit_qty=1, reason="second box")]},
            "cancel": {"reason": "no need"},
        }
        for step in way:
            chain.done(f"{path_of(transfer)}/{step}", bodies[step], chain.boss)
            if step == "receive":
                bodies["receive"] = {}
        shown = chain.get(path_of(transfer), chain.boss).json()
        possible = [name for name, step in STEPS.items() if status in step.sources]
        assert (shown["status"], shown["possible"]) == (status, possible)
        before = chain.level(product), chain.level(product, chain.there), shown["updated_at"]
        for step in STEPS:
            if step not in possible:
                answer = chain.post(f"{path_of(transfer)}/{step}", bodies[step], chain.boss)
                refused(answer, 409, "not-allowed-now")
                assert answer.json()["possible"] == possible
        again = chain.get(path_of(transfer), chain.boss).json()
        assert (chain.level(product), chain.level(product, chain.there), again["updated_at"]) == before


def test_nobody_approves_their_own_and_managers_only_between_their_stores(chain, refused) -> None:
    product = chain.product(5)
    own = asked(chain, (product, 1), who=chain.area)
    refused(chain.post(f"{path_of(own)}/approve", {}, chain.area), 403, "own-request")
    refused(chain.post(f"{path_of(own)}/reject", {"note": "x"}, chain.area), 403, "own-request")
    for who in (chain.manager, chain.other):
        refused(chain.post(f"{path_of(own)}/approve", {}, who), 403, "store-out-of-scope")
    refused(chain.post(f"{path_of(own)}/approve", {}, chain.staff), 403, "not-permitted")
    assert chain.level(product) == (5, 0)
    assert chain.done(f"{path_of(own)}/approve", {}, chain.buyer)["status"] == "approved"


def test_each_side_does_its_part(chain, refused) -> None:
    product = chain.product(5)
    transfer = asked(chain, (product, 1))
    path = path_of(transfer)
    chain.done(f"{path}/approve", {}, chain.buyer)
    refused(chain.post(f"{path}/ship", {}, chain.other), 403, "store-out-of-scope")
    refused(chain.post(f"{path}/ship", {}, chain.buyer), 403, "not-permitted")
    chain.done(f"{path}/ship", {}, chain.manager)
    refused(chain.post(f"{path}/receive", {}, chain.manager), 403, "store-out-of-scope")
    chain.done(f"{path}/receive", {}, chain.other)
    body = {"from_store_id": chain.there, "to_store_id": chain.away, "lines": [{"product_id": product, "quantity": 1}]}
    refused(chain.post("/transfers", body), 403, "store-out-of-scope")
    refused(chain.post("/transfers", body, chain.staff), 403, "not-permitted")
    # the source may offer what it has
    assert chain.post("/transfers", body, chain.other).status_code == 201


def test_what_is_asked_must_make_sense(chain, refused) -> None:
    product, kept = chain.product(5), chain.product(5, is_transfer_excluded=True)
    frame, (unit,) = chain.serialised("U1")
    good = {"from_store_id": chain.here, "to_store_id": chain.there, "lines": [{"product_id": product, "quantity": 1}]}
    cases: list[tuple[dict[str, Any], int, str, str | None]] = [
        (good | {"to_store_id": chain.here}, 422, "goes-nowhere", "from_store_id"),
        (good | {"to_store_id": 999999999}, 422, "unknown-store", "to_store_id"),
        (good | {"lines": []}, 422, "invalid-request", "body.lines"),
        (good | {"lines": good["lines"] * 2}, 422, "named-twice", "lines.1.product_id"),
        (good | {"lines": [{"product_id": product, "quantity": 0}]}, 422, "invalid-request", "body.lines.0.quantity"),
        (good | {"lines": [{"product_id": kept, "quantity": 1}]}, 409, "not-transferable", "lines.0.product_id"),
        (
            good | {"lines": [{"product_id": frame, "stock_unit_id": unit, "quantity": 2}]},
            422, "rule-broken", "lines.0.quantity",
        ),
    ]  # fmt: skip
    for body, status, expected, where in cases:
        refused(chain.post("/transfers", body, chain.boss), status, expected, where)
    chain.rows("UPDATE stores SET closed_on = '2024-06-01' WHERE store_id = %s", chain.there)
    refused(chain.post("/transfers", good, chain.boss), 409, "store-closed")
    assert chain.items("/transfers") == []


def test_less_may_be_approved_and_less_shipped_and_the_rest_is_free(chain, refused) -> None:
    one, two = chain.product(9), chain.product(9)
    transfer = asked(chain, (one, 6), (two, 4))
    path = path_of(transfer)
    first, second = (line["stock_transfer_line_id"] for line in transfer["lines"])
    more = {"lines": [{"stock_transfer_line_id": first, "approved_qty": 7}]}
    refused(chain.post(f"{path}/approve", more, chain.area), 422, "more-than-requested", "lines.0.approved_qty")
    strange = {"lines": [{"stock_transfer_line_id": 999999999, "approved_qty": 1}]}
    refused(chain.post(f"{path}/approve", strange, chain.area), 422, "unknown-line")
    none = {"lines": [{"stock_transfer_line_id": key, "approved_qty": 0} for key in (first, second)]}
    refused(chain.post(f"{path}/approve", none, chain.area), 422, "approves-nothing")
    less = {"lines": [{"stock_transfer_line_id": first, "approved_qty": 5}]}
    chain.done(f"{path}/approve", less, chain.area)
    assert (chain.level(one), chain.level(two)) == ((9, 5), (9, 4))
    more = {"lines": [{"stock_transfer_line_id": first, "quantity": 6}]}
    refused(chain.post(f"{path}/ship", more), 422, "more-than-approved", "lines.0.quantity")
    sent = chain.done(f"{path}/ship", {"lines": [{"stock_transfer_line_id": first, "quantity": 2}]})
    assert [line["shipped_qty"] for line in sent["lines"]] == [2, 0]
    assert (chain.level(one), chain.level(two)) == ((7, 0), (9, 0))
    assert chain.done(f"{path}/receive", {}, chain.other)["status"] == "received"


def test_what_is_not_there_is_not_approved(chain, refused) -> None:
    there, short = chain.product(5), chain.product(1)
    transfer = asked(chain, (there, 2), (short, 2))
    answer = chain.post(f"{path_of(transfer)}/approve", {}, chain.area)
    refused(answer, 409, "stock-not-available")
    assert answer.json()["sku"] == transfer["lines"][1]["sku"]
    assert (chain.level(there), chain.level(short)) == ((5, 0), (1, 0))
    assert chain.get(path_of(transfer)).json()["status"] == "requested"


@pytest.mark.parametrize("is_approved", [False, True])
def test_cancelling_frees_what_was_kept(chain, is_approved: bool) -> None:
    product = chain.product(5)
    transfer = asked(chain, (product, 3))
    if is_approved:
        chain.done(f"{path_of(transfer)}/approve", {}, chain.area)
    done = chain.done(f"{path_of(transfer)}/cancel", {"reason": "sold out of the window"}, chain.other)
    assert (done["status"], done["decision_note"]) == ("cancelled", "sold out of the window")
    assert chain.level(product) == (5, 0)
    assert chain.events("transfer.refused", transfer["stock_transfer_id"])[0]["after"]["status"] == "cancelled"


def test_a_strangers_cancel_changes_nothing(chain, refused) -> None:
    transfer = asked(chain, (chain.product(5), 3))
    stranger = chain.user("manager", "away")
    refused(chain.post(f"{path_of(transfer)}/cancel", {"reason": "x"}, stranger), 403, "store-out-of-scope")
    assert chain.get(path_of(transfer)).json()["status"] == "requested"


def test_a_short_receipt_accounts_for_every_unit(chain, refused) -> None:
    mine, theirs = f"m{chain.here}@chain.example", f"t{chain.here}@chain.example"
    chain.user("manager", "here", email=mine)
    other = chain.user("manager", "there", email=theirs)
    product, second = chain.product(10), chain.product(10)
    transfer = asked(chain, (product, 6), (second, 1), who=other)
    path = path_of(transfer)
    chain.done(f"{path}/approve", {}, chain.area)
    line, untouched = chain.done(f"{path}/ship", {})["lines"]
    cases = [
        ([became(line, 5)], "does-not-add-up", "lines.0.received_qty"),
        ([became(line, 7)], "does-not-add-up", "lines.0.received_qty"),
        ([became(line, 5, lost_qty=1)], "reason-missing", "lines.0.reason"),
        ([became(line, 5, still_in_transit_qty=1)], "reason-missing", "lines.0.reason"),
        ([became(line, 0, still_in_transit_qty=6, reason="late")], "receives-nothing", None),
        ([became(line, 6), became(line, 6)], "named-twice", None),
        ([became({"stock_transfer_line_id": 999999999}, 1)], "unknown-line", None),
    ]
    for lines, expected, where in cases:
        refused(chain.post(f"{path}/receive", {"lines": lines}, other), 422, expected, where)
    assert chain.level(product, chain.there, "transit") == (6, 0)
    said = became(line, 2, damaged_qty=1, lost_qty=1, still_in_transit_qty=2, reason="the box was open")
    got = chain.done(f"{path}/receive", {"lines": [said]}, chain.area)
    assert (got["status"], got["received_qty"], got["short_qty"], got["in_transit_qty"]) == (
        "partially_received", 2, 2, 3,
    )  # fmt: skip
    assert got["lines"][0]["short_reason"] == "the box was open"
    assert chain.level(product, chain.there) == (2, 0)
    assert chain.level(product, chain.there, "quarantine") == (1, 0)
    assert chain.level(product, chain.there, "transit") == (2, 0)
    assert chain.events("transfer.short", transfer["stock_transfer_id"])[0]["after"]["lines"][0]["lost_qty"] == 1
    # the source's manager, and whoever asked
    assert len(chain.mails(mine)) == 1
    assert f"IMS: transfer {transfer['stock_transfer_id']} arrived short" in chain.mails(theirs)
    rest = [became(line, 1, lost_qty=1, reason="never came"), became(untouched, 1)]
    done = chain.done(f"{path}/receive", {"lines": rest}, chain.other)
    assert (done["status"], done["in_transit_qty"], done["short_qty"]) == ("received", 0, 3)
    assert chain.level(product, chain.there, "transit") == (0, 0)


def test_a_receipt_sent_again_is_not_received_again(chain) -> None:
    product = chain.product(10)
    transfer = shipped(chain, (product, 6))
    line = transfer["lines"][0]
    body = {"lines": [became(line, 2, still_in_transit_qty=4, reason="two boxes")]}
    first = chain.post(f"{path_of(transfer)}/receive", body, chain.other, key="receipt-one")
    again = chain.post(f"{path_of(transfer)}/receive", body, chain.other, key="receipt-one")
    assert (first.content, again.headers["idempotent-replayed"]) == (again.content, "true")
    assert chain.level(product, chain.there) == (2, 0)


def test_units_are_asked_for_by_number_and_sent_one_by_one(chain, refused) -> None:
    frame, units = chain.serialised("U1", "U2", "U3")
    too_many = asked(chain, (frame, 4))
    refused(chain.post(f"{path_of(too_many)}/approve", {}, chain.area), 409, "stock-not-available")
    line = too_many["lines"][0]["stock_transfer_line_id"]
    less = {"lines": [{"stock_transfer_line_id": line, "approved_qty": 2}]}
    approved = chain.done(f"{path_of(too_many)}/approve", less, chain.area)
    # two units by name, and two that were asked for and not approved
    assert [(each.get("stock_unit_id"), each["approved_qty"]) for each in approved["lines"]] == [
        (None, 0), (units[0], 1), (units[1], 1),
    ]  # fmt: skip
    assert chain.level(frame) == (3, 2)
    chain.done(f"{path_of(too_many)}/ship", {})
    got = chain.done(f"{path_of(too_many)}/receive", {}, chain.other)
    assert got["status"] == "received"
    assert chain.level(frame, chain.there) == (2, 0)
    assert chain.get(f"/stock/units/{units[0]}", chain.other).json()["store_id"] == chain.there
    named = asked(chain, (frame, 1))
    assert chain.done(f"{path_of(named)}/approve", {}, chain.area)["lines"][0]["serial"] == "U3"


def test_a_lens_goes_by_power(chain) -> None:
    lens, (cell,) = chain.lens("-1.00")
    chain.put(lens, 4, cell=cell)
    body = {
        "from_store_id": chain.here,
        "to_store_id": chain.there,
        "lines": [{"product_id": lens, "lens_cell_id": cell, "quantity": 2}],
    }
    transfer = chain.done("/transfers", body, chain.other)
    for step, who in (("approve", chain.area), ("ship", chain.manager), ("receive", chain.other)):
        transfer = chain.done(f"{path_of(transfer)}/{step}", {}, who)
    assert transfer["lines"][0]["sph"] == "-1.00"
    assert chain.level(lens, chain.there) == (2, 0)


def test_where_no_approval_is_asked_shipping_approves(chain, refused) -> None:
    setting = "UPDATE chain_settings SET value = %s::jsonb WHERE key = 'transfer_needs_approval'"
    product = chain.product(5)
    transfer = asked(chain, (product, 2))
    refused(chain.post(f"{path_of(transfer)}/ship", {}), 409, "not-allowed-now")
    chain.rows(setting, "false")
    try:
        own = asked(chain, (product, 2), who=chain.manager)
        refused(chain.post(f"{path_of(own)}/ship", {}), 403, "own-request")
        assert chain.done(f"{path_of(transfer)}/ship", {})["status"] == "shipped"
    finally:
        chain.rows(setting, "true")
    assert chain.level(product) == (3, 0)


def test_what_takes_too_long_is_overdue(chain) -> None:
    transfer = shipped(chain, (chain.product(5), 2))
    chain.rows(
        "UPDATE stock_transfers SET shipped_at = now() - interval '8 days' WHERE stock_transfer_id = %s",
        transfer["stock_transfer_id"],
    )
    assert chain.items("/transfers")[0]["is_overdue"] is True


def test_if_match_keeps_two_deciders_apart(chain) -> None:
    transfer = asked(chain, (chain.product(5), 2))
    tag = chain.get(path_of(transfer), chain.area).headers["etag"]
    chain.done(f"{path_of(transfer)}/cancel", {"reason": "x"}, chain.other)
    headers = {**chain.area, "if-match": tag}
    answer = chain.client.post(f"/api/v1{path_of(transfer)}/approve", headers=headers, json={})
    assert answer.status_code == 412


def test_opposite_transfers_of_the_same_goods_at_once(chain) -> None:
    """Both ways, several products in opposite orders: nobody waits in a circle, and nothing is lost."""
    products = [chain.product(40) for _ in range(6)]
    for product in products:
        chain.put(product, 40, chain.there)
    ends = [(chain.here, chain.there, 1), (chain.there, chain.here, -1)] * 4

    def move(way: tuple[int, int, int]) -> list[int]:
        source, destination, order = way
        lines = [{"product_id": product, "quantity": 2} for product in products[::order]]
        body = {"from_store_id": source, "to_store_id": destination, "lines": lines}
        made = chain.post("/transfers", body, chain.boss)
        steps = [chain.post(f"{path_of(made.json())}/approve", {}, chain.admin)]
        steps += [chain.post(f"{path_of(made.json())}/{step}", {}, chain.boss) for step in ("ship", "receive")]
        return [answer.status_code for answer in (made, *steps)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(move, ends)) == [[201, 200, 200, 200]] * 8
    for product in products:
        assert (chain.level(product), chain.level(product, chain.there)) == ((40, 0), (40, 0))
