"""What was decided on a suggestion stays as it was decided, with a reason code; a transfer carries several suggestions.

`approved_qty` follows the order or transfer as it shrinks; `decided_qty` does not. A suggestion of a transfer is named
by its line, so that one transfer between two stores holds all that is moved between them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

LINES, INDEX, KEY = (
    "stock_transfer_lines",
    "ix_stock_transfer_lines_suggestion_id",
    "fk_stock_transfer_lines_suggestion_id",
)
CODES = (
    "BELOW_TARGET", "PROJECTED_STOCKOUT", "SEASON_UPLIFT", "NEW_STYLE_MIN_DISPLAY", "BROKEN_RUN", "GRID_GAP",
    "TRANSFER_FIRST", "MOQ_DEFERRED", "OPTED_OUT", "NO_VENDOR", "LOW_EVIDENCE", "DQ_BLOCKED",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("suggestions", sa.Column("decided_qty", sa.Integer))
    op.add_column("suggestions", sa.Column("decision_code", sa.String))
    op.execute(
        "UPDATE suggestions SET decided_qty = CASE WHEN state <> 'refused' THEN coalesce(approved_qty, suggested_qty)"
        " ELSE 0 END WHERE state IN ('approved', 'edited', 'refused', 'ordered', 'received') AND decided_at IS NOT NULL"
    )
    op.create_check_constraint(op.f("ck_suggestions_decided_qty"), "suggestions", "decided_qty >= 0")
    op.create_check_constraint(op.f("ck_suggestions_decision_code"), "suggestions", f"decision_code IN {CODES!r}")
    op.add_column(LINES, sa.Column("suggestion_id", sa.BigInteger))
    op.execute(
        "UPDATE stock_transfer_lines AS l SET suggestion_id = t.suggestion_id FROM stock_transfers AS t"
        " WHERE t.stock_transfer_id = l.stock_transfer_id AND t.suggestion_id IS NOT NULL"
    )
    op.create_foreign_key(KEY, LINES, "suggestions", ["suggestion_id"], ["suggestion_id"])
    op.create_index(INDEX, LINES, ["suggestion_id"], postgresql_where="suggestion_id IS NOT NULL")
    op.drop_index("ix_stock_transfers_suggestion_id", "stock_transfers")
    op.drop_column("stock_transfers", "suggestion_id")


def downgrade() -> None:
    op.add_column("stock_transfers", sa.Column("suggestion_id", sa.BigInteger))
    op.execute(
        "UPDATE stock_transfers AS t SET suggestion_id = l.suggestion_id FROM stock_transfer_lines AS l"
        " WHERE t.stock_transfer_id = l.stock_transfer_id AND l.suggestion_id IS NOT NULL"
    )
    key = "fk_stock_transfers_suggestion_id"
    op.create_foreign_key(key, "stock_transfers", "suggestions", ["suggestion_id"], ["suggestion_id"])
    where = "suggestion_id IS NOT NULL"
    op.create_index("ix_stock_transfers_suggestion_id", "stock_transfers", ["suggestion_id"], postgresql_where=where)
    op.drop_column(LINES, "suggestion_id")
    op.drop_column("suggestions", "decision_code")
    op.drop_column("suggestions", "decided_qty")
