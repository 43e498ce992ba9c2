"""What a store spends beside its goods: expenses, submitted by one person and decided by another."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Key, Money, StoreId, Timestamp, Tracked, UserId, one_of


class ExpenseCategory(Tracked, Base):
    """What money is spent on."""

    __tablename__ = "expense_categories"
    __table_args__ = (CheckConstraint("code <> ''", name="code"),)
    expense_category_id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default="true")


class Expense(Tracked, Base):
    """Money spent for a store, with tax in it."""

    __tablename__ = "expenses"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("tax_amount >= 0 AND tax_amount < amount", name="tax_amount"),
        CheckConstraint("description <> ''", name="description"),
        CheckConstraint(one_of("state", "draft", "submitted", "approved", "refused", "paid"), name="state"),
        CheckConstraint("(state = 'draft') = (submitted_at IS NULL)", name="submitted_at"),
        CheckConstraint("(state IN ('draft', 'submitted')) = (decided_by IS NULL)", name="decided_by"),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided_at"),
        CheckConstraint("decided_by <> submitted_by", name="decided_by_another"),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid_at"),
        CheckConstraint("version > 0", name="version"),
        # a store's expenses, and one's own, newest first
        Index("ix_expenses_store_id_expense_id", "store_id", "expense_id"),
        Index("ix_expenses_submitted_by_expense_id", "submitted_by", "expense_id"),
        # what waits for a decision
        Index("ix_expenses_submitted", "expense_id", postgresql_where=text("state = 'submitted'")),
    )
    expense_id: Mapped[Key]
    store_id: Mapped[StoreId]
    expense_category_id: Mapped[int] = mapped_column(ForeignKey("expense_categories.expense_category_id"))
    spent_on: Mapped[dt.date]
    amount: Mapped[Money]
    tax_amount: Mapped[Money] = mapped_column(server_default="0")
    description: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="draft")
    submitted_by: Mapped[UserId]
    submitted_at: Mapped[Timestamp | None]
    decided_by: Mapped[UserId | None]
    decided_at: Mapped[Timestamp | None]
    decision_note: Mapped[str | None]
    paid_at: Mapped[Timestamp | None]
    paid_by: Mapped[UserId | None]
    version: Mapped[int] = mapped_column(server_default="1")
    expense_ref: Mapped[str | None] = mapped_column(unique=True)
