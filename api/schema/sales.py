"""What was sold: orders with lines and payments, and daily totals where history knows no orders.

What comes back, and which discounts were allowed, is in `returns`.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Key, Money, ProductId, Share, StoreId, Timestamp, Tracked, UnitCost, UserId, one_of


class SalesOrder(Tracked, Base):
    """One customer's order in one store, known by (store, order_ref); `order_number` is the one this system gave.

    Amounts are without tax but `tax_amount` and `total_amount`; an order from elsewhere may have none of them.
    `ordered_on` is the business day on which the order came to be. It never changes: the lines lie by it.
    """

    __tablename__ = "sales_orders"
    __table_args__ = (
        Index("ix_sales_orders_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint("order_ref", "store_id"),
        UniqueConstraint("sales_order_id", "ordered_on"),  # lets the lines have the day of their order by reference
        CheckConstraint(
            one_of("status", "draft", "confirmed", "processing", "ready", "delivered", "cancelled", "returned"),
            name="status",
        ),
        CheckConstraint(one_of("channel", "store", "online", "phone"), name="channel"),
        CheckConstraint(one_of("kind", "quick", "prescription"), name="kind"),
        CheckConstraint("kind = 'quick' OR status = 'draft' OR patient_id IS NOT NULL", name="prescribed_to_a_patient"),
        CheckConstraint("status <> 'draft' OR confirmed_at IS NULL", name="a_draft_is_not_confirmed"),
        CheckConstraint("cancelled_at IS NULL OR status = 'cancelled'", name="cancelled"),
        CheckConstraint("delivered_at IS NULL OR status IN ('delivered', 'returned')", name="delivered"),
        CheckConstraint("ready_at >= confirmed_at AND delivered_at >= confirmed_at", name="order_of_times"),
        CheckConstraint("(invoice_number IS NULL) = (invoiced_on IS NULL)", name="invoice"),
        CheckConstraint(
            "num_nulls(subtotal_amount, discount_amount, taxable_amount, tax_amount, total_amount) IN (0, 5)",
            name="amounts_together",
        ),
        CheckConstraint("subtotal_amount >= 0 AND discount_amount >= 0 AND tax_amount >= 0", name="amounts"),
        CheckConstraint("taxable_amount = subtotal_amount - discount_amount", name="taxable_amount"),
        CheckConstraint("total_amount = taxable_amount + tax_amount", name="total_amount"),
        CheckConstraint("taxable_amount >= 0", name="discount_amount"),
        CheckConstraint("version > 0", name="version"),
        # a store's orders (those one sold oneself are among them) and a customer's, newest first
        Index("ix_sales_orders_store_id_sales_order_id", "store_id", "sales_order_id"),
        Index("ix_sales_orders_customer_id_sales_order_id", "customer_id", "sales_order_id"),
        # the customers of a store, newest first: who ordered there belongs to it
        Index(
            "ix_sales_orders_store_id_customer_id",
            "store_id",
            "customer_id",
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
        # a seller's own orders, those they wrote and those they served
        Index("ix_sales_orders_created_by", "created_by", postgresql_where=text("created_by IS NOT NULL")),
        Index("ix_sales_orders_salesperson_id", "salesperson_id", postgresql_where=text("salesperson_id IS NOT NULL")),
        # everything held on a customer: orders for a member of the household
        Index("ix_sales_orders_patient_id", "patient_id", postgresql_where=text("patient_id IS NOT NULL")),
        # what a store still has to do; delivered orders, nearly all, are not in it
        Index(
            "ix_sales_orders_open",
            "store_id",
            "status",
            "sales_order_id",
            postgresql_where=text("status IN ('draft', 'confirmed', 'processing', 'ready')"),
        ),
    )
    sales_order_id: Mapped[Key]
    order_ref: Mapped[str]
    store_id: Mapped[StoreId]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.customer_id"))
    status: Mapped[str] = mapped_column(server_default="delivered")
    ordered_on: Mapped[dt.date]
    order_number: Mapped[str | None] = mapped_column(unique=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.patient_id"))
    salesperson_id: Mapped[UserId | None]
    channel: Mapped[str] = mapped_column(server_default="store")
    kind: Mapped[str] = mapped_column(server_default="quick")
    confirmed_at: Mapped[Timestamp | None]
    ready_at: Mapped[Timestamp | None]
    delivered_at: Mapped[Timestamp | None]
    cancelled_at: Mapped[Timestamp | None]
    cancel_reason: Mapped[str | None]
    expected_on: Mapped[dt.date | None]
    invoice_number: Mapped[str | None] = mapped_column(unique=True)
    invoiced_on: Mapped[dt.date | None]
    subtotal_amount: Mapped[Money | None]
    discount_amount: Mapped[Money | None]
    taxable_amount: Mapped[Money | None]
    tax_amount: Mapped[Money | None]
    total_amount: Mapped[Money | None]
    place_of_supply: Mapped[str | None]
    created_by: Mapped[UserId | None]
    version: Mapped[int] = mapped_column(server_default="1")


class SalesOrderLine(Tracked, Base):
    """A product in an order; a negative quantity is a return. `net_amount` is the taxable value, for the line.

    Partitioned by month of `ordered_on`, which the reference to the order fixes: (sales_order_id, line_ref, ordered_on)
    unique is therefore (sales_order_id, line_ref) unique. `sold_on` is the day it counts as sold: of a draft, the day
    it was ordered; from confirmation on, the business day of that. `cost_at_sale` is per unit, `pair_group` joins
    the frame and both lenses of one pair.
    """

    __tablename__ = "sales_order_lines"
    __table_args__ = (
        UniqueConstraint("sales_order_id", "line_ref", "ordered_on"),
        ForeignKeyConstraint(
            ["sales_order_id", "ordered_on"],
            ["sales_orders.sales_order_id", "sales_orders.ordered_on"],
        ),
        ForeignKeyConstraint(["lens_cell_id", "product_id"], ["lens_cells.lens_cell_id", "lens_cells.product_id"]),
        CheckConstraint("unit_price >= 0 AND cost_at_sale >= 0", name="prices"),
        CheckConstraint("mrp >= unit_price", name="mrp"),
        CheckConstraint("discount_share BETWEEN 0 AND 1", name="discount_share"),
        CheckConstraint("discount_amount >= 0", name="discount_amount"),
        CheckConstraint("tax_rate BETWEEN 0 AND 1", name="tax_rate"),
        CheckConstraint("net_amount = round(quantity * unit_price, 2) - discount_amount", name="net_amount"),
        CheckConstraint("tax_amount = round(net_amount * tax_rate, 2)", name="tax_amount"),
        CheckConstraint("line_total = net_amount + tax_amount", name="line_total"),
        CheckConstraint(one_of("eye", "right", "left"), name="eye"),
        CheckConstraint("pair_group > 0", name="pair_group"),
        Index("ix_sales_order_lines_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        # everything held on a customer: what was made by a prescription
        Index(
            "ix_sales_order_lines_prescription_id",
            "prescription_id",
            postgresql_where=text("prescription_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (ordered_on)"},
    )
    sales_order_line_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    ordered_on: Mapped[dt.date] = mapped_column(primary_key=True)
    sales_order_id: Mapped[int] = mapped_column(BigInteger)
    line_ref: Mapped[str]
    product_id: Mapped[ProductId]
    sold_on: Mapped[dt.date]
    sold_at: Mapped[Timestamp | None]
    quantity: Mapped[int]
    net_amount: Mapped[Money | None]
    mrp: Mapped[Money | None]
    unit_price: Mapped[UnitCost | None]
    discount_share: Mapped[Share | None]
    discount_amount: Mapped[Money | None]
    tax_rate: Mapped[Share | None]
    tax_amount: Mapped[Money | None]
    line_total: Mapped[Money | None]
    cost_at_sale: Mapped[UnitCost | None]
    lens_cell_id: Mapped[int | None] = mapped_column(BigInteger)
    prescription_id: Mapped[int | None] = mapped_column(ForeignKey("prescriptions.prescription_id"))
    pair_group: Mapped[int | None]
    eye: Mapped[str | None]


class DailySales(Tracked, Base):
    """Totals of one day (or of the week that starts on it), store and product. They move no stock."""

    __tablename__ = "daily_sales"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "sold_on"),
        CheckConstraint("sold_qty >= 0 AND returned_qty >= 0", name="quantities"),
        Index("ix_daily_sales_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
    )
    daily_sales_id: Mapped[Key]
    store_id: Mapped[StoreId]
    product_id: Mapped[ProductId]
    sold_on: Mapped[dt.date]
    sold_qty: Mapped[int]
    returned_qty: Mapped[int]
    net_amount: Mapped[Money | None]


class Payment(Tracked, Base):
    """Money received for an order, or given back. Method and reference only; card data are never stored.

    A reference of UPI has 12 digits, of which one in ten would pass as a card number: only longer ones are refused it.
    """

    __tablename__ = "payments"
    __table_args__ = (
        Index("ix_payments_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(
            one_of("method", "cash", "upi", "card", "bank_transfer", "emi", "credit", "gift_voucher"), name="method"
        ),
        CheckConstraint(one_of("kind", "payment", "refund"), name="kind"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("reference <> ''", name="reference"),
        CheckConstraint(
            "(method = 'upi' AND length(reference) = 12) OR NOT ims_looks_like_card(reference)",
            name="no_card_number",
        ),
        Index("ix_payments_sales_order_id", "sales_order_id"),  # the payments of an order
        # the same slip or transfer is not entered twice
        Index(
            "uq_payments_reference",
            "method",
            "reference",
            "kind",
            unique=True,
            postgresql_where=text("reference IS NOT NULL"),
        ),
    )
    payment_id: Mapped[Key]
    sales_order_id: Mapped[int] = mapped_column(ForeignKey("sales_orders.sales_order_id"))
    method: Mapped[str]
    amount: Mapped[Money]
    reference: Mapped[str | None]
    received_at: Mapped[Timestamp] = mapped_column(server_default=func.now())
    kind: Mapped[str] = mapped_column(server_default="payment")
    received_by: Mapped[UserId | None]
    payment_ref: Mapped[str | None] = mapped_column(unique=True)
