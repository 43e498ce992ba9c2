"""Figures by mail: who wants them when, the log of what went out, and the files of a mail until it is delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ROLE = "ims_app"
# one's own; all of them for whoever reaches every store
POLICIES = {
    "report_schedules": "(SELECT ims_sees_every_store()) OR user_id = (SELECT ims_user_id())",
    "report_deliveries": "(SELECT ims_sees_every_store()) OR EXISTS (SELECT FROM report_schedules AS p"
    " WHERE p.report_schedule_id = report_deliveries.report_schedule_id)",
}
FUNCTIONS = """
CREATE FUNCTION ims_user_id() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('ims.user_id', true), '')::bigint $$;

-- Whose a row is, seen or not; NULL when there is no such row. Tells a refusal from an unknown key.
CREATE FUNCTION ims_owner_of(target text, key bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    owner bigint;
    key_column text := (
        SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = to_regclass(quote_ident(target)) AND i.indisprimary);
BEGIN
    EXECUTE format('SELECT t.user_id FROM %I AS t WHERE t.%I = $1', target, key_column) INTO owner USING key;
    RETURN owner;
END $$;
"""


def upgrade() -> None:
    _create_schedules()
    _create_deliveries()
    op.create_table(
        "outbox_attachments",
        sa.Column("outbox_attachment_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_outbox_attachments_name")),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["outbox_messages.message_id"],
            name=op.f("fk_outbox_attachments_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("outbox_attachment_id", name=op.f("pk_outbox_attachments")),
    )
    op.create_index("ix_outbox_attachments_message_id", "outbox_attachments", ["message_id"])
    op.execute(FUNCTIONS)
    # packs are made by IMS itself, as the owner; the application asks for one, and says what became of its mail
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON report_schedules TO {ROLE}")
    op.execute(f"GRANT SELECT, INSERT ON report_deliveries TO {ROLE}")
    op.execute(f"GRANT UPDATE (state, message_id, receipt, error, ended_at) ON report_deliveries TO {ROLE}")
    op.execute(f"GRANT SELECT, DELETE ON outbox_attachments TO {ROLE}")
    for table, expression in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY in_reach ON {table} TO {ROLE} USING ({expression}) WITH CHECK ({expression})")


def downgrade() -> None:
    for table in ("outbox_attachments", "report_deliveries", "report_schedules"):
        op.drop_table(table)
    op.execute("DROP FUNCTION ims_owner_of(text, bigint)")
    op.execute("DROP FUNCTION ims_user_id()")


def _create_schedules() -> None:
    op.create_table(
        "report_schedules",
        sa.Column("report_schedule_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("cadence", sa.String(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        sa.Column("month_day", sa.SmallInteger(), nullable=True),
        sa.Column("at_hour", sa.SmallInteger(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("store_ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("cadence IN ('daily', 'weekly', 'monthly')", name=op.f("ck_report_schedules_cadence")),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_report_schedules_weekday")),
        sa.CheckConstraint(
            "(cadence = 'weekly') = (weekday IS NOT NULL)", name=op.f("ck_report_schedules_weekday_of_a_week")
        ),
        sa.CheckConstraint("month_day BETWEEN 1 AND 28", name=op.f("ck_report_schedules_month_day")),
        sa.CheckConstraint(
            "(cadence = 'monthly') = (month_day IS NOT NULL)", name=op.f("ck_report_schedules_day_of_a_month")
        ),
        sa.CheckConstraint("at_hour BETWEEN 0 AND 23", name=op.f("ck_report_schedules_at_hour")),
        sa.CheckConstraint("form IN ('pdf', 'xlsx', 'both')", name=op.f("ck_report_schedules_form")),
        sa.CheckConstraint("cardinality(store_ids) > 0", name=op.f("ck_report_schedules_store_ids")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_report_schedules_user_id")),
        sa.PrimaryKeyConstraint("report_schedule_id", name=op.f("pk_report_schedules")),
    )
    op.create_index("ix_report_schedules_user_id", "report_schedules", ["user_id", "report_schedule_id"])


def _create_deliveries() -> None:
    table = "report_deliveries"
    op.create_table(
        table,
        sa.Column("report_delivery_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("report_schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), server_default="wanted", nullable=False),
        sa.Column("says", sa.String(), nullable=True),
        sa.Column("begins_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("publication_id", sa.BigInteger(), nullable=True),
        sa.Column("reach", postgresql.JSONB(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("receipt", postgresql.JSONB(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("occasion IN ('scheduled', 'asked')", name=op.f("ck_report_deliveries_occasion")),
        sa.CheckConstraint(
            "state IN ('wanted', 'queued', 'delivered', 'failed', 'withheld')", name=op.f("ck_report_deliveries_state")
        ),
        sa.CheckConstraint("says IN ('figures', 'why_not')", name=op.f("ck_report_deliveries_says")),
        sa.CheckConstraint(
            "state NOT IN ('queued', 'delivered') OR says IS NOT NULL", name=op.f("ck_report_deliveries_made")
        ),
        sa.CheckConstraint(
            "says <> 'figures' OR publication_id IS NOT NULL",
            name=op.f("ck_report_deliveries_figures_of_a_publication"),
        ),
        sa.CheckConstraint("ends_on >= begins_on", name=op.f("ck_report_deliveries_period")),
        sa.ForeignKeyConstraint(
            ["report_schedule_id"],
            ["report_schedules.report_schedule_id"],
            name=op.f("fk_report_deliveries_report_schedule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.publication_id"], name=op.f("fk_report_deliveries_publication_id")
        ),
        sa.PrimaryKeyConstraint("report_delivery_id", name=op.f("pk_report_deliveries")),
    )
    op.create_index(
        "uq_report_deliveries_scheduled",
        table,
        ["report_schedule_id", "due_on"],
        unique=True,
        postgresql_where="occasion = 'scheduled'",
    )
    op.create_index("uq_report_deliveries_message_id", table, ["message_id"], unique=True)
    op.create_index("ix_report_deliveries_report_schedule_id", table, ["report_schedule_id", "report_delivery_id"])
    op.create_index("ix_report_deliveries_wanted", table, ["report_delivery_id"], postgresql_where="state = 'wanted'")
