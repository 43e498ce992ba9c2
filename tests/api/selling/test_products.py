"""Products: lists, search, one with its stock, new ones and changes, each by those who may."""

from __future__ import annotations

from decimal import Decimal


def code(answer) -> str:
    return answer.json()["type"].removeprefix("urn:ims:problem:")


def test_a_product_is_added_found_and_changed(shop) -> None:
    sku = f"RB-{shop.number}/3025"
    body = {"sku": sku, "name": "Aviator classic", "category": shop.category, "brand": f"Northlight {shop.number}",
            "model": f"AV{shop.number}3025", "barcode": f"890{shop.number:010}", "mrp": "6490.00"}  # fmt: skip
    assert shop.post("/products", body).status_code == 403
    made = shop.post("/products", body, shop.admin)
    assert made.status_code == 201, made.text
    product = made.json()["product_id"]
    taken = shop.post("/products", {**body, "barcode": None}, shop.admin)
    assert (taken.status_code, code(taken)) == (409, "sku-taken")
    for words in (sku, f"890{shop.number:010}", f"northlight {shop.number}", f"AV{shop.number}3025", "aviater"):
        found = shop.get("/products", q=words).json()["items"]
        assert product in [item["product_id"] for item in found], words
    path = f"/products/{product}"
    changed = shop.send("PATCH", path, {"lifecycle": "DISCONTINUED", "is_active": False}, shop.admin)
    assert (changed.json()["lifecycle"], changed.json()["is_active"]) == ("DISCONTINUED", False)
    kinds = shop.rows("SELECT kind FROM audit_log WHERE entity_type = 'product' AND entity_id = %s", str(product))
    assert [row["kind"] for row in kinds] == ["product.created", "product.discontinued"]
    sold = shop.post("/orders", {"store_id": shop.store_id, "lines": [{"product_id": product}]})
    assert (sold.status_code, code(sold)) == (409, "product-not-sold")


def test_what_a_product_must_be_is_checked(shop) -> None:
    body = {"sku": f"NEW{shop.number}", "name": "A", "category": shop.category}
    for wrong, expected in (
        ({"category": "no such"}, "unknown-category"),
        ({"tax_class_id": 2**40}, "unknown-tax-class"),
        ({"unit_price": "10", "mrp": "9"}, "rule-broken"),
        ({"hsn_code": "12"}, "invalid-request"),
        ({"sku": ""}, "invalid-request"),
        ({"unit_cost": "5"}, "invalid-request"),
    ):
        answer = shop.post("/products", {**body, **wrong}, shop.admin)
        assert (answer.status_code, code(answer)) == (422, expected)
    assert shop.post("/products", {**body, "name": None}, shop.admin).status_code == 422
    assert code(shop.send("PATCH", "/products/999999999", {"name": "x"}, shop.admin)) == "unknown-product"
    assert shop.get("/products/999999999").status_code == 404


def test_costs_change_by_buyers_and_are_seen_by_those_who_may(shop) -> None:
    product = shop.product("100", unit_cost="40")
    path = f"/products/{product}"
    buyer = shop.user("buyer", stores=())
    assert shop.send("PATCH", path, {"name": "x"}, buyer).status_code == 403
    assert shop.send("PATCH", f"{path}/terms", {"unit_cost": "1"}, shop.manager).status_code == 403
    for cost in ("42.5", "43"):
        answer = shop.send("PATCH", f"{path}/terms", {"unit_cost": cost, "is_never_reordered": True}, buyer)
        assert Decimal(answer.json()["unit_cost"]) == Decimal(cost)
    dated = shop.rows("SELECT unit_cost, valid_to_on FROM cost_history WHERE product_id = %s", product)
    assert [(row["unit_cost"], row["valid_to_on"]) for row in dated] == [(43, None)]
    assert "unit_cost" not in shop.get(path).json()
    listed = shop.get("/products", category=shop.category).json()["items"]
    assert not any("unit_cost" in item for item in listed)
    assert all("unit_cost" in item for item in shop.get("/products", buyer, category=shop.category).json()["items"])


def test_lists_filter_and_page(shop) -> None:
    ids = [shop.product("1", brand=f"B{shop.number}") for _ in range(3)]
    shop.product("1", is_active=False)
    carried = ids[1]
    shop.add("assortment", store_id=shop.store_id, product_id=carried)

    def found(**wanted):
        return [x["product_id"] for x in shop.get("/products", category=shop.category, **wanted).json()["items"]]

    assert len(found()) == 4
    assert found(is_active=True) == found(brand=f"B{shop.number}") == ids[::-1]
    assert found(store_id=shop.store_id) == [carried]
    first = shop.get("/products", category=shop.category, is_active=True, limit=2).json()
    rest = shop.get("/products", category=shop.category, is_active=True, limit=2, cursor=first["next_cursor"]).json()
    assert [x["product_id"] for x in first["items"] + rest["items"]] == ids[::-1]


def test_stock_is_shown_of_the_stores_in_reach(shop) -> None:
    product = shop.product("100", stock=3)
    other = shop.add("stores", store_code=f"W{shop.number}", name="Another")
    shop.rows(
        "INSERT INTO stock_moves (product_id, quantity, source_location_id, destination_location_id, moved_on, kind)"
        " SELECT %s, 7, o.location_id, s.location_id, '2024-01-01', 'opening' FROM stock_locations AS o,"
        " stock_locations AS s WHERE o.kind = 'opening' AND s.kind = 'store' AND s.store_id = %s",
        product, other,
    )  # fmt: skip
    shop.confirmed({"product_id": product})
    here = {"store_id": shop.store_id, "store_code": shop.code, "on_hand": 3, "available": 2}
    there = {"store_id": other, "store_code": f"W{shop.number}", "on_hand": 7, "available": 7}
    assert shop.get(f"/products/{product}", shop.staff, with_stock=True).json()["stock"] == [here]
    assert shop.get(f"/products/{product}", shop.admin, with_stock=True).json()["stock"] == [here, there]
    assert "stock" not in shop.get(f"/products/{product}", shop.admin).json()
