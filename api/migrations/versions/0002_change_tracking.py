"""Change tracking by transaction id, tombstones of deleted rows, an append-only ledger, the chain-wide locations.

Statement-level tombstones keep a bulk delete one statement; TRUNCATE would leave none and is refused.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEYS = {
    "stores": "store_id",
    "products": "product_id",
    "vendors": "vendor_id",
    "customers": "customer_id",
    "assortment": "assortment_id",
    "supply_terms": "supply_term_id",
    "cost_terms": "cost_term_id",
    "purchase_orders": "purchase_order_id",
    "purchase_order_lines": "purchase_order_line_id",
    "sales_orders": "sales_order_id",
    "sales_order_lines": "sales_order_line_id",
    "daily_sales": "daily_sales_id",
    "payments": "payment_id",
    "stock_locations": "location_id",
    "stock_moves": "stock_move_id",
    "stock_statements": "stock_statement_id",
    "availability": "availability_id",
    "suggestions": "suggestion_id",
}


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION ims_touch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := now();
            NEW.changed_xid := pg_current_xact_id()::text::bigint;
            RETURN NEW;
        END $$;

        CREATE FUNCTION ims_leave_tombstones() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('INSERT INTO deleted_rows (table_name, row_id) SELECT %L, %I FROM gone',
                           TG_TABLE_NAME, TG_ARGV[0]);
            RETURN NULL;
        END $$;

        CREATE FUNCTION ims_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% on % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0];
        END $$;
        """
    )
    for table, key in KEYS.items():
        op.execute(
            f"""
            CREATE TRIGGER touch BEFORE UPDATE ON {table} FOR EACH ROW
                WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION ims_touch();
            CREATE TRIGGER leave_tombstones AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone
                FOR EACH STATEMENT EXECUTE FUNCTION ims_leave_tombstones('{key}');
            CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('it would leave no tombstones; delete instead');
            """
        )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON stock_moves
            FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('a posted move is reversed, never changed');
        INSERT INTO stock_locations (kind) VALUES ('vendor'), ('customer'), ('loss'), ('opening');
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM stock_locations WHERE store_id IS NULL")
    op.execute("DROP TRIGGER append_only ON stock_moves")
    for table in KEYS:
        for trigger in ("touch", "leave_tombstones", "refuse_truncate"):
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in ("ims_touch", "ims_leave_tombstones", "ims_refuse"):
        op.execute(f"DROP FUNCTION {function}")
