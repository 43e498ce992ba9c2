"""What IMS itself records: runs, publications and the pointer among them, suggestions with their state."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Money, Timestamp, Tracked, one_of

# why somebody decided otherwise than suggested
DECISION_CODES = (
    "BELOW_TARGET",
    "PROJECTED_STOCKOUT",
    "SEASON_UPLIFT",
    "NEW_STYLE_MIN_DISPLAY",
    "BROKEN_RUN",
    "GRID_GAP",
    "TRANSFER_FIRST",
    "MOQ_DEFERRED",
    "OPTED_OUT",
    "NO_VENDOR",
    "LOW_EVIDENCE",
    "DQ_BLOCKED",
)


class Run(Base):
    """One run of the main job. `fingerprint` names everything its result depends on: equal means nothing to do.

    `figures` is what a published run tells monitoring (`pipelines/figures.py`).
    """

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'published', 'unchanged', 'blocked', 'failed')", name="state"),
    )
    run_id: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[dt.date]
    state: Mapped[str]
    fingerprint: Mapped[str | None]
    message: Mapped[str | None]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    started_at: Mapped[Created]
    finished_at: Mapped[Timestamp | None]


class Publication(Base):
    """A lake snapshot that passed every blocking check; figures carry it as their passport."""

    __tablename__ = "publications"
    publication_id: Mapped[Key]
    snapshot_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"))
    as_of: Mapped[dt.date]
    data_as_of: Mapped[dt.date]
    fingerprint: Mapped[str]
    checks: Mapped[dict[str, Any]] = mapped_column(JSONB)
    metric_version: Mapped[str]
    notes: Mapped[list[str]] = mapped_column(JSONB)
    published_at: Mapped[Created]


class PublicationPointer(Base):
    """Which publication is served: one row. Moving it is publishing, or going back."""

    __tablename__ = "publication_pointer"
    __table_args__ = (CheckConstraint("pointer_id = 1", name="one_row"),)
    pointer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.publication_id"))
    moved_at: Mapped[Created]
    moved_by: Mapped[str]


class Suggestion(Tracked, Base):
    """An order IMS suggests, with identity, state and the receipt that replays to the same quantity."""

    __tablename__ = "suggestions"
    __table_args__ = (
        CheckConstraint(
            "state IN ('proposed', 'approved', 'edited', 'refused', 'expired', 'ordered', 'received')",
            name="state",
        ),
        CheckConstraint("kind IN ('purchase', 'transfer')", name="kind"),
        CheckConstraint("(kind = 'transfer') = (source_store_id IS NOT NULL)", name="transfers_have_a_source"),
        CheckConstraint("suggested_qty > 0", name="suggested_qty"),
        CheckConstraint("decided_qty >= 0", name="decided_qty"),
        CheckConstraint(one_of("decision_code", *DECISION_CODES), name="decision_code"),
        # one proposal at a time for a store and product: a second run replaces, it never adds
        Index(
            "uq_suggestions_proposed",
            "store_id",
            "product_id",
            "kind",
            unique=True,
            postgresql_where="state = 'proposed'",
        ),
        # what the served publication suggests, and what was decided for its day when an earlier run had proposed it
        Index("ix_suggestions_publication_id", "publication_id"),
        Index(
            "ix_suggestions_decided",
            "as_of",
            postgresql_where="state IN ('approved', 'edited', 'refused', 'ordered', 'received')",
        ),
    )
    suggestion_id: Mapped[Key]
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.publication_id"))
    as_of: Mapped[dt.date]
    state: Mapped[str] = mapped_column(server_default="proposed")
    kind: Mapped[str]
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.vendor_id"))
    source_store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    on_hand: Mapped[int]
    on_order: Mapped[int]
    suggested_qty: Mapped[int]
    order_by: Mapped[dt.date]
    arrives_on: Mapped[dt.date]
    covers_until: Mapped[dt.date]
    expected_demand: Mapped[float]
    demand_p50: Mapped[float]
    demand_p90: Mapped[float]
    reason: Mapped[str]
    priority: Mapped[Money]
    expires_on: Mapped[dt.date]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("suggestions.suggestion_id"))
    approved_qty: Mapped[int | None]  # follows the order or transfer as parts of it arrive or are given up
    decided_qty: Mapped[int | None]  # as it was decided, 0 when refused; never changed afterwards
    decision_code: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[Timestamp | None]
    decision_note: Mapped[str | None]
    receipt: Mapped[dict[str, Any]] = mapped_column(JSONB)
