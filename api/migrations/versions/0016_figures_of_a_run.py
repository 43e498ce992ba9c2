"""A run says how large the lake is and how its forecasts do, so that monitoring asks one database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("figures", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("runs", "figures")
