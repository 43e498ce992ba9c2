"""Every answer of supply, expenses, settings and users is as its description says, member by member."""

from __future__ import annotations

from api.routes.expenses import CategoryList, ExpenseOut, ExpensePage
from api.routes.purchase_orders import PurchaseOrderOut, PurchaseOrderPage
from api.routes.receipts import ReceiptOut, ReceiptPage
from api.routes.settings import CapList, CapOut, SettingList, SettingOut
from api.routes.suggestions import DecisionList, SuggestionPage, SuggestionWhole
from api.routes.users import TemporaryOut, UserOut, UserPage, UserSessionList
from api.routes.vendor_invoices import InvoiceOut, InvoicePage
from api.routes.vendors import SupplyOut, SupplyPage, VendorOut, VendorPage


def test_answers_are_as_described(buyers) -> None:
    who, chief = buyers.buyer, buyers.user("superadmin", ())
    product = buyers.product()
    order = buyers.sent_order({"product_id": product, "quantity": 4})
    line = {"purchase_order_line_id": order["lines"][0]["purchase_order_line_id"], "accepted_qty": 4}
    came = buyers.post(f"/purchase-orders/{order['purchase_order_id']}/receipts", who, {"lines": [line]})
    invoice = {"vendor_id": buyers.vendor, "invoice_number": "1", "invoiced_on": "2026-01-01", "due_on": "2026-01-31"}
    billed = buyers.post("/vendor-invoices", chief, {**invoice, "taxable_amount": "160", "tax_amount": "0"})
    share = {"goods_receipt_id": came.json()["goods_receipt_id"], "quantity": 4, "amount": "160"}
    term = {"valid_from_on": "2026-01-01", "order_weekdays": [1, 4], "minimum_order_amount": "1"}
    spent = {"store_id": buyers.here, "category": "food", "spent_on": "2026-01-01", "amount": "1", "description": "x"}
    made, cap = buyers.post("/expenses", chief, spent), buyers.get("/discount-caps", chief).json()["items"][0]
    suggestion, other = buyers.suggestion(), buyers.suggestion()
    user = buyers.post("/users", chief, {"username": f"u{buyers.here}", "store_ids": [buyers.here]})
    path = f"/users/{user.json()['user_id']}"
    bill = f"/vendor-invoices/{billed.json()['vendor_invoice_id']}"
    supply = {"vendor_id": buyers.vendor, "product_id": product, "store_id": buyers.here, "lead_time_days": 1}
    for shape, answer in (
        (SuggestionPage, buyers.get("/suggestions", who)),
        (SuggestionWhole, buyers.get(f"/suggestions/{suggestion}", who)),
        (SuggestionWhole, buyers.post(f"/suggestions/{suggestion}/approve", who)),
        (DecisionList, buyers.post("/suggestions/approve", who, {"ids": [other]})),
        (PurchaseOrderOut, buyers.get(f"/purchase-orders/{order['purchase_order_id']}", who)),
        (PurchaseOrderPage, buyers.get("/purchase-orders", who)),
        (ReceiptOut, came),
        (ReceiptPage, buyers.get("/receipts", who)),
        (InvoiceOut, billed),
        (InvoiceOut, buyers.post(f"{bill}/match", chief, {"receipts": [share]})),
        (InvoicePage, buyers.get("/vendor-invoices", chief)),
        (VendorOut, buyers.post(f"/vendors/{buyers.vendor}/terms", who, term)),
        (VendorPage, buyers.get("/vendors", who)),
        (SupplyPage, buyers.get("/supply-terms", who)),
        (SupplyOut, buyers.post("/supply-terms", who, supply)),
        (ExpenseOut, made),
        (ExpensePage, buyers.get("/expenses", chief)),
        (CategoryList, buyers.get("/expenses/categories", chief)),
        (SettingList, buyers.get("/settings", chief)),
        (SettingOut, buyers.get("/settings/non_adapt_days", chief)),
        (CapList, buyers.get("/discount-caps", chief)),
        (CapOut, buyers.get(f"/discount-caps/{cap['discount_cap_id']}", chief)),
        (UserOut, user),
        (UserPage, buyers.get("/users", chief)),
        (TemporaryOut, buyers.post(f"{path}/temporary-password", chief)),
        (UserSessionList, buyers.get("/users/1/sessions", chief)),
    ):
        assert answer.is_success, answer.text
        assert shape.model_validate_json(answer.content)
