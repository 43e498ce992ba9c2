"""What the chain decides for itself, and what people keep: settings, discount caps, saved views, the log of exports."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Share, Tracked, UserId, one_of


class ChainSetting(Tracked, Base):
    """A named value, one row each; the migration puts every one there is, so a service finds the row."""

    __tablename__ = "chain_settings"
    __table_args__ = (CheckConstraint("key ~ '^[a-z][a-z0-9_]*$'", name="key"),)
    chain_setting_id: Mapped[Key]
    key: Mapped[str] = mapped_column(unique=True)
    value: Mapped[Any] = mapped_column(JSONB)
    description: Mapped[str]
    updated_by: Mapped[UserId | None]


class DiscountCap(Tracked, Base):
    """The largest discount a role may give on a class of products without asking."""

    __tablename__ = "discount_caps"
    __table_args__ = (
        UniqueConstraint("role", "discount_class"),
        CheckConstraint(
            one_of("role", "superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff"), name="role"
        ),
        CheckConstraint(
            one_of("discount_class", "MASS", "PREMIUM", "LUXURY", "SERVICE", "NON_DISCOUNTABLE"),
            name="discount_class",
        ),
        CheckConstraint("cap_share BETWEEN 0 AND 1", name="cap_share"),
        CheckConstraint("discount_class <> 'NON_DISCOUNTABLE' OR cap_share = 0", name="never_discounted"),
    )
    discount_cap_id: Mapped[Key]
    role: Mapped[str]
    discount_class: Mapped[str]
    cap_share: Mapped[Share]


class DataExport(Base):
    """A file of data that left, for whom and what it held: never changed or removed, and not for the warehouse."""

    __tablename__ = "data_exports"
    __table_args__ = (
        CheckConstraint(one_of("format", "csv", "json", "xlsx", "parquet", "pdf"), name="format"),
        CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name="checksum"),
        CheckConstraint("row_count >= 0", name="row_count"),
    )
    data_export_id: Mapped[Key]
    kind: Mapped[str]
    format: Mapped[str]
    requested_by: Mapped[UserId]
    role: Mapped[str]
    scope: Mapped[dict[str, Any]] = mapped_column(JSONB)
    row_count: Mapped[int]
    checksum: Mapped[str]
    exported_at: Mapped[Created]


class SavedView(Base):
    """A page of the dashboards with its filters, as someone keeps it; seen by them, and by the role they share it with.

    The default one is where they begin.
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("user_id", "page", "name"),
        CheckConstraint("name <> '' AND length(name) <= 80", name="name"),
        CheckConstraint("page ~ '^[a-z][a-z0-9_]*$'", name="page"),
        CheckConstraint("jsonb_typeof(filters) = 'object' AND length(filters::text) <= 8000", name="filters"),
        CheckConstraint(
            one_of("shared_role", "superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff"),
            name="shared_role",
        ),
        # one place to begin at
        Index("uq_saved_views_default", "user_id", unique=True, postgresql_where=text("is_default")),
    )
    saved_view_id: Mapped[Key]
    user_id: Mapped[UserId]
    page: Mapped[str]
    name: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    shared_role: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
