"""Who and what: the chain, its stores, products, vendors and customers, and which store carries what."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Share, Tracked, UnitCost


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
    """A place that holds stock: a shop or a warehouse."""

    __tablename__ = "stores"
    __table_args__ = (
        CheckConstraint("kind IN ('store', 'warehouse')", name="kind"),
        CheckConstraint("closed_on >= opened_on", name="closes_after_opening"),
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


class Product(Tracked, Base):
    """A thing that is stocked and sold, known by its sku. Prices and costs are per unit, without tax."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
        CheckConstraint("tax_rate BETWEEN 0 AND 1", name="tax_rate"),
        Index("ix_products_category", "category"),  # the Reorder and Sales views filter by it
    )
    product_id: Mapped[Key]
    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    category: Mapped[str]
    subcategory: Mapped[str | None]
    brand: Mapped[str | None]
    unit_price: Mapped[UnitCost | None]
    unit_cost: Mapped[UnitCost | None]
    tax_rate: Mapped[Share | None]
    launched_on: Mapped[dt.date | None]
    discontinued_on: Mapped[dt.date | None]
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Vendor(Tracked, Base):
    """Who supplies."""

    __tablename__ = "vendors"
    vendor_id: Mapped[Key]
    vendor_code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class Customer(Tracked, Base):
    """Who buys. Only a code: personal data have no place in the skeleton."""

    __tablename__ = "customers"
    customer_id: Mapped[Key]
    customer_code: Mapped[str] = mapped_column(unique=True)


class Assortment(Tracked, Base):
    """Which store carries which product, from when to when (both days included)."""

    __tablename__ = "assortment"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "from_on", postgresql_nulls_not_distinct=True),
        CheckConstraint("to_on >= from_on", name="ends_after_start"),
        CheckConstraint("display_min >= 0", name="display_min"),
    )
    assortment_id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    from_on: Mapped[dt.date | None]
    to_on: Mapped[dt.date | None]
    display_min: Mapped[int | None]


__all__ = ["Assortment", "Chain", "Customer", "Product", "Store", "Vendor"]
