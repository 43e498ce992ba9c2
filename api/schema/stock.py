"""Stock as double entry: every move has a source and a destination; on hand is derived, never typed.

On hand at the opening of a day = moves into the store's location minus moves out of it with `moved_on` before it.
A statement for the opening of D is therefore posted with `moved_on` = D - 1 day. Moves are append-only.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Key, Tracked


class StockLocation(Tracked, Base):
    """An end of a move: a store, or one of the chain-wide ends outside it (one each, without a store)."""

    __tablename__ = "stock_locations"
    __table_args__ = (
        UniqueConstraint("kind", "store_id", postgresql_nulls_not_distinct=True),
        CheckConstraint(
            "kind IN ('store', 'vendor', 'customer', 'loss', 'opening')",
            name="kind",
        ),
        CheckConstraint("(kind = 'store') = (store_id IS NOT NULL)", name="only_stores_have_a_store"),
    )
    location_id: Mapped[Key]
    kind: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))


class StockMove(Tracked, Base):
    """Units of one product that went from one location to another on a business day."""

    __tablename__ = "stock_moves"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("source_location_id <> destination_location_id", name="moves_somewhere"),
        CheckConstraint(
            "kind IN ('opening', 'receipt', 'sale', 'return', 'count', 'transfer', 'reversal')", name="kind"
        ),
        Index("ix_stock_moves_product_id", "product_id", "moved_on"),  # on hand of a product at a day
        Index("ix_stock_moves_changed_xid", "changed_xid", postgresql_using="brin"),
    )
    stock_move_id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    source_location_id: Mapped[int] = mapped_column(ForeignKey("stock_locations.location_id"))
    destination_location_id: Mapped[int] = mapped_column(ForeignKey("stock_locations.location_id"))
    quantity: Mapped[int]
    moved_on: Mapped[dt.date]
    kind: Mapped[str]
    reference: Mapped[str | None]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("stock_moves.stock_move_id"))


class StockStatement(Tracked, Base):
    """What a chain folder said was on hand at the opening of `as_of`: evidence beside the ledger."""

    __tablename__ = "stock_statements"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "as_of"),
        CheckConstraint("on_hand >= 0", name="on_hand"),
    )
    stock_statement_id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    as_of: Mapped[dt.date]
    on_hand: Mapped[int]


class Availability(Tracked, Base):
    """A span of days (both ends included, open end = still so) in which an item could, or could not, be sold."""

    __tablename__ = "availability"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "from_on"),
        CheckConstraint("to_on >= from_on", name="ends_after_start"),
    )
    availability_id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]
    is_in_stock: Mapped[bool]
