"""What happened (the audit log and its chains), what is to be told (the outbox), what was answered already.

None of it is extracted. The audit log has no foreign keys: what it names may be gone, the evidence stays.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Timestamp


class AuditEntry(Base):
    """Who did what to what, when and from where. Written by `ims_record_audit` only; partitioned by month of `at`."""

    __tablename__ = "audit_log"
    __table_args__ = (
        PrimaryKeyConstraint("at", "audit_id", name="pk_audit_log"),  # also the access path by time
        CheckConstraint("severity IN ('info', 'warning', 'critical')", name="severity"),
        Index("ix_audit_log_entity_type_entity_id_at", "entity_type", "entity_id", "at"),  # history of one thing
        Index("ix_audit_log_user_id_at", "user_id", "at"),  # what one person did
        Index("ix_audit_log_kind_at", "kind", "at"),  # all refusals, all money kinds
        Index("ix_audit_log_chain_no_chain_seq", "chain_no", "chain_seq"),  # verification
        {"postgresql_partition_by": "RANGE (at)"},
    )
    at: Mapped[Timestamp]
    audit_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    chain_no: Mapped[int] = mapped_column(SmallInteger)
    chain_seq: Mapped[int] = mapped_column(BigInteger)
    request_id: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    username: Mapped[str | None]
    roles: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    kind: Mapped[str]
    severity: Mapped[str]
    entity_type: Mapped[str | None]
    entity_id: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]


class AuditChain(Base):
    """The head of one of the 16 hash chains: the last row's number, hash and time."""

    __tablename__ = "audit_chains"
    __table_args__ = (CheckConstraint("chain_no BETWEEN 0 AND 15", name="chain_no"),)
    chain_no: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    chain_seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    recorded_at: Mapped[Timestamp]


class AuditAnchor(Base):
    """Where a chain begins after retention dropped every row before `before_on`: the last dropped row's hash."""

    __tablename__ = "audit_anchors"
    __table_args__ = (PrimaryKeyConstraint("chain_no", "chain_seq", name="pk_audit_anchors"),)
    chain_no: Mapped[int] = mapped_column(SmallInteger)
    chain_seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    before_on: Mapped[dt.date] = mapped_column(Date)
    anchored_at: Mapped[Created]


class OutboxMessage(Base):
    """A mail or webhook call to be delivered; written in the transaction that causes it."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        CheckConstraint("channel IN ('smtp', 'webhook')", name="channel"),
        CheckConstraint("state IN ('pending', 'delivered', 'dead')", name="state"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered"),
        CheckConstraint("attempts >= 0", name="attempts"),
        # the worker's question: what is due
        Index("ix_outbox_messages_due", "available_at", postgresql_where=text("state = 'pending'")),
        # the figures of operation: how many were given up
        Index("ix_outbox_messages_dead", "created_at", postgresql_where=text("state = 'dead'")),
        Index("ix_outbox_messages_created_at", "created_at"),  # retention
    )
    message_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    topic: Mapped[str]
    channel: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[Created]
    available_at: Mapped[Created]
    delivered_at: Mapped[Timestamp | None]


class OutboxDelivery(Base):
    """One attempt to deliver a message, with what the other side said."""

    __tablename__ = "outbox_deliveries"
    __table_args__ = (Index("ix_outbox_deliveries_message_id", "message_id"),)  # the attempts of a message
    delivery_id: Mapped[Key]
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("outbox_messages.message_id", ondelete="CASCADE"))
    attempt: Mapped[int]
    is_delivered: Mapped[bool]
    error: Mapped[str | None]
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempted_at: Mapped[Created]


class OutboxAttachment(Base):
    """A file that goes with a mail, as it was made; gone once the mail is delivered (what it was: `data_exports`)."""

    __tablename__ = "outbox_attachments"
    __table_args__ = (
        CheckConstraint("name <> ''", name="name"),
        Index("ix_outbox_attachments_message_id", "message_id"),  # the files of a mail
    )
    outbox_attachment_id: Mapped[Key]
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("outbox_messages.message_id", ondelete="CASCADE"))
    name: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes]


class IdempotencyKey(Base):
    """An `Idempotency-Key` a user sent, the hash of the request, and its answer; kept for seven days."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
        CheckConstraint("(status IS NULL) = (content IS NULL)", name="answered"),
        CheckConstraint("length(key) BETWEEN 1 AND 255", name="key"),
        Index("ix_idempotency_keys_created_at", "created_at"),  # retention
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    key: Mapped[str]
    request_hash: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    content: Mapped[bytes | None]
    created_at: Mapped[Created]
