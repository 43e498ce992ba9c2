"""Counts: blind, for the moment of counting, posted in one go; two counts never correct the same loss twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest


def opened(chain, **more: object) -> str:
    made = chain.done("/counts", {"store_id": chain.here, **more})
    return f"/counts/{made['stock_count_id']}"


def enter(chain, path: str, *counted: tuple[int, int], who=None, **more: object):
    lines = [{"product_id": product, "counted_qty": quantity, **more} for product, quantity in counted]
    return chain.post(f"{path}/lines", {"lines": lines}, who)


def test_differences_become_moves_and_the_rest_stays(chain) -> None:
    lost, found, right, uncounted = chain.product(5), chain.product(5), chain.product(5), chain.product(5)
    path = opened(chain)
    assert enter(chain, path, (lost, 3), (found, 6), (right, 5)).status_code == 200
    assert [chain.level(product)[0] for product in (lost, found, right, uncounted)] == [5, 5, 5, 5]
    done = chain.done(f"{path}/post")
    assert (done["status"], done["counted_lines"], done["found_qty"], done["lost_qty"]) == ("posted", 3, 1, 2)
    assert [chain.level(product)[0] for product in (lost, found, right, uncounted)] == [3, 6, 5, 5]
    (move,) = chain.items("/stock/moves", product_id=lost, kind="count")
    assert (move["source"], move["destination"], move["quantity"]) == ("store", "loss", 2)
    (move,) = chain.items("/stock/moves", product_id=found, kind="count")
    assert (move["source"], move["destination"], move["quantity"]) == ("loss", "store", 1)
    assert chain.items("/stock/moves", product_id=right, kind="count") == []
    said = [event["after"].get("status") for event in chain.events("stock.counted", done["stock_count_id"])]
    assert said == ["open", None, "posted"]


def test_it_is_blind_until_it_is_posted(chain) -> None:
    product = chain.product(5)
    path = opened(chain, product_ids=[product])
    enter(chain, path, (product, 4))
    for who in (chain.manager, chain.staff, chain.buyer):
        (line,) = chain.items(f"{path}/lines", who)
        assert line["counted_qty"] == 4
        assert not {"expected_qty", "difference_qty"} & line.keys()
        assert "lost_qty" not in chain.get(path, who).json()
    (line,) = chain.items(f"{path}/lines", chain.admin)
    assert (line["expected_qty"], line["difference_qty"]) == (5, -1)
    assert chain.get(path, chain.admin).json()["lost_qty"] == 1
    chain.done(f"{path}/post")
    (line,) = chain.items(f"{path}/lines", chain.staff)
    assert (line["expected_qty"], line["difference_qty"]) == (5, -1)


def test_what_is_sold_between_counting_and_posting_counts_for_itself(chain) -> None:
    product = chain.product(10)
    path = opened(chain)
    enter(chain, path, (product, 9))
    chain.sell(product, 4)
    chain.put(product, 2)
    assert chain.done(f"{path}/post")["lost_qty"] == 1
    assert chain.level(product) == (7, 0)


def test_counted_anew_replaces_what_was_entered(chain) -> None:
    product = chain.product(10)
    path = opened(chain)
    enter(chain, path, (product, 9))
    chain.sell(product, 4)
    again = enter(chain, path, (product, 6)).json()
    assert again["counted_lines"] == 1
    done = chain.done(f"{path}/post")
    assert (done["found_qty"], done["lost_qty"]) == (0, 0)
    assert chain.level(product) == (6, 0)


def test_a_lost_answer_does_not_count_twice(chain) -> None:
    product = chain.product(10)
    path = opened(chain)
    body = {"lines": [{"product_id": product, "counted_qty": 10}]}
    first = chain.post(f"{path}/lines", body, key="counted-once")
    chain.sell(product, 3)
    again = chain.post(f"{path}/lines", body, key="counted-once")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    posted = chain.post(f"{path}/post", key="posted-once")
    assert chain.post(f"{path}/post", key="posted-once").content == posted.content
    assert chain.level(product) == (7, 0)


def test_two_counts_do_not_correct_one_loss_twice(chain) -> None:
    product = chain.product(5)
    first, second = opened(chain), opened(chain)
    enter(chain, first, (product, 3))
    enter(chain, second, (product, 3))
    assert chain.done(f"{first}/post")["lost_qty"] == 2
    assert chain.done(f"{second}/post")["lost_qty"] == 0
    assert chain.level(product) == (3, 0)


def test_a_reversed_correction_is_no_correction(chain) -> None:
    product = chain.product(5)
    first, second = opened(chain), opened(chain)
    enter(chain, first, (product, 2))
    enter(chain, second, (product, 3))
    chain.done(f"{first}/post")
    (move,) = chain.items("/stock/moves", product_id=product, kind="count")
    chain.done(f"/stock/moves/{move['stock_move_id']}/reverse", {"reason": "miscounted"}, chain.admin)
    assert chain.done(f"{second}/post")["lost_qty"] == 2
    assert chain.level(product) == (3, 0)


def test_a_count_that_sales_contradict_is_not_posted(chain, refused) -> None:
    product, other = chain.product(5), chain.product(5)
    path = opened(chain)
    enter(chain, path, (product, 1), (other, 4))
    chain.sell(product, 3)
    refused(chain.post(f"{path}/post"), 409, "count-contradicted")
    assert (chain.level(product), chain.level(other)) == ((2, 0), (5, 0))
    enter(chain, path, (product, 2))
    chain.done(f"{path}/post")
    assert (chain.level(product), chain.level(other)) == ((2, 0), (4, 0))


def test_cells_and_units_are_counted_one_by_one(chain, refused) -> None:
    lens, (minus, plus) = chain.lens("-1.00", "1.00")
    chain.put(lens, 4, cell=minus)
    frame, (here, gone) = chain.serialised("U1", "U2")
    _, _ = chain.serialised("U3")
    path = opened(chain)
    refused(enter(chain, path, (lens, 3)), 422, "needs-a-cell", "lines.0.lens_cell_id")
    refused(enter(chain, path, (frame, 2)), 422, "needs-a-unit", "lines.0.stock_unit_id")
    refused(enter(chain, path, (frame, 2), stock_unit_id=here), 422, "rule-broken", "lines.0.counted_qty")
    refused(enter(chain, path, (frame, 1), (frame, 1), stock_unit_id=here), 422, "named-twice")
    for product, quantity, goods in (
        (lens, 3, {"lens_cell_id": minus}),
        (lens, 1, {"lens_cell_id": plus}),
        (frame, 1, {"stock_unit_id": here}),
        (frame, 0, {"stock_unit_id": gone}),
    ):
        assert enter(chain, path, (product, quantity), **goods).status_code == 200
    done = chain.done(f"{path}/post")
    assert (done["found_qty"], done["lost_qty"]) == (1, 2)
    levels = chain.items("/stock/levels", grain="cell", product_id=lens)
    assert [(row["lens_cell_id"], row["on_hand"]) for row in levels] == [(minus, 3), (plus, 1)]
    assert "place" not in chain.get(f"/stock/units/{gone}").json()


def test_a_unit_that_lies_in_another_store_is_not_found_here(chain, refused) -> None:
    frame, (unit,) = chain.serialised("U1", store=chain.there)
    path = opened(chain)
    enter(chain, path, (frame, 1), stock_unit_id=unit)
    refused(chain.post(f"{path}/post"), 409, "unit-elsewhere")


def test_a_sheet_of_products_says_what_is_still_to_be_counted(chain) -> None:
    lens, (minus, _) = chain.lens("-1.00", "1.00")
    chain.put(lens, 4, cell=minus)
    never, product = chain.product(), chain.product(5)
    path = opened(chain, product_ids=[product, never, lens])
    assert (chain.get(path).json()["counted_lines"], chain.get(path).json()["uncounted_lines"]) == (0, 3)
    lines = chain.items(f"{path}/lines", limit=2)
    assert [line["product_id"] for line in lines] == [lens, never, product]
    assert lines[0]["lens_cell_id"] == minus
    enter(chain, path, (never, 1))
    assert chain.done(f"{path}/post")["uncounted_lines"] == 2
    assert (chain.level(never), chain.level(product)) == ((1, 0), (5, 0))


def test_a_count_of_a_category_takes_no_other(chain, refused) -> None:
    frame, other = chain.product(5), chain.product(5, category="solutions")
    path = opened(chain, category="frames")
    refused(enter(chain, path, (frame, 5), (other, 5)), 422, "not-of-this-count", "lines.1.product_id")
    assert chain.items(f"{path}/lines") == []
    both = chain.post("/counts", {"store_id": chain.here, "category": "frames", "product_ids": [frame]})
    refused(both, 422, "two-scopes")
    refused(chain.post("/counts", {"store_id": chain.here, "category": "hats"}), 422, "unknown-category", "category")
    answer = chain.post("/counts", {"store_id": chain.here, "product_ids": [frame, 999999999]})
    refused(answer, 422, "unknown-product", "product_ids.1")


@pytest.mark.parametrize("end", ["post", "cancel"])
def test_a_closed_count_stays_as_it_is(chain, refused, end: str) -> None:
    product = chain.product(5)
    path = opened(chain)
    refused(chain.post(f"{path}/post"), 409, "nothing-counted")
    enter(chain, path, (product, 3))
    chain.done(f"{path}/{end}")
    left = 3 if end == "post" else 5
    assert chain.level(product) == (left, 0)
    for answer in (enter(chain, path, (product, 1)), chain.post(f"{path}/post"), chain.post(f"{path}/cancel")):
        refused(answer, 409, "not-allowed-now")
    assert chain.level(product) == (left, 0)


def test_another_store_is_refused_and_nothing_changes(chain, refused) -> None:
    product = chain.product(5)
    path = opened(chain)
    refused(chain.get(path, chain.other), 403, "store-out-of-scope")
    refused(chain.get(f"{path}/lines", chain.other), 403, "store-out-of-scope")
    refused(enter(chain, path, (product, 1), who=chain.other), 403, "store-out-of-scope")
    refused(chain.post(f"{path}/post", who=chain.other), 403, "store-out-of-scope")
    refused(chain.post(f"{path}/cancel", who=chain.other), 403, "store-out-of-scope")
    refused(chain.post("/counts", {"store_id": chain.there}), 403, "store-out-of-scope")
    refused(chain.post("/counts", {"store_id": chain.here}, chain.staff), 403, "not-permitted")
    refused(chain.get("/counts", store_id=chain.there), 403, "store-out-of-scope")
    refused(chain.get("/counts/999999999"), 404, "unknown-stock-count")
    assert [f"/counts/{count['stock_count_id']}" for count in chain.items("/counts", store_id=chain.here)] == [path]
    assert chain.get(path).json()["counted_lines"] == 0


def test_counting_while_others_post(chain) -> None:
    """Eight counts of the same goods at once, entered and posted beside each other, agree on what lies there."""
    products = [chain.product(10) for _ in range(5)]
    paths = [opened(chain) for _ in range(8)]

    def count(path: str) -> int:
        assert enter(chain, path, *((product, 7) for product in reversed(products))).status_code == 200
        return chain.post(f"{path}/post").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(count, paths)) == {200}
    assert [chain.level(product) for product in products] == [(7, 0)] * 5


def test_what_the_ledger_does_not_say_is_found(chain, broken) -> None:
    product = chain.product(5)
    path = opened(chain)
    enter(chain, path, (product, 4))
    chain.done(f"{path}/post")
    assert broken("UPDATE stock_count_lines SET counted_qty = counted_qty + 3 WHERE stock_unit_id IS NULL") == {
        "counts_are_in_the_ledger"
    }
    assert broken("UPDATE stock_counts SET status = 'cancelled' WHERE status = 'posted'") == {
        "counts_are_in_the_ledger"
    }
