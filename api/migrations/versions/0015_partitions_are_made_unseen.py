"""A reader never misses rows that are on their way from the default partition to that of their month.

One that had listed the partitions before the new one was attached found the rows in neither; it waits now.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FUNCTIONS = Path(__file__).parents[1] / "functions"


def upgrade() -> None:
    op.execute((FUNCTIONS / "partitions.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """The function stays: it does what the one before it did."""
