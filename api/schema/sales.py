"""What was sold: orders with lines and payments, and daily totals where history knows no orders."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Key, Money, Timestamp, Tracked


class SalesOrder(Tracked, Base):
    """One customer's order in one store, known by (store, order_ref)."""

    __tablename__ = "sales_orders"
    __table_args__ = (
        UniqueConstraint("order_ref", "store_id"),
        CheckConstraint(
            "status IN ('draft', 'confirmed', 'processing', 'ready', 'delivered', 'cancelled', 'returned')",
            name="status",
        ),
    )
    sales_order_id: Mapped[Key]
    order_ref: Mapped[str]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.customer_id"))
    status: Mapped[str] = mapped_column(server_default="delivered")


class SalesOrderLine(Tracked, Base):
    """A product in an order; a negative quantity is a return. `net_amount` is without tax, for the line."""

    __tablename__ = "sales_order_lines"
    __table_args__ = (
        UniqueConstraint("sales_order_id", "line_ref"),
        Index("ix_sales_order_lines_changed_xid", "changed_xid", postgresql_using="brin"),
    )
    sales_order_line_id: Mapped[Key]
    sales_order_id: Mapped[int] = mapped_column(ForeignKey("sales_orders.sales_order_id"))
    line_ref: Mapped[str]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    sold_on: Mapped[dt.date]
    sold_at: Mapped[Timestamp | None]
    quantity: Mapped[int]
    net_amount: Mapped[Money | None]


class DailySales(Tracked, Base):
    """Totals of one day (or of the week that starts on it), store and product. They move no stock."""

    __tablename__ = "daily_sales"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "sold_on"),
        CheckConstraint("sold_qty >= 0 AND returned_qty >= 0", name="quantities"),
        Index("ix_daily_sales_changed_xid", "changed_xid", postgresql_using="brin"),
    )
    daily_sales_id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    sold_on: Mapped[dt.date]
    sold_qty: Mapped[int]
    returned_qty: Mapped[int]
    net_amount: Mapped[Money | None]


class Payment(Tracked, Base):
    """Money received for an order. Method and reference only; card data are never stored."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(
            "method IN ('cash', 'upi', 'card', 'bank_transfer', 'emi', 'credit', 'gift_voucher')",
            name="method",
        ),
        Index("ix_payments_sales_order_id", "sales_order_id"),  # the payments of an order
    )
    payment_id: Mapped[Key]
    sales_order_id: Mapped[int] = mapped_column(ForeignKey("sales_orders.sales_order_id"))
    method: Mapped[str]
    amount: Mapped[Money]
    reference: Mapped[str | None]
    received_at: Mapped[Timestamp]
