"""Levels, the grid of a lens, the ledger, units: what each role sees of which store, and taking a move back."""

from __future__ import annotations

from decimal import Decimal


def test_levels_by_store_and_product(chain) -> None:
    one, two = chain.product(5), chain.product(2)
    chain.put(one, 3, chain.there)
    (level,) = chain.items("/stock/levels", product_id=one)
    assert {name: level[name] for name in ("store_id", "on_hand", "reserved", "available", "in_transit")} == {
        "store_id": chain.here, "on_hand": 5, "reserved": 0, "available": 5, "in_transit": 0,
    }  # fmt: skip
    assert [row["on_hand"] for row in chain.items("/stock/levels", chain.buyer, product_id=one)] == [5, 3]
    assert [row["product_id"] for row in chain.items("/stock/levels", store_id=chain.here)] == [one, two]
    # page by page, the same
    assert [row["product_id"] for row in chain.items("/stock/levels", store_id=chain.here, limit=1)] == [one, two]
    (low,) = chain.items("/stock/levels", store_id=chain.here, below=3)
    assert low["product_id"] == two
    sku = level["sku"]
    assert len(chain.items("/stock/levels", chain.area, sku=sku)) == 2
    assert chain.items("/stock/levels", category="lenses") == []
    assert len(chain.items("/stock/levels", category="frames")) == 2


def test_what_is_reserved_is_not_available_and_what_comes_is_in_transit(chain) -> None:
    product = chain.product(5)
    body = {"from_store_id": chain.here, "to_store_id": chain.there, "lines": [{"product_id": product, "quantity": 2}]}
    transfer = chain.done("/transfers", body, chain.other)
    chain.done(f"/transfers/{transfer['stock_transfer_id']}/approve", {}, chain.area)
    (level,) = chain.items("/stock/levels", product_id=product)
    assert (level["on_hand"], level["reserved"], level["available"]) == (5, 2, 3)
    chain.done(f"/transfers/{transfer['stock_transfer_id']}/ship", {})
    here, there = chain.items("/stock/levels", chain.area, product_id=product)
    assert (here["on_hand"], here["available"], here["in_transit"]) == (3, 3, 0)
    assert (there["store_id"], there["on_hand"], there["in_transit"]) == (chain.there, 0, 2)


def test_levels_say_what_they_are_worth_only_to_whoever_sees_costs(chain) -> None:
    product = chain.product(4, unit_cost="10.50")
    chain.add("cost_history", product_id=product, store_id=chain.here, unit_cost="12", valid_from_on="2020-01-01")
    chain.put(product, 1, chain.there)
    here, there = chain.items("/stock/levels", chain.buyer, product_id=product)
    assert (Decimal(here["stock_value"]), Decimal(there["stock_value"])) == (48, Decimal("10.5"))
    for who in (chain.manager, chain.staff):
        assert "stock_value" not in chain.items("/stock/levels", who, product_id=product)[0]


def test_another_store_is_refused(chain, refused) -> None:
    product = chain.product(5)
    move = chain.put(product, 1, chain.away)
    refused(chain.get("/stock/levels", store_id=chain.there), 403, "store-out-of-scope")
    refused(chain.get("/stock/moves", store_id=chain.there), 403, "store-out-of-scope")
    refused(chain.get("/stock/units", store_id=chain.there), 403, "store-out-of-scope")
    refused(chain.get(f"/stock/lens-grids/{product}", store_id=chain.there), 403, "store-out-of-scope")
    refused(chain.get(f"/stock/moves/{move}"), 403, "store-out-of-scope")
    assert len(chain.items("/stock/moves", product_id=product)) == 1


