"""Saved views are seen by whose they are and by the role they are shared with; one of them is where one begins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ROLE, TABLE = "ims_app", "saved_views"
CHECKS = {
    "name": "name <> '' AND length(name) <= 80",
    "page": "page ~ '^[a-z][a-z0-9_]*$'",
    "filters": "jsonb_typeof(filters) = 'object' AND length(filters::text) <= 8000",
    "shared_role": "shared_role IN ('superadmin', 'admin', 'buyer', 'manager', 'accountant', 'analyst', 'staff')",
}
OWN = "user_id = (SELECT ims_user_id())"
SHARED = "shared_role IN (SELECT r.role FROM user_roles AS r WHERE r.user_id = (SELECT ims_user_id()))"


def upgrade() -> None:
    op.drop_column(TABLE, "is_shared")
    op.add_column(TABLE, sa.Column("shared_role", sa.String(), nullable=True))
    op.add_column(TABLE, sa.Column("is_default", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        TABLE, sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.drop_constraint(op.f("ck_saved_views_name"), TABLE)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, condition)
    op.create_index("uq_saved_views_default", TABLE, ["user_id"], unique=True, postgresql_where="is_default")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {TABLE} TO {ROLE} USING ({OWN}) WITH CHECK ({OWN})")
    op.execute(f"CREATE POLICY shared ON {TABLE} FOR SELECT TO {ROLE} USING ({SHARED})")


def downgrade() -> None:
    for policy in ("own", "shared"):
        op.execute(f"DROP POLICY {policy} ON {TABLE}")
    op.execute(f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY")
    op.drop_index("uq_saved_views_default", TABLE)
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE)
    op.create_check_constraint(op.f("ck_saved_views_name"), TABLE, "name <> ''")
    for column in ("updated_at", "is_default", "shared_role"):
        op.drop_column(TABLE, column)
    op.add_column(TABLE, sa.Column("is_shared", sa.Boolean(), server_default="false", nullable=False))
