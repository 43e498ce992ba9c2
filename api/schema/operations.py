"""The house-keeping tables: imports, the rows they set aside, tombstones of deleted rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, StoreId, Tracked, one_of


class Import(Base):
    """A chain folder that was loaded, with its report (counts and checksum per file)."""

    __tablename__ = "imports"
    import_id: Mapped[Key]
    folder: Mapped[str]
    as_of: Mapped[dt.date]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    imported_at: Mapped[Created]


class QuarantinedRow(Tracked, Base):
    """A row of a record file that broke a rule and was set aside, as it was given but for personal data.

    `fingerprint` tells the same row of a later import; one that a corrected row has replaced is `released`.
    """

    __tablename__ = "import_quarantine"
    __table_args__ = (CheckConstraint(one_of("state", "open", "released", "dismissed"), name="state"),)
    import_quarantine_id: Mapped[Key]
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.import_id"))
    file: Mapped[str]
    line: Mapped[int] = mapped_column(BigInteger)
    store_id: Mapped[StoreId | None]
    row: Mapped[dict[str, Any]] = mapped_column(JSONB)
    row_key: Mapped[str]
    rule: Mapped[str]
    column_name: Mapped[str | None]
    value: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="open")
    fingerprint: Mapped[str] = mapped_column(unique=True)


class DeletedRow(Base):
    """A row that left an extracted table: written by trigger, read by the extract like any change."""

    __tablename__ = "deleted_rows"
    __table_args__ = (Index("ix_deleted_rows_changed_xid", "changed_xid"),)  # the extract: what is gone since
    deleted_row_id: Mapped[Key]
    table_name: Mapped[str]
    row_id: Mapped[int] = mapped_column(BigInteger)
    changed_xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))