def test_the_grid_of_a_lens(chain, refused) -> None:
    lens, (minus, plus) = chain.lens("-1.25", "2.00")
    chain.put(lens, 4, cell=minus)
    chain.put(lens, 7, chain.there, cell=minus)
    grid = chain.get(f"/stock/lens-grids/{lens}").json()
    assert (grid["sph_from"], grid["sph_to"], grid["step"]) == ("-4.00", "4.00", "0.25")
    assert [(cell["lens_cell_id"], cell["on_hand"]) for cell in grid["cells"]] == [(plus, 0), (minus, 4)]
    assert chain.get(f"/stock/lens-grids/{lens}", chain.buyer).json()["cells"][1]["on_hand"] == 11
    levels = chain.items("/stock/levels", chain.buyer, product_id=lens, grain="cell")
    assert [(row["sph"], row["on_hand"]) for row in levels] == [("-1.25", 4), ("-1.25", 7)]
    refused(chain.get(f"/stock/lens-grids/{chain.product()}"), 404, "unknown-lens")


def test_a_new_power_gets_a_cell_once(chain, refused) -> None:
    lens, (cell,) = chain.lens("-1.25")
    assert chain.done("/stock/lens-cells", {"product_id": lens, "sph": "-1.25"})["lens_cell_id"] == cell
    made = chain.done("/stock/lens-cells", {"product_id": lens, "sph": "-1.5", "cyl": "-0.5"})
    assert chain.done("/stock/lens-cells", {"product_id": lens, "sph": "-1.5", "cyl": "-0.5"}) == made
    assert len(chain.events("stock.cell_opened", made["lens_cell_id"])) == 1
    answer = chain.post("/stock/lens-cells", {"product_id": lens, "sph": "-4.25"})
    refused(answer, 422, "power-not-made", "sph")
    answer = chain.post("/stock/lens-cells", {"product_id": lens, "sph": "-1", "add": "1.5"})
    refused(answer, 422, "power-not-made", "add")


def test_the_ledger_newest_first_with_filters(chain) -> None:
    product = chain.product(5)
    chain.sell(product, 2)
    asked = {"store_id": chain.here, "product_id": chain.product(9), "quantity": -1, "reason": "theft"}
    adjusted = chain.done("/adjustments", asked)
    moves = chain.items("/stock/moves", product_id=product)
    assert [(move["kind"], move["source"], move["destination"]) for move in moves] == [
        ("sale", "store", "customer"),
        ("opening", "opening", "store"),
    ]
    assert moves[0]["source_store_id"] == chain.here
    # without a product or a document the last months only: the opening was years ago
    assert [move["kind"] for move in chain.items("/stock/moves")] == ["adjustment"]
    assert len(chain.items("/stock/moves", from_on="2024-01-01", limit=1)) == 4
    assert [move["kind"] for move in chain.items("/stock/moves", from_on="2024-01-01", to_on="2024-01-02", kind="sale")]
    (move,) = chain.items(
        "/stock/moves", reference_type="stock_adjustment", reference_id=adjusted["stock_adjustment_id"]
    )
    assert move["stock_move_id"] == adjusted["stock_move_id"]
    assert "unit_cost" not in move
    seen = chain.get(f"/stock/moves/{move['stock_move_id']}", chain.admin).json()
    assert Decimal(seen["unit_cost"]) == 10
    assert chain.get("/stock/moves", reference_type="stock_adjustment").status_code == 422


def test_a_move_by_hand_is_reversed_once(chain, refused) -> None:
    product = chain.product(5)
    body = {"store_id": chain.here, "product_id": product, "quantity": -2, "reason": "miscount"}
    move = chain.done("/adjustments", body)["stock_move_id"]
    assert chain.level(product) == (3, 0)
    path = f"/stock/moves/{move}/reverse"
    refused(chain.post(path, {"reason": "they were in the drawer"}), 403, "not-permitted")
    back = chain.done(path, {"reason": "they were in the drawer"}, chain.admin)
    assert (back["kind"], back["reverses_move_id"], back["reason"]) == ("reversal", move, "they were in the drawer")
    assert chain.level(product) == (5, 0)
    assert chain.get(f"/stock/moves/{move}").json()["reversed_by_move_id"] == back["stock_move_id"]
    refused(chain.post(path, {"reason": "again"}, chain.admin), 409, "move-reversed-already")
    again = f"/stock/moves/{back['stock_move_id']}/reverse"
    refused(chain.post(again, {"reason": "again"}, chain.admin), 409, "move-is-reversal")
    refused(chain.post("/stock/moves/999999999/reverse", {"reason": "x"}, chain.admin), 404, "unknown-stock-move")
    assert len(chain.events("stock.reversed", move)) == 1


