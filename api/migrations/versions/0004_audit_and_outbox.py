"""What happened, append-only and chained; what is to be told; what was answered already; monthly partitions.

The functions are SQL files beside the migrations: `functions/partitions.sql` and `functions/audit.sql`.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FUNCTIONS = Path(__file__).parents[1] / "functions"
# a partition carries its parent's triggers, so a tombstone must name the parent
TOMBSTONES = """
    CREATE OR REPLACE FUNCTION ims_leave_tombstones() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('INSERT INTO deleted_rows (table_name, row_id) SELECT %L, %I FROM gone', {name}, TG_ARGV[0]);
        RETURN NULL;
    END $$
"""
ROOT_NAME = "(SELECT relname FROM pg_class WHERE oid = coalesce(pg_partition_root(TG_RELID), TG_RELID))"


def upgrade() -> None:
    op.execute(TOMBSTONES.format(name=ROOT_NAME))
    op.execute((FUNCTIONS / "partitions.sql").read_text(encoding="utf-8"))
    _create_audit()
    _create_outbox()
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.user_id", name="fk_idempotency_keys_user_id")),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("content", sa.LargeBinary),
        _now("created_at"),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
        sa.CheckConstraint("(status IS NULL) = (content IS NULL)", name=op.f("ck_idempotency_keys_answered")),
        sa.CheckConstraint("length(key) BETWEEN 1 AND 255", name=op.f("ck_idempotency_keys_key")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    for table in (
        "idempotency_keys",
        "outbox_deliveries",
        "outbox_messages",
    ):
        op.drop_table(table)
    op.execute(
        """
        DROP FUNCTION ims_announce_outbox();
        DROP FUNCTION ims_record_audit(jsonb);
        DROP FUNCTION ims_append_audit(jsonb, timestamptz);
        DROP FUNCTION ims_audit_hash(audit_log);
        DROP FUNCTION ims_audit_genesis(integer);
        """
    )
    for table in ("audit_anchors", "audit_chains", "audit_log"):
        op.drop_table(table)
    op.execute(
        """
        DROP FUNCTION ims_make_partitions(regclass, date, date);
        DROP FUNCTION ims_copy_triggers(regclass, regclass);
        """
    )
    op.execute(TOMBSTONES.format(name="TG_TABLE_NAME"))


def _create_audit() -> None:
    op.create_table(
        "audit_log",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audit_id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("chain_no", sa.SmallInteger, nullable=False),
        sa.Column("chain_seq", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.String),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("username", sa.String),
        sa.Column("roles", ARRAY(sa.Text)),
        sa.Column("store_id", sa.BigInteger),
        sa.Column("address", INET),
        sa.Column("user_agent", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("severity", sa.String, nullable=False),
        sa.Column("entity_type", sa.String),
        sa.Column("entity_id", sa.String),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
        sa.Column("prev_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        # also the access path by time: pages of the log are read newest first
        sa.PrimaryKeyConstraint("at", "audit_id", name="pk_audit_log"),
        sa.CheckConstraint("severity IN ('info', 'warning', 'critical')", name=op.f("ck_audit_log_severity")),
        postgresql_partition_by="RANGE (at)",
    )
    # what happened to one order, user, setting
    op.create_index("ix_audit_log_entity_type_entity_id_at", "audit_log", ["entity_type", "entity_id", "at"])
    op.create_index("ix_audit_log_user_id_at", "audit_log", ["user_id", "at"])  # what one person did
    op.create_index("ix_audit_log_kind_at", "audit_log", ["kind", "at"])  # all refusals, all money kinds
    op.create_index("ix_audit_log_chain_no_chain_seq", "audit_log", ["chain_no", "chain_seq"])  # verification
    op.create_table(
        "audit_chains",
        sa.Column("chain_no", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("chain_seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("chain_no BETWEEN 0 AND 15", name=op.f("ck_audit_chains_chain_no")),
    )
    op.create_table(
        "audit_anchors",
        sa.Column("chain_no", sa.SmallInteger, nullable=False),
        sa.Column("chain_seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("before_on", sa.Date, nullable=False),
        _now("anchored_at"),
        sa.PrimaryKeyConstraint("chain_no", "chain_seq", name="pk_audit_anchors"),
    )
    op.execute((FUNCTIONS / "audit.sql").read_text(encoding="utf-8"))


def _create_outbox() -> None:
    op.create_table(
        "outbox_messages",
        # a uuid: receivers drop doubles by it, so a rebuilt database must never use one again
        sa.Column("message_id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("state", sa.String, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.String),
        sa.Column("receipt", JSONB),
        _now("created_at"),
        _now("available_at"),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("channel IN ('smtp', 'webhook')", name=op.f("ck_outbox_messages_channel")),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'dead')", name=op.f("ck_outbox_messages_state")),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_outbox_messages_delivered")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_messages_attempts")),
    )
    # the worker's question: what is due
    pending = sa.text("state = 'pending'")
    op.create_index("ix_outbox_messages_due", "outbox_messages", ["available_at"], postgresql_where=pending)
    dead = sa.text("state = 'dead'")  # counted for the figures of operation
    op.create_index("ix_outbox_messages_dead", "outbox_messages", ["created_at"], postgresql_where=dead)
    op.create_index("ix_outbox_messages_created_at", "outbox_messages", ["created_at"])  # retention
    op.create_table(
        "outbox_deliveries",
        sa.Column("delivery_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "message_id",
            sa.Uuid,
            sa.ForeignKey("outbox_messages.message_id", name="fk_outbox_deliveries_message_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("is_delivered", sa.Boolean, nullable=False),
        sa.Column("error", sa.String),
        sa.Column("receipt", JSONB),
        _now("attempted_at"),
    )
    op.create_index("ix_outbox_deliveries_message_id", "outbox_deliveries", ["message_id"])  # attempts of a message
    op.execute(
        """
        CREATE FUNCTION ims_announce_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NOTIFY ims_outbox;
            RETURN NULL;
        END $$;
        CREATE TRIGGER announce AFTER INSERT ON outbox_messages
            FOR EACH STATEMENT EXECUTE FUNCTION ims_announce_outbox();
        """
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
