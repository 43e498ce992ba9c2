"""What a publication raises for somebody to look at, and the ledger of what people did about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROLE = "ims_app"
# what concerns the chain is seen by whoever sees every store
HERE = "((SELECT ims_sees_every_store()) OR store_id = ANY ((SELECT ims_store_ids())::bigint[]))"
KINDS = "kind IN ('SALES_OFF', 'STOCK_OUT_AHEAD', 'LATE_ORDER', 'FORECAST_BIAS', 'DATA')"
SETTING = ("alerts_per_store_day", "10", "Alerts that a store is shown of one day; the others are counted")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("alert_ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("at_stake_amount", sa.Numeric(14, 2), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("day_on", sa.Date(), nullable=False),
        sa.Column("rank_in_store", sa.Integer(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_alerts_kind")),
        sa.CheckConstraint("severity IN ('warn', 'severe')", name=op.f("ck_alerts_severity")),
        sa.CheckConstraint("at_stake_amount >= 0", name=op.f("ck_alerts_at_stake_amount")),
        sa.CheckConstraint("first_on <= day_on", name=op.f("ck_alerts_first_on")),
        sa.CheckConstraint("rank_in_store > 0", name=op.f("ck_alerts_rank_in_store")),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.publication_id"], name=op.f("fk_alerts_publication_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_alerts_store_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("publication_id", "alert_ref", name=op.f("uq_alerts_publication_id_alert_ref")),
    )
    op.create_index("ix_alerts_day_on", "alerts", ["day_on"])
    op.create_table(
        "alert_actions",
        sa.Column("alert_action_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("alert_ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("acted_by", sa.BigInteger(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_alert_actions_kind")),
        sa.CheckConstraint("action IN ('snoozed', 'acted', 'dismissed')", name=op.f("ck_alert_actions_action")),
        sa.CheckConstraint(
            "(action = 'snoozed') = (until_on IS NOT NULL)", name=op.f("ck_alert_actions_snoozed_until_a_day")
        ),
        sa.CheckConstraint(
            "action <> 'dismissed' OR reason IS NOT NULL", name=op.f("ck_alert_actions_dismissed_for_a_reason")
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_alert_actions_reason")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_alert_actions_store_id")),
        sa.ForeignKeyConstraint(["acted_by"], ["users.user_id"], name=op.f("fk_alert_actions_acted_by")),
        sa.PrimaryKeyConstraint("alert_action_id", name=op.f("pk_alert_actions")),
    )
    op.create_index("ix_alert_actions_alert_ref_alert_action_id", "alert_actions", ["alert_ref", "alert_action_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alert_actions FOR EACH STATEMENT"
        " EXECUTE FUNCTION ims_refuse('what was done about an alert stays; do otherwise now')"
    )
    # alerts are raised by the publication, as the owner
    op.execute(f"GRANT SELECT ON alerts, alert_actions TO {ROLE}")
    op.execute(f"GRANT INSERT ON alert_actions TO {ROLE}")
    for table in ("alerts", "alert_actions"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY in_reach ON {table} TO {ROLE} USING ({HERE}) WITH CHECK ({HERE})")
    key, value, says = SETTING
    op.execute(
        sa.text(
            "INSERT INTO chain_settings (key, value, description) VALUES (:key, cast(:value AS jsonb), :text)"
            " ON CONFLICT (key) DO NOTHING"
        ).bindparams(key=key, value=value, text=says)
    )


def downgrade() -> None:
    for table in ("alert_actions", "alerts"):
        op.drop_table(table)
