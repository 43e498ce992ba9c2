"""The customers who ordered in a store, newest first, by an index: a manager's list of customers asks for them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEX = "ix_sales_orders_store_id_customer_id"


def upgrade() -> None:
    op.create_index(INDEX, "sales_orders", ["store_id", "customer_id"], postgresql_where="customer_id IS NOT NULL")


def downgrade() -> None:
    op.drop_index(INDEX, "sales_orders")
