"""Stock as double entry: balances that the ledger keeps, units, cells, reservations, transfers, counts."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