def test_what_a_document_moved_its_document_takes_back(chain, refused) -> None:
    product = chain.product(5)
    body = {"from_store_id": chain.here, "to_store_id": chain.there, "lines": [{"product_id": product, "quantity": 2}]}
    transfer = chain.done("/transfers", body, chain.other)
    chain.done(f"/transfers/{transfer['stock_transfer_id']}/approve", {}, chain.area)
    chain.done(f"/transfers/{transfer['stock_transfer_id']}/ship", {})
    move = chain.items("/stock/moves", product_id=product)[0]
    answer = chain.post(f"/stock/moves/{move['stock_move_id']}/reverse", {"reason": "oops"}, chain.admin)
    refused(answer, 409, "move-of-document")
    assert chain.level(product) == (3, 0)


def test_a_reversal_never_goes_below_zero(chain, refused) -> None:
    product = chain.product()
    move = chain.put(product, 5)
    chain.sell(product, 3)
    answer = chain.post(f"/stock/moves/{move}/reverse", {"reason": "never came"}, chain.admin)
    refused(answer, 409, "stock-below-zero")
    assert chain.level(product) == (2, 0)


def test_units_are_found_where_they_are_and_know_where_they_were(chain, refused) -> None:
    product, (first, second) = chain.serialised("A1", "A2")
    _, (foreign,) = chain.serialised("A1", store=chain.there)
    assert [unit["stock_unit_id"] for unit in chain.items("/stock/units", product_id=product)] == [second, first]
    (found,) = chain.items("/stock/units", serial="A1")
    assert (found["stock_unit_id"], found["place"], found["store_id"]) == (first, "store", chain.here)
    assert len(chain.items("/stock/units", chain.buyer, serial="A1", limit=1)) >= 2
    (same,) = chain.items("/stock/units", barcode=found["barcode"])
    assert same == found
    shown = chain.get(f"/stock/units/{first}").json()
    assert [move["kind"] for move in shown["moves"]] == ["opening"]
    refused(chain.get(f"/stock/units/{foreign}"), 403, "store-out-of-scope")
    refused(chain.get("/stock/units/999999999"), 404, "unknown-stock-unit")
    chain.done(
        "/adjustments",
        {"store_id": chain.here, "product_id": product, "stock_unit_id": first, "quantity": -1, "reason": "theft"},
    )
    # gone: no longer in the store, and still known there
    assert [unit["stock_unit_id"] for unit in chain.items("/stock/units", product_id=product)] == [second]
    gone = chain.get(f"/stock/units/{first}").json()
    assert "place" not in gone
    assert [move["kind"] for move in gone["moves"]] == ["adjustment", "opening"]
    levels = chain.items("/stock/levels", product_id=product, grain="unit")
    assert [(row["serial"], row["on_hand"]) for row in levels] == [("A2", 1)]


def test_the_catalogue_is_read_by_those_who_may(chain, refused) -> None:
    accountant, analyst = chain.user("accountant"), chain.user("analyst")
    product = chain.product(1)
    for who in (accountant, analyst, chain.staff):
        assert len(chain.items("/stock/levels", who, product_id=product)) == 1
        refused(
            chain.post(
                "/adjustments", {"store_id": chain.here, "product_id": product, "quantity": 1, "reason": "found"}, who
            ),
            403,
            "not-permitted",
        )
    bad = chain.get("/stock/levels", cursor="W10")
    refused(bad, 422, "invalid-cursor")
