"""The extract finds what is new in each table that grows by an index of blocks, no longer by reading the table."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = [
    "availability",
    "customers",
    "eye_test_queue",
    "eye_tests",
    "goods_receipt_lines",
    "goods_receipts",
    "lab_job_events",
    "lab_jobs",
    "patients",
    "payments",
    "prescription_eyes",
    "prescriptions",
    "purchase_order_lines",
    "purchase_orders",
    "sales_orders",
    "stock_count_lines",
    "stock_transfer_lines",
    "stock_transfers",
    "walk_in_counts",
    "walkouts",
]


def upgrade() -> None:
    for table in TABLES:
        op.create_index(f"ix_{table}_changed_xid", table, ["changed_xid"], postgresql_using="brin")


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_changed_xid", table_name=table)
