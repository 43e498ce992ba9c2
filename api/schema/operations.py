"""The house-keeping tables: imports and their files, tombstones of deleted rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key


class Import(Base):
    """A chain folder that was loaded, with its report (counts and checksum per file)."""

    __tablename__ = "imports"
    import_id: Mapped[Key]
    folder: Mapped[str]
    as_of: Mapped[dt.date]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    imported_at: Mapped[Created]


class DeletedRow(Base):
    """A row that left an extracted table: written by trigger, read by the extract like any change."""

    __tablename__ = "deleted_rows"
    __table_args__ = (Index("ix_deleted_rows_changed_xid", "changed_xid"),)  # the extract: what is gone since
    deleted_row_id: Mapped[Key]
    table_name: Mapped[str]
    row_id: Mapped[int] = mapped_column(BigInteger)
    changed_xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))
