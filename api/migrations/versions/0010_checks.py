"""What the checks of each run found, the rows that broke them, and waivers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROLE = "ims_app"
HERE = "((SELECT ims_sees_every_store()) OR store_id = ANY ((SELECT ims_store_ids())::bigint[]))"
POLICIES = {"check_failures": HERE, "check_waivers": f"store_id IS NULL OR {HERE}"}


def upgrade() -> None:
    op.create_table(
        "check_results",
        sa.Column("check_result_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("check_name", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("observed", sa.String(), nullable=False),
        sa.Column("what_to_do", sa.String(), nullable=False),
        sa.Column("holds_back", sa.String(), nullable=True),
        sa.Column("failed_count", sa.BigInteger(), nullable=False),
        sa.Column("waived_count", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("severity IN ('blocking', 'warning', 'info')", name=op.f("ck_check_results_severity")),
        sa.CheckConstraint("state IN ('passed', 'failed', 'waived')", name=op.f("ck_check_results_state")),
        sa.CheckConstraint(
            "owner IN ('data team', 'buyer', 'store manager', 'accountant')", name=op.f("ck_check_results_owner")
        ),
        sa.CheckConstraint("holds_back IN ('rows', 'store_days', 'pairs')", name=op.f("ck_check_results_holds_back")),
        sa.CheckConstraint("waived_count BETWEEN 0 AND failed_count", name=op.f("ck_check_results_waived_count")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f("fk_check_results_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("check_result_id", name=op.f("pk_check_results")),
        sa.UniqueConstraint(
            "run_id", "table_name", "check_name", name=op.f("uq_check_results_run_id_table_name_check_name")
        ),
    )
    op.create_table(
        "check_failures",
        sa.Column("check_failure_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("check_result_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("row", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_result_id"],
            ["check_results.check_result_id"],
            name=op.f("fk_check_failures_check_result_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_check_failures_store_id")),
        sa.PrimaryKeyConstraint("check_failure_id", name=op.f("pk_check_failures")),
    )
    op.create_index("ix_check_failures_check_result_id_store_id", "check_failures", ["check_result_id", "store_id"])
    op.create_table(
        "check_waivers",
        sa.Column("check_waiver_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("check_name", sa.String(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("waived_by", sa.BigInteger(), nullable=False),
        sa.Column("waived_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_by", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_check_waivers_reason")),
        sa.CheckConstraint("expires_on BETWEEN waived_on AND waived_on + 90", name=op.f("ck_check_waivers_expires_on")),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_check_waivers_revoked")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_check_waivers_store_id")),
        sa.ForeignKeyConstraint(["waived_by"], ["users.user_id"], name=op.f("fk_check_waivers_waived_by")),
        sa.ForeignKeyConstraint(["revoked_by"], ["users.user_id"], name=op.f("fk_check_waivers_revoked_by")),
        sa.PrimaryKeyConstraint("check_waiver_id", name=op.f("pk_check_waivers")),
    )
    # results are written by the runs, as the owner; a waiver is given and revoked, never deleted
    op.execute(f"GRANT SELECT ON check_results, check_failures, check_waivers TO {ROLE}")
    op.execute(f"GRANT INSERT, UPDATE ON check_waivers TO {ROLE}")
    for table, expression in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY in_reach ON {table} TO {ROLE} USING ({expression}) WITH CHECK ({expression})")


def downgrade() -> None:
    for table in ("check_waivers", "check_failures", "check_results"):
        op.drop_table(table)
