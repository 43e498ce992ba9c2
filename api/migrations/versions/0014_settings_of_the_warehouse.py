"""The settings that the warehouse reads have rows: the fiscal year, VIPs, price bands and festivals.

Null takes the usual bands, and the festivals of the chain's country. The month was asked for under two names.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SETTINGS = (
    ("fiscal_year_first_month", "4", "The month a fiscal year begins with"),
    ("vip_amount", "100000", "Customers who spent as much in three orders or more are VIPs"),
    ("price_bands", "null", "Lower bounds of the price bands of orders; null is the usual eleven"),
    ("festivals", "null", "Festivals around which trade rises; null is those of the chain's country"),
)


def upgrade() -> None:
    op.execute(
        "UPDATE chain_settings AS s SET key = 'fiscal_year_first_month' WHERE key = 'fiscal_year_starts_month'"
        " AND NOT EXISTS (SELECT FROM chain_settings WHERE key = 'fiscal_year_first_month')"
    )
    op.execute("DELETE FROM chain_settings WHERE key = 'fiscal_year_starts_month'")
    for key, value, says in SETTINGS:
        op.execute(
            sa.text(
                "INSERT INTO chain_settings (key, value, description) VALUES (:key, cast(:value AS jsonb), :text)"
                " ON CONFLICT (key) DO NOTHING"
            ).bindparams(key=key, value=value, text=says)
        )


def downgrade() -> None:
    """The rows stay: who ran the code before read them as well."""
