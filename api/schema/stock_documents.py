"""What moves or holds stock on somebody's word: reservations, transfers, counts, adjustments.

They say what was asked, decided and found; the moves that follow are in the ledger (`stock.py`), and name them.
A document with a ref came by an import: it is history, and moves nothing by itself.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from api.schema.base import Base, Created, Key, Timestamp, Tracked

ADJUSTMENT_REASONS = ("damage", "expiry", "theft", "found", "miscount", "display", "sample", "other")


def of_one_product() -> tuple[SchemaItem, ...]:
    """A cell or unit, where one is named, is of the named product."""
    return (
        ForeignKeyConstraint(["lens_cell_id", "product_id"], ["lens_cells.lens_cell_id", "lens_cells.product_id"]),
        ForeignKeyConstraint(["stock_unit_id", "product_id"], ["stock_units.stock_unit_id", "stock_units.product_id"]),
        CheckConstraint("num_nonnulls(lens_cell_id, stock_unit_id) <= 1", name="cell_or_unit"),
    )


class Goods:
    """What a row is about: a product, one power of it, or one unit of it."""

    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    lens_cell_id: Mapped[int | None] = mapped_column(BigInteger)
    stock_unit_id: Mapped[int | None] = mapped_column(BigInteger)


class StockReservation(Goods, Tracked, Base):
    """Units kept for a line of an order or transfer; while `active` they are not available to others."""

    __tablename__ = "stock_reservations"
    __table_args__ = (
        *of_one_product(),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("stock_unit_id IS NULL OR quantity = 1", name="a_unit_is_one"),
        CheckConstraint("state IN ('active', 'used', 'released')", name="state"),
        Index("ix_stock_reservations_reference", "reference_type", "reference_id"),  # what a document's line holds
    )
    stock_reservation_id: Mapped[Key]
    location_id: Mapped[int] = mapped_column(ForeignKey("stock_locations.location_id"))
    quantity: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="active")
    reference_type: Mapped[str]
    reference_id: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))


class StockTransfer(Tracked, Base):
    """Goods asked for by one store from another. Who asked does not approve."""

    __tablename__ = "stock_transfers"
    __table_args__ = (
        Index("ix_stock_transfers_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint("from_store_id <> to_store_id", name="goes_somewhere"),
        CheckConstraint(
            "status IN ('requested', 'approved', 'rejected', 'shipped', 'partially_received', 'received', 'cancelled')",
            name="status",
        ),
        CheckConstraint("approved_by <> requested_by", name="approved_by_another"),
        CheckConstraint("(approved_by IS NULL) = (approved_at IS NULL)", name="approved"),
        CheckConstraint("(shipped_by IS NULL) = (shipped_at IS NULL)", name="shipped"),
        CheckConstraint("(received_by IS NULL) = (received_at IS NULL)", name="received"),
        CheckConstraint("status IN ('requested', 'cancelled') OR approved_by IS NOT NULL", name="decided_by_somebody"),
        CheckConstraint(
            "status NOT IN ('shipped', 'partially_received', 'received') OR shipped_by IS NOT NULL",
            name="shipped_by_somebody",
        ),
        CheckConstraint(
            "status NOT IN ('partially_received', 'received') OR received_by IS NOT NULL", name="received_by_somebody"
        ),
        # what a store sends and what it awaits, newest first
        Index("ix_stock_transfers_from_store_id", "from_store_id", "stock_transfer_id"),
        Index("ix_stock_transfers_to_store_id", "to_store_id", "stock_transfer_id"),
    )
    stock_transfer_id: Mapped[Key]
    from_store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    to_store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    status: Mapped[str] = mapped_column(server_default="requested")
    note: Mapped[str | None]
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    approved_at: Mapped[Timestamp | None]
    decision_note: Mapped[str | None]
    shipped_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    shipped_at: Mapped[Timestamp | None]
    received_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    received_at: Mapped[Timestamp | None]
    transfer_ref: Mapped[str | None] = mapped_column(unique=True)


class StockTransferLine(Goods, Tracked, Base):
    """What of one product is asked for, approved, shipped, and what became of it."""

    __tablename__ = "stock_transfer_lines"
    __table_args__ = (
        Index(
            "ix_stock_transfer_lines_changed_xid", "changed_xid", postgresql_using="brin"
        ),  # the extract: what is new
        *of_one_product(),
        # also the access path: the lines of a transfer
        UniqueConstraint(
            "stock_transfer_id",
            "product_id",
            "lens_cell_id",
            "stock_unit_id",
            name="uq_stock_transfer_lines_goods",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("requested_qty > 0", name="requested_qty"),
        CheckConstraint("stock_unit_id IS NULL OR requested_qty = 1", name="a_unit_is_one"),
        CheckConstraint("approved_qty BETWEEN 0 AND requested_qty", name="approved_qty"),
        CheckConstraint("shipped_qty >= 0 AND shipped_qty <= coalesce(approved_qty, 0)", name="shipped_qty"),
        CheckConstraint("received_qty >= 0 AND damaged_qty >= 0 AND lost_qty >= 0", name="outcomes"),
        CheckConstraint("received_qty + damaged_qty + lost_qty <= shipped_qty", name="arrives_what_was_shipped"),
        # which transfer a suggestion became
        Index("ix_stock_transfer_lines_suggestion_id", "suggestion_id", postgresql_where="suggestion_id IS NOT NULL"),
    )
    stock_transfer_line_id: Mapped[Key]
    stock_transfer_id: Mapped[int] = mapped_column(ForeignKey("stock_transfers.stock_transfer_id"))
    requested_qty: Mapped[int]
    approved_qty: Mapped[int | None]
    shipped_qty: Mapped[int] = mapped_column(server_default="0")
    received_qty: Mapped[int] = mapped_column(server_default="0")
    damaged_qty: Mapped[int] = mapped_column(server_default="0")
    lost_qty: Mapped[int] = mapped_column(server_default="0")
    short_reason: Mapped[str | None]
    suggestion_id: Mapped[int | None] = mapped_column(ForeignKey("suggestions.suggestion_id"))


class StockCount(Tracked, Base):
    """A count of a store's shelves, or of one category of them."""

    __tablename__ = "stock_counts"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'posted', 'cancelled')", name="status"),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed"),
        CheckConstraint("(closed_by IS NULL) = (closed_at IS NULL)", name="closed_by_somebody"),
        Index("ix_stock_counts_store_id", "store_id", "stock_count_id"),  # the counts of a store, newest first
    )
    stock_count_id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    category: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="open")
    note: Mapped[str | None]
    opened_by: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    closed_at: Mapped[Timestamp | None]
    count_ref: Mapped[str | None] = mapped_column(unique=True)


