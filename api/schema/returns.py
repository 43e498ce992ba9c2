"""What follows a sale: returns with their condition, exchanges, and the discounts someone had to allow."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Money, Share, StoreId, Timestamp, Tracked, UserId, one_of

# a line by its full key: the day of its order is part of it, and follows when an import gives a line to another order
LINE = ["sales_order_lines.sales_order_line_id", "sales_order_lines.ordered_on"]


class SalesReturn(Tracked, Base):
    """Goods of one order that came back to a store on a business day; amounts are positive."""

    __tablename__ = "sales_returns"
    __table_args__ = (
        CheckConstraint(one_of("kind", "return", "exchange", "credit_note"), name="kind"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("taxable_amount >= 0 AND tax_amount >= 0", name="amounts"),
        CheckConstraint("total_amount = taxable_amount + tax_amount", name="total_amount"),
        CheckConstraint("approved_by <> created_by", name="approved_by_another"),
        Index("ix_sales_returns_sales_order_id", "sales_order_id"),  # what came back of an order
        Index("ix_sales_returns_store_id_sales_return_id", "store_id", "sales_return_id"),  # a store's, newest first
    )
    sales_return_id: Mapped[Key]
    return_number: Mapped[str] = mapped_column(unique=True)
    sales_order_id: Mapped[int] = mapped_column(ForeignKey("sales_orders.sales_order_id"))
    store_id: Mapped[StoreId]
    kind: Mapped[str] = mapped_column(server_default="return")
    returned_on: Mapped[dt.date]
    reason: Mapped[str]
    credit_note_number: Mapped[str | None] = mapped_column(unique=True)
    taxable_amount: Mapped[Money]
    tax_amount: Mapped[Money]
    total_amount: Mapped[Money]
    created_by: Mapped[UserId]
    approved_by: Mapped[UserId | None]


class SalesReturnLine(Tracked, Base):
    """Units of an order line that came back; only good ones go back to stock."""

    __tablename__ = "sales_return_lines"
    __table_args__ = (
        UniqueConstraint(
            "sales_return_id", "sales_order_line_id", "condition", name="uq_sales_return_lines_line_condition"
        ),
        ForeignKeyConstraint(["sales_order_line_id", "ordered_on"], LINE, onupdate="CASCADE"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint(one_of("condition", "good", "opened", "damaged"), name="condition"),
        CheckConstraint("taxable_amount >= 0 AND tax_amount >= 0", name="amounts"),
        # how much of a line has come back already
        Index("ix_sales_return_lines_sales_order_line_id", "sales_order_line_id"),
    )
    sales_return_line_id: Mapped[Key]
    sales_return_id: Mapped[int] = mapped_column(ForeignKey("sales_returns.sales_return_id"))
    sales_order_line_id: Mapped[int] = mapped_column(BigInteger)
    ordered_on: Mapped[dt.date]
    quantity: Mapped[int]
    condition: Mapped[str]
    taxable_amount: Mapped[Money]
    tax_amount: Mapped[Money]


class Exchange(Tracked, Base):
    """The order that took the place of what was returned."""

    __tablename__ = "exchanges"
    exchange_id: Mapped[Key]
    sales_return_id: Mapped[int] = mapped_column(ForeignKey("sales_returns.sales_return_id"), unique=True)
    sales_order_id: Mapped[int] = mapped_column(ForeignKey("sales_orders.sales_order_id"), unique=True)


class DiscountApproval(Tracked, Base):
    """A discount above what its seller may give, asked of someone else; without a line it is for the whole order."""

    __tablename__ = "discount_approvals"
    __table_args__ = (
        ForeignKeyConstraint(["sales_order_line_id", "ordered_on"], LINE, onupdate="CASCADE"),
        CheckConstraint("(sales_order_line_id IS NULL) = (ordered_on IS NULL)", name="line"),
        CheckConstraint("requested_share > 0 AND requested_share <= 1", name="requested_share"),
        CheckConstraint("allowed_share >= 0 AND allowed_share < requested_share", name="allowed_share"),
        CheckConstraint(one_of("state", "requested", "approved", "refused"), name="state"),
        CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name="decided_by"),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided_at"),
        CheckConstraint("decided_by <> requested_by", name="decided_by_another"),
        Index("ix_discount_approvals_sales_order_id", "sales_order_id"),  # what was allowed for an order
        # whether a line may be taken out of its draft order
        Index(
            "ix_discount_approvals_sales_order_line_id",
            "sales_order_line_id",
            postgresql_where=text("sales_order_line_id IS NOT NULL"),
        ),
        # what waits for a decision
        Index(
            "ix_discount_approvals_requested",
            "discount_approval_id",
            postgresql_where=text("state = 'requested'"),
        ),
    )
    discount_approval_id: Mapped[Key]
    sales_order_id: Mapped[int] = mapped_column(ForeignKey("sales_orders.sales_order_id"))
    sales_order_line_id: Mapped[int | None] = mapped_column(BigInteger)
    ordered_on: Mapped[dt.date | None]
    requested_share: Mapped[Share]
    allowed_share: Mapped[Share]
    reason: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="requested")
    requested_by: Mapped[UserId]
    requested_at: Mapped[Created]
    decided_by: Mapped[UserId | None]
    decided_at: Mapped[Timestamp | None]
