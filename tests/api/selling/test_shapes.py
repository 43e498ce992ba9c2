"""Every answer of selling is as its description says, member by member."""

from __future__ import annotations

from api.routes.discounts import ApprovalOut, ApprovalPage
from api.routes.orders import SalesOrderOut, SalesOrderPage
from api.routes.payments import PaymentList, PaymentOut
from api.routes.prices import PriceOut, PricePage, TaxClassPage, TaxRateList, TaxRateOut
from api.routes.products import ProductItem, ProductOut, ProductPage
from api.routes.returns import ReturnOut, ReturnPage


def test_answers_are_as_described(shop) -> None:
    who = shop.admin
    product = shop.product("100", stock=3, unit_cost="40", mrp="200", brand=f"B{shop.number}")
    order = shop.delivered({"product_id": product, "quantity": 2, "discount_share": "0.1"}, expected_on="2030-01-01")
    path = f"/orders/{order['sales_order_id']}"
    line = {"sales_order_line_id": order["lines"][0]["sales_order_line_id"], "quantity": 1, "condition": "good"}
    returned = shop.post(f"{path}/returns", {"reason": "none", "lines": [line]}, who)
    draft = shop.draft({"product_id": product, "discount_share": "0.9"})
    refund = shop.post(f"{path}/refunds", {"method": "upi", "amount": "1", "reference": "123456789012"}, who)
    tax = f"/tax-classes/{shop.tax_class_id}/rates"
    for shape, answer in (
        (SalesOrderOut, shop.get(path, who)),
        (SalesOrderPage, shop.get("/orders", who)),
        (PaymentOut, refund),
        (PaymentList, shop.get(f"{path}/payments", who)),
        (ReturnOut, returned),
        (ReturnPage, shop.get("/returns", who)),
        (ApprovalOut, shop.post(f"/orders/{draft['sales_order_id']}/discount-approvals", {"reason": "x"})),
        (ApprovalPage, shop.get("/discount-approvals", who)),
        (PriceOut, shop.post(f"/products/{product}/prices", {"unit_price": "90", "mrp": "200"}, who)),
        (PricePage, shop.get(f"/products/{product}/prices", who)),
        (TaxRateOut, shop.post(tax, {"rate": "0.05", "valid_from_on": "2100-01-01"}, who)),
        (TaxRateList, shop.get(tax, who)),
        (TaxClassPage, shop.get("/tax-classes", who)),
        (ProductOut, shop.get(f"/products/{product}", who, with_stock=True)),
        (ProductPage, shop.get("/products", who)),
        (ProductItem, shop.send("PATCH", f"/products/{product}", {"name": "B"}, who)),
    ):
        assert answer.is_success, answer.text
        assert shape.model_validate_json(answer.content)
