"""Erased customers stay erased: the code they had is remembered as a keyed hash, so that no import brings them back.

Who was erased before has no hash: the code is gone, and only the code could tell.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customers", sa.Column("erased_code_hash", sa.String))
    op.create_check_constraint(
        op.f("ck_customers_erased_code_hash"), "customers", "erased_code_hash IS NULL OR erased_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_column("customers", "erased_code_hash")
