"""What comes of a purchase order: receipts, the vendor's invoices and their match, and what goes back to the vendor."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Money, ProductId, StoreId, Timestamp, Tracked, UnitCost, UserId, one_of


class GoodsReceipt(Tracked, Base):
    """Goods of a purchase order that came to a store on a business day."""

    __tablename__ = "goods_receipts"
    __table_args__ = (
        Index("ix_goods_receipts_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(
            one_of("state", "draft", "pending_qc", "qc_passed", "qc_failed", "accepted", "disputed"), name="state"
        ),
        CheckConstraint("state <> 'accepted' OR accepted_at IS NOT NULL", name="accepted_at"),
        Index("ix_goods_receipts_purchase_order_id", "purchase_order_id"),  # what came of an order
        Index("ix_goods_receipts_store_id_goods_receipt_id", "store_id", "goods_receipt_id"),  # a store's, newest first
    )
    goods_receipt_id: Mapped[Key]
    receipt_number: Mapped[str] = mapped_column(unique=True)
    purchase_order_id: Mapped[int] = mapped_column(ForeignKey("purchase_orders.purchase_order_id"))
    store_id: Mapped[StoreId]
    received_on: Mapped[dt.date]
    state: Mapped[str] = mapped_column(server_default="draft")
    delivery_note: Mapped[str | None]
    accepted_at: Mapped[Timestamp | None]
    created_by: Mapped[UserId]


class GoodsReceiptLine(Tracked, Base):
    """What came of one order line, in one batch: what was taken into stock, and what was not, and why."""

    __tablename__ = "goods_receipt_lines"
    __table_args__ = (
        Index("ix_goods_receipt_lines_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint(
            "goods_receipt_id",
            "purchase_order_line_id",
            "batch_code",
            name="uq_goods_receipt_lines_line_batch",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("received_qty > 0", name="received_qty"),
        CheckConstraint("accepted_qty >= 0 AND rejected_qty >= 0", name="quantities"),
        CheckConstraint("received_qty = accepted_qty + rejected_qty", name="accepted_or_rejected"),
        CheckConstraint(
            one_of("reason", "damaged", "wrong_item", "wrong_power", "expired", "over_delivery", "quality", "other"),
            name="reason",
        ),
        CheckConstraint("(rejected_qty > 0) = (reason IS NOT NULL)", name="rejected_for_a_reason"),
        CheckConstraint("batch_code <> ''", name="batch_code"),
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
        # whether a line may be taken out of its draft order
        Index("ix_goods_receipt_lines_purchase_order_line_id", "purchase_order_line_id"),
    )
    goods_receipt_line_id: Mapped[Key]
    goods_receipt_id: Mapped[int] = mapped_column(ForeignKey("goods_receipts.goods_receipt_id"))
    purchase_order_line_id: Mapped[int] = mapped_column(ForeignKey("purchase_order_lines.purchase_order_line_id"))
    received_qty: Mapped[int]
    accepted_qty: Mapped[int]
    rejected_qty: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str | None]
    batch_code: Mapped[str | None]
    expires_on: Mapped[dt.date | None]
    unit_cost: Mapped[UnitCost | None]


class VendorInvoice(Tracked, Base):
    """What a vendor asks to be paid, known by the vendor's own number."""

    __tablename__ = "vendor_invoices"
    __table_args__ = (
        UniqueConstraint("vendor_id", "invoice_number"),
        CheckConstraint("invoice_number <> ''", name="invoice_number"),
        CheckConstraint(one_of("state", "received", "matched", "disputed", "paid"), name="state"),
        CheckConstraint("due_on >= invoiced_on", name="due_on"),
        CheckConstraint("taxable_amount >= 0 AND tax_amount >= 0", name="amounts"),
        CheckConstraint("total_amount = taxable_amount + tax_amount", name="total_amount"),
        # what is still to be matched or paid
        Index("ix_vendor_invoices_open", "vendor_invoice_id", postgresql_where=text("state <> 'paid'")),
    )
    vendor_invoice_id: Mapped[Key]
    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.vendor_id"))
    invoice_number: Mapped[str]
    invoiced_on: Mapped[dt.date]
    due_on: Mapped[dt.date]
    taxable_amount: Mapped[Money]
    tax_amount: Mapped[Money]
    total_amount: Mapped[Money]
    state: Mapped[str] = mapped_column(server_default="received")
    created_by: Mapped[UserId | None]


class VendorInvoiceMatch(Tracked, Base):
    """How much of an invoice is for a receipt, without tax."""

    __tablename__ = "vendor_invoice_matches"
    __table_args__ = (
        UniqueConstraint("vendor_invoice_id", "goods_receipt_id"),
        CheckConstraint("matched_amount > 0", name="matched_amount"),
        # how much of a receipt other invoices are for
        Index("ix_vendor_invoice_matches_goods_receipt_id", "goods_receipt_id"),
    )
    vendor_invoice_match_id: Mapped[Key]
    vendor_invoice_id: Mapped[int] = mapped_column(ForeignKey("vendor_invoices.vendor_invoice_id"))
    goods_receipt_id: Mapped[int] = mapped_column(ForeignKey("goods_receipts.goods_receipt_id"))
    matched_amount: Mapped[Money]
    matched_by: Mapped[UserId | None]
    matched_at: Mapped[Created]


class VendorReturn(Tracked, Base):
    """Goods that go back to a vendor for credit, and the credit that came."""

    __tablename__ = "vendor_returns"
    __table_args__ = (
        CheckConstraint(
            one_of("state", "draft", "authorised", "dispatched", "credit_received", "closed"), name="state"
        ),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("(state = 'draft') = (authorised_by IS NULL)", name="authorised"),
        CheckConstraint("authorised_by <> created_by", name="authorised_by_another"),
        CheckConstraint("(state IN ('credit_received', 'closed')) = (credit_amount IS NOT NULL)", name="credited"),
        CheckConstraint("expected_credit_amount >= 0 AND credit_amount >= 0", name="amounts"),
    )
    vendor_return_id: Mapped[Key]
    return_number: Mapped[str] = mapped_column(unique=True)
    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.vendor_id"))
    store_id: Mapped[StoreId]
    state: Mapped[str] = mapped_column(server_default="draft")
    reason: Mapped[str]
    expected_credit_amount: Mapped[Money | None]
    credit_amount: Mapped[Money | None]
    created_by: Mapped[UserId]
    authorised_by: Mapped[UserId | None]


class VendorReturnLine(Tracked, Base):
    """Units of a product, or of one power cell, that go back."""

    __tablename__ = "vendor_return_lines"
    __table_args__ = (
        UniqueConstraint("vendor_return_id", "product_id", "lens_cell_id", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["lens_cell_id", "product_id"], ["lens_cells.lens_cell_id", "lens_cells.product_id"]),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
    )
    vendor_return_line_id: Mapped[Key]
    vendor_return_id: Mapped[int] = mapped_column(ForeignKey("vendor_returns.vendor_return_id"))
    product_id: Mapped[ProductId]
    lens_cell_id: Mapped[int | None] = mapped_column(BigInteger)
    quantity: Mapped[int]
    unit_cost: Mapped[UnitCost | None]