class StockCountLine(Goods, Tracked, Base):
    """What was counted of one product, or is to be; `expected_qty` is what the ledger said at that moment.

    Posting sets the difference of the two right, so what is sold or received meanwhile counts for itself.
    """

    __tablename__ = "stock_count_lines"
    __table_args__ = (
        Index("ix_stock_count_lines_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        *of_one_product(),
        UniqueConstraint(
            "stock_count_id",
            "product_id",
            "lens_cell_id",
            "stock_unit_id",
            name="uq_stock_count_lines_goods",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("counted_qty >= 0", name="counted_qty"),
        CheckConstraint("stock_unit_id IS NULL OR counted_qty <= 1", name="a_unit_is_one"),
        CheckConstraint("expected_qty >= 0", name="expected_qty"),
        CheckConstraint("(counted_qty IS NULL) = (expected_qty IS NULL)", name="expected_when_counted"),
    )
    stock_count_line_id: Mapped[Key]
    stock_count_id: Mapped[int] = mapped_column(ForeignKey("stock_counts.stock_count_id"))
    counted_qty: Mapped[int | None]
    expected_qty: Mapped[int | None]
    reason: Mapped[str | None]
    counted_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    counted_at: Mapped[Created]


class StockAdjustment(Goods, Tracked, Base):
    """Units found or lost, with a reason; above a limit somebody else approves before it is posted."""

    __tablename__ = "stock_adjustments"
    __table_args__ = (
        *of_one_product(),
        CheckConstraint("quantity <> 0", name="quantity"),
        CheckConstraint("stock_unit_id IS NULL OR abs(quantity) = 1", name="a_unit_is_one"),
        CheckConstraint(f"reason IN {ADJUSTMENT_REASONS}", name="reason"),
        CheckConstraint("status IN ('pending', 'posted', 'refused')", name="status"),
        CheckConstraint("approved_by <> requested_by", name="approved_by_another"),
        CheckConstraint("(approved_by IS NULL) = (approved_at IS NULL)", name="approved"),
        CheckConstraint("status <> 'refused' OR approved_by IS NOT NULL", name="refused_by_somebody"),
        CheckConstraint(
            "NOT needs_approval OR status = 'pending' OR approved_by IS NOT NULL", name="posted_once_approved"
        ),
        Index("ix_stock_adjustments_store_id", "store_id", "stock_adjustment_id"),  # those of a store, newest first
        # what waits for a second pair of eyes
        Index("ix_stock_adjustments_pending", "store_id", postgresql_where="status = 'pending'"),
    )
    stock_adjustment_id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    quantity: Mapped[int]
    reason: Mapped[str]
    note: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="pending")
    needs_approval: Mapped[bool]
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    approved_at: Mapped[Timestamp | None]
    decision_note: Mapped[str | None]
    adjustment_ref: Mapped[str | None] = mapped_column(unique=True)
