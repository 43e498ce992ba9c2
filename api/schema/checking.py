"""What the checks of each run found, the rows that broke them, and what somebody waived. None of it is extracted.

Results of a run that was blocked are here, too: they do not wait for a publication.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Timestamp, UserId, one_of

OWNERS = ("data team", "buyer", "store manager", "accountant")


class RecordedCheck(Base):
    """One check of one run: passed, failed, or failed only where it is waived."""

    __tablename__ = "check_results"
    __table_args__ = (
        UniqueConstraint("run_id", "table_name", "check_name"),
        CheckConstraint(one_of("severity", "blocking", "warning", "info"), name="severity"),
        CheckConstraint(one_of("state", "passed", "failed", "waived"), name="state"),
        CheckConstraint(one_of("owner", *OWNERS), name="owner"),
        CheckConstraint(one_of("holds_back", "rows", "store_days", "pairs"), name="holds_back"),
        CheckConstraint("waived_count BETWEEN 0 AND failed_count", name="waived_count"),
    )
    check_result_id: Mapped[Key]
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id", ondelete="CASCADE"))
    table_name: Mapped[str]
    check_name: Mapped[str]
    severity: Mapped[str]
    owner: Mapped[str]
    state: Mapped[str]
    observed: Mapped[str]
    what_to_do: Mapped[str]
    holds_back: Mapped[str | None]
    failed_count: Mapped[int] = mapped_column(BigInteger)
    waived_count: Mapped[int] = mapped_column(BigInteger)
    checked_at: Mapped[Created]


class CheckFailure(Base):
    """A row that broke a check, as the warehouse holds it: people are pseudonyms there. At most 10,000 of a check."""

    __tablename__ = "check_failures"
    __table_args__ = (
        # the rows of one check, and those of it that belong to one store
        Index("ix_check_failures_check_result_id_store_id", "check_result_id", "store_id"),
    )
    check_failure_id: Mapped[Key]
    check_result_id: Mapped[int] = mapped_column(ForeignKey("check_results.check_result_id", ondelete="CASCADE"))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    row: Mapped[dict[str, Any]] = mapped_column(JSON)  # not JSONB: its members stay in their order


class CheckWaiver(Base):
    """Somebody's word that a failure is known and accepted, of one store or all, for 90 days at most."""

    __tablename__ = "check_waivers"
    __table_args__ = (
        CheckConstraint("length(reason) > 0", name="reason"),
        CheckConstraint("expires_on BETWEEN waived_on AND waived_on + 90", name="expires_on"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
    )
    check_waiver_id: Mapped[Key]
    table_name: Mapped[str]
    check_name: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    reason: Mapped[str]
    waived_by: Mapped[UserId]
    waived_on: Mapped[dt.date]
    expires_on: Mapped[dt.date]
    created_at: Mapped[Created]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    revoked_at: Mapped[Timestamp | None]
