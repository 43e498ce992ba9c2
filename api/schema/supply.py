"""How goods come in: supply terms, the costs that decide an order, purchase orders and their lines."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Key, Share, Tracked, UnitCost


class SupplyTerm(Tracked, Base):
    """Who supplies a product, how fast and in what lots; `store_id` null means every store."""

    __tablename__ = "supply_terms"
    __table_args__ = (
        UniqueConstraint("product_id", "vendor_id", "store_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("lead_time_days >= 0", name="lead_time_days"),
        CheckConstraint("review_period_days > 0", name="review_period_days"),
        CheckConstraint("lead_time_sd_days >= 0", name="lead_time_sd_days"),
        CheckConstraint("moq > 0", name="moq"),
        CheckConstraint("pack_size > 0", name="pack_size"),
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
    )
    supply_term_id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.vendor_id"))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    lead_time_days: Mapped[int]
    review_period_days: Mapped[int]
    lead_time_sd_days: Mapped[float | None]
    moq: Mapped[int] = mapped_column(server_default="1")
    pack_size: Mapped[int] = mapped_column(server_default="1")
    unit_cost: Mapped[UnitCost | None]


class CostTerm(Tracked, Base):
    """What holding a unit for a week and missing a unit cost; null product and store mean everywhere."""

    __tablename__ = "cost_terms"
    __table_args__ = (
        UniqueConstraint("product_id", "store_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("holding_cost_per_unit_week >= 0", name="holding"),
        CheckConstraint("shortage_cost_per_unit >= 0", name="shortage"),
        CheckConstraint("service_level > 0 AND service_level < 1", name="service_level"),
    )
    cost_term_id: Mapped[Key]
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.product_id"))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    holding_cost_per_unit_week: Mapped[UnitCost | None]
    shortage_cost_per_unit: Mapped[UnitCost | None]
    service_level: Mapped[Share | None]


class PurchaseOrder(Tracked, Base):
    """An order placed with a vendor, known by its reference."""

    __tablename__ = "purchase_orders"
    purchase_order_id: Mapped[Key]
    order_ref: Mapped[str] = mapped_column(unique=True)
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.vendor_id"))


class PurchaseOrderLine(Tracked, Base):
    """What is on order for one store and product; `open_qty` is what has not arrived yet."""

    __tablename__ = "purchase_order_lines"
    __table_args__ = (
        UniqueConstraint("purchase_order_id", "store_id", "product_id"),
        CheckConstraint("state IN ('open', 'received', 'cancelled')", name="state"),
        CheckConstraint("open_qty >= 0 AND received_qty >= 0", name="quantities"),
        CheckConstraint("state = 'open' OR open_qty = 0", name="closed_lines_are_empty"),
        Index("ix_purchase_order_lines_open", "store_id", "product_id", postgresql_where="state = 'open'"),
    )
    purchase_order_line_id: Mapped[Key]
    purchase_order_id: Mapped[int] = mapped_column(ForeignKey("purchase_orders.purchase_order_id"))
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    state: Mapped[str] = mapped_column(server_default="open")
    open_qty: Mapped[int]
    received_qty: Mapped[int] = mapped_column(server_default="0")
    expected_on: Mapped[dt.date]
    closed_on: Mapped[dt.date | None]
    suggestion_id: Mapped[int | None] = mapped_column(ForeignKey("suggestions.suggestion_id"))
