"""What binds an order besides supply terms, and what of the stock is spoken for."""

from __future__ import annotations

from tests.sql.documents import purchase, transfer

AS_OF = "2024-05-15"
COLUMNS = "sku, kind, shelf_life_days, order_weekdays, minimum_order_amount, kind_service_level"


def test_a_vendors_terms_are_those_of_the_day(shop) -> None:
    shop.add("categories", code="c", kind="frame")
    shop.stock("2024-05-01", 2)
    shop.supply()
    vendor = {"vendor_id": shop.key("vendor", "V")}
    shop.add(
        "vendor_terms",
        **vendor,
        minimum_order_amount=900,
        order_weekdays=[1],
        valid_from_on="2024-01-01",
        valid_to_on="2024-04-30",
    )
    shop.add("vendor_terms", **vendor, minimum_order_amount=500, order_weekdays=[2, 4], valid_from_on="2024-05-01")
    shop.add("vendor_terms", **vendor, minimum_order_amount=1, valid_from_on="2024-06-01")
    shop.add("chain_settings", key="service_level_frame", value="0.95")
    shop.add("chain_settings", key="service_level_solution", value="0")
    found = shop.build(AS_OF, "dim_order_rules").rows("dim_order_rules", COLUMNS)
    assert found == [("p", "frame", None, [2, 4], 500.0, 0.95)]


def test_shelf_life_is_what_nine_of_ten_receipts_had_left(shop) -> None:
    shop.product("lens", is_batch_tracked=True)
    shop.product("other lens", is_batch_tracked=True)
    for sku in ("p", "lens", "other lens"):
        shop.stock("2024-05-01", 2, f"A/{sku}")
    for expires in ["2024-06-01", *["2025-05-01"] * 4]:
        purchase(shop, "2024-04-20", "2024-05-01", 10, (("2024-05-01", 10, 0, "b", expires),), "A/lens")
    found = shop.build(AS_OF, "dim_order_rules").rows("dim_order_rules", "sku, shelf_life_days, minimum_order_amount")
    assert found == [("lens", 31, None), ("other lens", 31, None), ("p", None, None)]


def test_what_is_asked_for_is_not_free_and_what_is_on_its_way_comes_once(shop) -> None:
    shop.store("B")
    shop.stock("2024-05-01", 9)
    kept = {"location_id": shop.locations["A"], "product_id": shop.key("product", "p")}
    shop.add("stock_reservations", **kept, quantity=2, state="active")
    transfer(shop, None, None, requested_qty=3)
    transfer(shop, "2024-05-13", None, requested_qty=4, shipped_qty=4)
    transfer(shop, None, None, requested_qty=5, status="cancelled")
    columns = "store_code, reserved_qty, promised_qty, in_transit_qty, shipped_on::VARCHAR"
    both = [("A", 2, 3, 0, None), ("B", 0, 0, 4, "2024-05-13")]
    assert shop.build(AS_OF, "fct_claims").rows("fct_claims", columns) == both
    # a suggestion that asked for it counts it as on order until it has come
    days = {"as_of": "2024-05-01", "order_by": "2024-05-01", "arrives_on": "2024-05-16"}
    shop.add("suggestions", **shop.pair("B", "p"), **days, state="ordered", kind="transfer", suggested_qty=4)
    assert shop.build(AS_OF, "fct_claims").rows("fct_claims", columns) == both[:1]
