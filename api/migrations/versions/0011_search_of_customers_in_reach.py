"""A search of customers asks of each that matches whether they ordered in reach, instead of gathering all orders there.

OFFSET 0 says so to the planner, who would gather a hundred thousand orders to find two hundred customers.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE OR REPLACE FUNCTION ims_find_customers(wanted text, max_rows integer)
RETURNS TABLE (customer_id bigint, score real)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = public, pg_temp AS $$
    SELECT found.* FROM nullif(current_setting('ims.store_ids', true), '') AS stores,
    LATERAL ims_find('customers', 'customer_id', 'ims_customer_text(full_name, mobile, email, customer_code)',
        CASE WHEN stores <> '*' THEN format(
            '(home_store_id = ANY (%1$L::bigint[]) OR EXISTS (SELECT FROM sales_orders AS o'
            ' WHERE o.customer_id = customers.customer_id AND o.store_id = ANY (%1$L::bigint[]){fence}))', stores) END,
        wanted, max_rows) AS found
    WHERE stores IS NOT NULL
$$
"""


def upgrade() -> None:
    op.execute(FUNCTION.replace("{fence}", " OFFSET 0"))


def downgrade() -> None:
    op.execute(FUNCTION.replace("{fence}", ""))
