"""Stock as double entry: every move has a source and a destination; on hand is derived, never typed.

On hand at the opening of a day = moves into the store's location minus moves out of it with `moved_on` before it.
A statement for the opening of D is therefore posted with `moved_on` = D - 1 day. Moves are append-only.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Tracked, UnitCost

LOCATION_KINDS = ("store", "transit", "lab", "quarantine", "vendor", "customer", "loss", "opening")
MOVE_KINDS = (
    "opening", "receipt", "sale", "return", "count", "adjustment", "damage", "expiry", "transfer", "transfer_ship",
    "transfer_receive", "remake", "vendor_return", "reversal",
)  # fmt: skip
MOVE_KEY = ["stock_moves.stock_move_id", "stock_moves.moved_on"]


class StockLocation(Tracked, Base):
    """An end of a move: a place inside a store, or one of the chain-wide ends outside (one each, without a store).

    `transit` is what is on its way to the store. Places inside have balances and never go below zero.
    """

    __tablename__ = "stock_locations"
    __table_args__ = (
        UniqueConstraint("kind", "store_id", postgresql_nulls_not_distinct=True),
        CheckConstraint(f"kind IN {LOCATION_KINDS}", name="kind"),
        CheckConstraint("is_internal = (store_id IS NOT NULL)", name="inside_a_store"),
        Index("ix_stock_locations_store_id", "store_id"),  # the places of a store
    )
    location_id: Mapped[Key]
    kind: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    is_internal: Mapped[bool] = mapped_column(
        Computed("kind IN ('store', 'transit', 'lab', 'quarantine')", persisted=True)
    )


class StockMove(Tracked, Base):
    """Units of one product that went from one location to another on a business day; partitioned by month."""

    __tablename__ = "stock_moves"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("source_location_id <> destination_location_id", name="moves_somewhere"),
        CheckConstraint(f"kind IN {MOVE_KINDS}", name="kind"),
        CheckConstraint("stock_unit_id IS NULL OR quantity = 1", name="a_unit_is_one"),
        CheckConstraint("num_nonnulls(lens_cell_id, stock_unit_id) <= 1", name="cell_or_unit"),
        CheckConstraint("(reference_type IS NULL) = (reference_id IS NULL)", name="references_a_row"),
        ForeignKeyConstraint(["lens_cell_id", "product_id"], ["lens_cells.lens_cell_id", "lens_cells.product_id"]),
        ForeignKeyConstraint(["stock_unit_id", "product_id"], ["stock_units.stock_unit_id", "stock_units.product_id"]),
        Index("ix_stock_moves_product_id", "product_id", "moved_on"),  # the ledger of a product, by day
        # what a document moved; imports name none
        Index(
            "ix_stock_moves_reference", "reference_type", "reference_id", postgresql_where="reference_id IS NOT NULL"
        ),
        Index("ix_stock_moves_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        {"postgresql_partition_by": "RANGE (moved_on)"},
    )
    stock_move_id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    source_location_id: Mapped[int] = mapped_column(ForeignKey("stock_locations.location_id"))
    destination_location_id: Mapped[int] = mapped_column(ForeignKey("stock_locations.location_id"))
    quantity: Mapped[int]
    moved_on: Mapped[dt.date] = mapped_column(primary_key=True)
    kind: Mapped[str]
    reference: Mapped[str | None]
    lens_cell_id: Mapped[int | None] = mapped_column(BigInteger)
    stock_unit_id: Mapped[int | None] = mapped_column(BigInteger)
    unit_cost: Mapped[UnitCost | None]
    reference_type: Mapped[str | None]
    reference_id: Mapped[int | None] = mapped_column(BigInteger)
    posted_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    posted_at: Mapped[Created]


class StockMoveReversal(Tracked, Base):
    """Which move takes back which, and why: the key says that a move is reversed at most once."""

    __tablename__ = "stock_move_reversals"
    __table_args__ = (
        ForeignKeyConstraint(["reversed_move_id", "reversed_on"], MOVE_KEY),
        ForeignKeyConstraint(["reversal_move_id", "reversal_on"], MOVE_KEY),
        CheckConstraint("length(reason) BETWEEN 1 AND 500", name="reason"),
    )
    reversed_move_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reversed_on: Mapped[dt.date]
    reversal_move_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    reversal_on: Mapped[dt.date]
    reason: Mapped[str]
    reversed_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))


class StockBalance(Base):
    """What the moves add up to at one place inside the chain; written by the triggers of moves and reservations alone.

    Available = on_hand - reserved, which a count may bring below zero. `held_unit_id` is the unit while it is here.
    """

    __tablename__ = "stock_balances"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("stock_unit_id IS NULL OR on_hand <= 1", name="a_unit_is_one"),
        # the levels of a store, and one level; coalesced, because an equality must find the ones without cell or unit
        Index(
            "uq_stock_balances_key",
            "location_id",
            "product_id",
            text("coalesce(lens_cell_id, 0::bigint)"),
            text("coalesce(stock_unit_id, 0::bigint)"),
            unique=True,
        ),
        Index("ix_stock_balances_product_id", "product_id"),  # the levels of a product across stores
        {"postgresql_with": {"fillfactor": "70"}},
    )
    stock_balance_id: Mapped[Key]
    location_id: Mapped[int] = mapped_column(ForeignKey("stock_locations.location_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    lens_cell_id: Mapped[int | None] = mapped_column(ForeignKey("lens_cells.lens_cell_id"))
    stock_unit_id: Mapped[int | None] = mapped_column(ForeignKey("stock_units.stock_unit_id"))
    on_hand: Mapped[int] = mapped_column(BigInteger, server_default="0")
    reserved: Mapped[int] = mapped_column(BigInteger, server_default="0")
    # a unit is in one place at most; a column of its own, so that a change of on_hand alone touches no index
    held_unit_id: Mapped[int | None] = mapped_column(
        BigInteger, Computed("CASE WHEN on_hand > 0 THEN stock_unit_id END", persisted=True), unique=True
    )


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
        Index("ix_availability_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint("store_id", "product_id", "from_on"),
        CheckConstraint("to_on >= from_on", name="ends_after_start"),
    )
    availability_id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]
    is_in_stock: Mapped[bool]
