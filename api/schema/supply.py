"""How goods are ordered: terms of supply, the costs that decide an order, purchase orders and their lines.

What then arrives, is invoiced or goes back is in `receipts`.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import (
    Base,
    Key,
    Money,
    ProductId,
    Share,
    StoreId,
    Timestamp,
    Tracked,
    UnitCost,
    UserId,
    no_overlap,
    one_of,
)


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
        Index("ix_supply_terms_vendor_id_supply_term_id", "vendor_id", "supply_term_id"),  # what a vendor supplies
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


class VendorTerm(Tracked, Base):
    """What a vendor asks of an order while the term is valid; on `order_weekdays` (1 = Monday) it takes orders."""

    __tablename__ = "vendor_terms"
    __table_args__ = (
        CheckConstraint("minimum_order_amount >= 0", name="minimum_order_amount"),
        CheckConstraint("order_weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]", name="order_weekdays"),
        CheckConstraint("valid_to_on >= valid_from_on", name="ends_after_start"),
        no_overlap("vendor_id"),
    )
    vendor_term_id: Mapped[Key]
    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.vendor_id"))
    minimum_order_amount: Mapped[Money | None]
    order_weekdays: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    valid_from_on: Mapped[dt.date]
    valid_to_on: Mapped[dt.date | None]


class PurchaseOrder(Tracked, Base):
    """An order placed with a vendor, known by its reference. One that this system made has `created_by`.

    Orders of a chain folder are placed already: they come as `sent`, and the folder's statement alone closes them.
    """

    __tablename__ = "purchase_orders"
    __table_args__ = (
        Index("ix_purchase_orders_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(
            one_of(
                "status", "draft", "approved", "sent", "acknowledged", "partially_received", "received", "cancelled"
            ),
            name="status",
        ),
        CheckConstraint("created_by IS NULL OR vendor_id IS NOT NULL", name="has_a_vendor"),
        CheckConstraint("approved_by <> created_by", name="approved_by_another"),
        CheckConstraint("(approved_by IS NULL) = (approved_at IS NULL)", name="approved_at"),
        CheckConstraint("status <> 'draft' OR (approved_by IS NULL AND sent_at IS NULL)", name="a_draft_is_not_sent"),
        CheckConstraint("version > 0", name="version"),
        # the orders of a vendor and for a store, newest first; and those that are still to be worked on
        Index("ix_purchase_orders_vendor_id_purchase_order_id", "vendor_id", "purchase_order_id"),
        Index("ix_purchase_orders_delivery_store_id", "delivery_store_id", "purchase_order_id"),
        Index(
            "ix_purchase_orders_open",
            "status",
            "purchase_order_id",
            postgresql_where=text("status NOT IN ('received', 'cancelled')"),
        ),
    )
    purchase_order_id: Mapped[Key]
    order_ref: Mapped[str] = mapped_column(unique=True)
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.vendor_id"))
    status: Mapped[str] = mapped_column(server_default="sent")
    delivery_store_id: Mapped[StoreId | None]
    created_by: Mapped[UserId | None]
    approved_by: Mapped[UserId | None]
    approved_at: Mapped[Timestamp | None]
    sent_at: Mapped[Timestamp | None]
    expected_on: Mapped[dt.date | None]
    note: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")


class PurchaseOrderLine(Tracked, Base):
    """What is on order for one store and product, or one power cell of a lens; `open_qty` has not arrived yet.

    A line of a draft order is a draft with nothing open: it counts as on order once the order is sent. `received_qty`
    went to stock; `rejected_qty` came and did not; more than was ordered may come.
    """

    __tablename__ = "purchase_order_lines"
    __table_args__ = (
        Index(
            "ix_purchase_order_lines_changed_xid", "changed_xid", postgresql_using="brin"
        ),  # the extract: what is new
        UniqueConstraint(
            "purchase_order_id",
            "store_id",
            "product_id",
            "lens_cell_id",
            name="uq_purchase_order_lines_item",
            postgresql_nulls_not_distinct=True,
        ),
        ForeignKeyConstraint(["lens_cell_id", "product_id"], ["lens_cells.lens_cell_id", "lens_cells.product_id"]),
        CheckConstraint(one_of("state", "draft", "open", "received", "cancelled"), name="state"),
        CheckConstraint("open_qty >= 0 AND received_qty >= 0", name="quantities"),
        CheckConstraint("state = 'open' OR open_qty = 0", name="closed_lines_are_empty"),
        CheckConstraint("ordered_qty > 0", name="ordered_qty"),
        CheckConstraint("state <> 'draft' OR ordered_qty IS NOT NULL", name="a_draft_says_how_many"),
        CheckConstraint("rejected_qty >= 0 AND cancelled_qty >= 0", name="not_received"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        # what an import of open orders compares with: all that is open, and little is
        Index("ix_purchase_order_lines_open", "store_id", "product_id", postgresql_where=text("state = 'open'")),
        # which order a suggestion became
        Index(
            "ix_purchase_order_lines_suggestion_id",
            "suggestion_id",
            postgresql_where=text("suggestion_id IS NOT NULL"),
        ),
    )
    purchase_order_line_id: Mapped[Key]
    purchase_order_id: Mapped[int] = mapped_column(ForeignKey("purchase_orders.purchase_order_id"))
    store_id: Mapped[StoreId]
    product_id: Mapped[ProductId]
    state: Mapped[str] = mapped_column(server_default="open")
    open_qty: Mapped[int]
    received_qty: Mapped[int] = mapped_column(server_default="0")
    expected_on: Mapped[dt.date]
    closed_on: Mapped[dt.date | None]
    suggestion_id: Mapped[int | None] = mapped_column(ForeignKey("suggestions.suggestion_id"))
    lens_cell_id: Mapped[int | None] = mapped_column(BigInteger)
    ordered_qty: Mapped[int | None]
    rejected_qty: Mapped[int] = mapped_column(server_default="0")
    cancelled_qty: Mapped[int] = mapped_column(server_default="0")
    unit_price: Mapped[UnitCost | None]
