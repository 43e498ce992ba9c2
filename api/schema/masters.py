"""Who and what: the chain, its stores, products and vendors, and which store carries what."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, func, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Money, ProductId, Share, StoreId, Tracked, UnitCost, one_of

# what search reads of a product
WORDS = "ims_product_text(sku, name, brand, model, barcode)"


class Chain(Base):
    """The chain itself: one row, set by `chain.toml`; `as_of` says up to which opening its data are complete."""

    __tablename__ = "chain"
    __table_args__ = (
        CheckConstraint("chain_id = 1", name="one_row"),
        CheckConstraint("sales_grain IN ('line', 'day', 'week')", name="sales_grain"),
        CheckConstraint("unmet_demand IN ('lost', 'backordered')", name="unmet_demand"),
    )
    chain_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    name: Mapped[str]
    currency: Mapped[str]
    timezone: Mapped[str]
    as_of: Mapped[dt.date]
    sales_grain: Mapped[str]
    unmet_demand: Mapped[str]
    updated_at: Mapped[Created]


class Store(Tracked, Base):
    """A place that holds stock: a shop or a warehouse. Its tax registration is its company's in its state."""

    __tablename__ = "stores"
    __table_args__ = (
        CheckConstraint("kind IN ('store', 'warehouse')", name="kind"),
        CheckConstraint("closed_on >= opened_on", name="closes_after_opening"),
        CheckConstraint("state_code ~ '^[A-Z0-9]{1,3}$'", name="state_code"),
        CheckConstraint("floor_area_sqft > 0", name="floor_area_sqft"),
        CheckConstraint("frame_board_capacity >= 0", name="frame_board_capacity"),
    )
    store_id: Mapped[Key]
    store_code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="store")
    city: Mapped[str | None]
    region: Mapped[str | None]
    cluster: Mapped[str | None]
    opened_on: Mapped[dt.date | None]
    closed_on: Mapped[dt.date | None]
    legal_entity_id: Mapped[int | None] = mapped_column(ForeignKey("legal_entities.legal_entity_id"))
    brand: Mapped[str | None]
    state_code: Mapped[str | None]
    floor_area_sqft: Mapped[Decimal | None] = mapped_column(Numeric(10, 1))
    frame_board_capacity: Mapped[int | None]
    is_online: Mapped[bool] = mapped_column(server_default="false")
    is_head_office: Mapped[bool] = mapped_column(server_default="false")


class Product(Tracked, Base):
    """A thing that is stocked and sold, known by its sku. Prices and costs are per unit, without tax; `mrp` is with it.

    A category or brand that is not known yet is added by a trigger: a chain folder names them freely.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
        CheckConstraint("tax_rate BETWEEN 0 AND 1", name="tax_rate"),
        CheckConstraint("mrp >= unit_price", name="mrp"),
        CheckConstraint("barcode <> ''", name="barcode"),
        CheckConstraint("hsn_code ~ '^[0-9]{4,8}$'", name="hsn_code"),
        CheckConstraint(
            one_of("discount_class", "MASS", "PREMIUM", "LUXURY", "SERVICE", "NON_DISCOUNTABLE"),
            name="discount_class",
        ),
        CheckConstraint(one_of("lifecycle", "NEW", "CORE", "SEASONAL", "CLEARANCE", "DISCONTINUED"), name="lifecycle"),
        CheckConstraint(one_of("gender", "women", "men", "unisex", "children"), name="gender"),
        Index("ix_products_category", "category"),  # lists of products and of stock filter by it
        Index("ix_products_brand", "brand"),  # and by the brand
        # search by words and their beginnings, and by parts of words and codes
        Index(
            "ix_products_words",
            func.to_tsvector(text("'simple'::regconfig"), literal_column(WORDS)),
            postgresql_using="gin",
        ),
        Index("ix_products_trigrams", literal_column(f"ims_trigrams({WORDS})"), postgresql_using="gin"),
    )
    product_id: Mapped[Key]
    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    category: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    subcategory: Mapped[str | None]
    brand: Mapped[str | None] = mapped_column(ForeignKey("brands.name"))
    unit_price: Mapped[UnitCost | None]
    unit_cost: Mapped[UnitCost | None]
    tax_rate: Mapped[Share | None]
    launched_on: Mapped[dt.date | None]
    discontinued_on: Mapped[dt.date | None]
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    barcode: Mapped[str | None] = mapped_column(unique=True)
    hsn_code: Mapped[str | None]
    tax_class_id: Mapped[int | None] = mapped_column(ForeignKey("tax_classes.tax_class_id"))
    mrp: Mapped[Money | None]
    discount_class: Mapped[str] = mapped_column(server_default="MASS")
    lifecycle: Mapped[str] = mapped_column(server_default="CORE")
    style_code: Mapped[str | None]
    model: Mapped[str | None]
    colour_code: Mapped[str | None]
    colour_name: Mapped[str | None]
    size_label: Mapped[str | None]
    gender: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default="true")
    is_serialised: Mapped[bool] = mapped_column(server_default="false")
    is_batch_tracked: Mapped[bool] = mapped_column(server_default="false")
    is_transfer_excluded: Mapped[bool] = mapped_column(server_default="false")
    is_never_reordered: Mapped[bool] = mapped_column(server_default="false")


class Vendor(Tracked, Base):
    """Who supplies."""

    __tablename__ = "vendors"
    __table_args__ = (
        CheckConstraint(one_of("kind", "domestic", "international"), name="kind"),
        CheckConstraint("tax_registration <> ''", name="tax_registration"),
        CheckConstraint("credit_days >= 0", name="credit_days"),
        CheckConstraint("quoted_lead_time_days >= 0", name="quoted_lead_time_days"),
    )
    vendor_id: Mapped[Key]
    vendor_code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="domestic")
    tax_registration: Mapped[str | None]
    credit_days: Mapped[int] = mapped_column(server_default="30")
    quoted_lead_time_days: Mapped[int | None]
    email: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default="true")


class Assortment(Tracked, Base):
    """Which store carries which product, from when to when (both days included)."""

    __tablename__ = "assortment"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "from_on", postgresql_nulls_not_distinct=True),
        CheckConstraint("to_on >= from_on", name="ends_after_start"),
        CheckConstraint("display_min >= 0", name="display_min"),
    )
    assortment_id: Mapped[Key]
    store_id: Mapped[StoreId]
    product_id: Mapped[ProductId]
    from_on: Mapped[dt.date | None]
    to_on: Mapped[dt.date | None]
    display_min: Mapped[int | None]
