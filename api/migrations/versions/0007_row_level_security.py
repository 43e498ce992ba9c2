"""The application's own database role, and which rows it sees: the second wall behind the services' own checks.

A transaction says which stores are in reach (`ims.store_ids`: '*', or '{1,2}'); without a word it sees none. Tables
that belong to no store (the catalogue, vendors, settings) have no policy. The role owns nothing, so it cannot lift a
policy, change a posted move, write a balance, or touch the audit log.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLE = "ims_app"
HERE = "((SELECT ims_sees_every_store()) OR {store} = ANY ((SELECT ims_store_ids())::bigint[]))"
SHELF = "((SELECT ims_sees_every_store()) OR {location} = ANY ((SELECT ims_location_ids())::bigint[]))"

# rows of one store; those of no store are seen by whoever sees every store
OF_A_STORE = (
    "assortment", "availability", "daily_sales", "display_fixtures", "expenses", "eye_test_queue", "eye_tests",
    "goods_receipts", "lab_jobs", "purchase_order_lines", "sales_orders", "sales_returns", "sales_targets",
    "stock_adjustments", "stock_counts", "stock_statements", "store_categories", "vendor_returns",
    "walk_in_counts", "walkouts",
)  # fmt: skip
# rows of one store, or of every store where it is left empty
OF_A_STORE_OR_ALL = ("cost_history", "cost_terms", "price_history", "supply_terms")
# rows of one store under another name, or of two
OTHERWISE = {
    "suggestions": HERE.format(store="store_id") + " OR " + HERE.format(store="source_store_id"),
    "purchase_orders": HERE.format(store="delivery_store_id"),
    "stock_transfers": HERE.format(store="from_store_id") + " OR " + HERE.format(store="to_store_id"),
    "stock_balances": SHELF.format(location="location_id"),
    "stock_reservations": SHELF.format(location="location_id"),
    "stock_moves": SHELF.format(location="source_location_id")
    + " OR "
    + SHELF.format(location="destination_location_id"),
    # a customer is of the home store, and of every store where they have ordered
    "customers": HERE.format(store="home_store_id")
    + " OR EXISTS (SELECT FROM sales_orders AS o WHERE o.customer_id = customers.customer_id)",
    # a prescription follows its patient: whoever serves them may read what they have
    "prescriptions": HERE.format(store="store_id")
    + " OR EXISTS (SELECT FROM patients AS p WHERE p.patient_id = prescriptions.patient_id)",
}
# rows that are seen with their parent
WITH_PARENT = {
    "customer_consents": ("customers", "customer_id"),
    "discount_approvals": ("sales_orders", "sales_order_id"),
    "display_placements": ("display_fixtures", "display_fixture_id"),
    "exchanges": ("sales_orders", "sales_order_id"),
    "goods_receipt_lines": ("goods_receipts", "goods_receipt_id"),
    "lab_job_events": ("lab_jobs", "lab_job_id"),
    "non_adapts": ("lab_jobs", "lab_job_id"),
    "patients": ("customers", "customer_id"),
    "payments": ("sales_orders", "sales_order_id"),
    "prescription_eyes": ("prescriptions", "prescription_id"),
    "remakes": ("lab_jobs", "lab_job_id"),
    "sales_order_lines": ("sales_orders", "sales_order_id"),
    "sales_return_lines": ("sales_returns", "sales_return_id"),
    "stock_count_lines": ("stock_counts", "stock_count_id"),
    "stock_transfer_lines": ("stock_transfers", "stock_transfer_id"),
    "vendor_invoice_matches": ("goods_receipts", "goods_receipt_id"),
    "vendor_return_lines": ("vendor_returns", "vendor_return_id"),
}

READ_ONLY = (
    "alembic_version", "audit_anchors", "audit_chains", "audit_log", "chain", "deleted_rows", "imports",
    "publication_pointer", "publications", "runs", "stock_balances", "stock_statements",
)  # fmt: skip
APPEND_ONLY = (
    "customer_consents", "data_exports", "lab_job_events", "outbox_deliveries", "stock_move_reversals", "stock_moves",
)  # fmt: skip
DELETABLE = (
    "assortment", "backup_codes", "display_placements", "idempotency_keys", "password_resets", "purchase_order_lines",
    "rate_limits", "sales_order_lines", "saved_views", "stock_count_lines", "stock_transfer_lines",
    "store_categories", "user_grants", "user_roles", "user_stores",
)  # fmt: skip

FUNCTIONS = """
CREATE FUNCTION ims_sees_every_store() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT current_setting('ims.store_ids', true) = '*' $$;
CREATE FUNCTION ims_store_ids() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(nullif(current_setting('ims.store_ids', true), '*'), '')::bigint[] $$;
CREATE FUNCTION ims_location_ids() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT array_agg(location_id) FROM stock_locations WHERE store_id = ANY (ims_store_ids()) $$;

-- Which stores a row belongs to, seen or not; NULL when there is no such row. Tells a refusal from an unknown key.
CREATE FUNCTION ims_store_of(target text, key bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    stores bigint[];
    key_column text := (
        SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = to_regclass(quote_ident(target)) AND i.indisprimary);
    place text := CASE target
        WHEN 'customers' THEN '(SELECT array_agg(s) FROM (SELECT t.home_store_id UNION SELECT o.store_id'
            ' FROM sales_orders AS o WHERE o.customer_id = t.customer_id) AS x (s))'
        WHEN 'prescriptions' THEN 'ARRAY[t.store_id] || ims_store_of(''patients'', t.patient_id)'
        WHEN 'patients' THEN 'ims_store_of(''customers'', t.customer_id)'
        WHEN 'payments' THEN 'ims_store_of(''sales_orders'', t.sales_order_id)'
        WHEN 'discount_approvals' THEN 'ims_store_of(''sales_orders'', t.sales_order_id)'
        WHEN 'purchase_orders' THEN 'ARRAY[t.delivery_store_id]'
        WHEN 'stock_transfers' THEN 'ARRAY[t.from_store_id, t.to_store_id]'
        WHEN 'suggestions' THEN 'array_remove(ARRAY[t.store_id, t.source_store_id], NULL)'
        WHEN 'stock_moves' THEN '(SELECT array_remove(array_agg(l.store_id), NULL) FROM stock_locations AS l'
            ' WHERE l.location_id IN (t.source_location_id, t.destination_location_id))'
        ELSE 'ARRAY[t.store_id]' END;
BEGIN
    EXECUTE format('SELECT %s FROM %I AS t WHERE t.%I = $1 LIMIT 1', place, target, key_column) INTO stores USING key;
    RETURN stores;
END $$;

ALTER FUNCTION ims_leave_tombstones() SECURITY DEFINER SET search_path = public, pg_temp;
-- Its conditions are not leakproof, so under a policy they could not use their indexes. It gives ids and scores only;
-- the rows themselves are read under the policy.
ALTER FUNCTION ims_find_customers(text, integer) SECURITY DEFINER SET search_path = public, pg_temp;
"""


def upgrade() -> None:
    op.execute(
        f"""
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                BEGIN
                    CREATE ROLE {ROLE} NOLOGIN;
                -- roles belong to the server: another database's migration may make it at the same moment
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END IF;
            -- the application signs in as the owner and takes this role on; a superuser may anyway
            IF NOT pg_has_role(current_user, '{ROLE}', 'USAGE') THEN
                EXECUTE format('GRANT {ROLE} TO %I', current_user);
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE insufficient_privilege USING MESSAGE = format('%I may neither make nor take on the role {ROLE}: let'
                ' an administrator of PostgreSQL run once "CREATE ROLE {ROLE} NOLOGIN" (if there is none) and "GRANT'
                ' {ROLE} TO %I", then start IMS again', current_user, current_user);
        END $$;
        GRANT USAGE ON SCHEMA public TO {ROLE};
        GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {ROLE};
        -- a policy is the parent's: nobody reads around it through a partition
        DO $$
        DECLARE part regclass;
        BEGIN
            FOR part IN SELECT oid FROM pg_class WHERE relispartition AND relkind = 'r' LOOP
                EXECUTE format('REVOKE ALL ON %s FROM {ROLE}', part);
            END LOOP;
        END $$;
        """
    )
    op.execute(f"REVOKE INSERT, UPDATE ON {', '.join(READ_ONLY)} FROM {ROLE}")
    op.execute(f"REVOKE UPDATE ON {', '.join(APPEND_ONLY)} FROM {ROLE}")
    op.execute(f"GRANT DELETE ON {', '.join(DELETABLE)} TO {ROLE}")
    op.execute(f"GRANT EXECUTE ON FUNCTION ims_record_audit(jsonb) TO {ROLE}")
    # what a failed delivery said may quote an address: erasing a person blanks it
    op.execute(f"GRANT UPDATE (error, receipt) ON outbox_deliveries TO {ROLE}")
    op.execute(FUNCTIONS)
    for table, expression in _policies().items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY in_reach ON {table} TO {ROLE} USING ({expression}) WITH CHECK ({expression})")


def downgrade() -> None:
    for table in _policies():
        op.execute(f"DROP POLICY in_reach ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for function in ("ims_leave_tombstones()", "ims_find_customers(text, integer)"):
        op.execute(f"ALTER FUNCTION {function} SECURITY INVOKER RESET ALL")
    op.execute("DROP FUNCTION ims_store_of(text, bigint)")
    for function in ("ims_location_ids", "ims_store_ids", "ims_sees_every_store"):
        op.execute(f"DROP FUNCTION {function}()")
    # takes back every grant; the role itself is the server's and may serve other databases
    op.execute(f"DROP OWNED BY {ROLE}")


def _policies() -> dict[str, str]:
    found = {table: HERE.format(store="store_id") for table in OF_A_STORE}
    found |= {table: "store_id IS NULL OR " + HERE.format(store="store_id") for table in OF_A_STORE_OR_ALL}
    found |= OTHERWISE
    for table, (parent, key) in WITH_PARENT.items():
        # the parent's own policy applies inside
        found[table] = (
            f"(SELECT ims_sees_every_store()) OR EXISTS (SELECT FROM {parent} AS p WHERE p.{key} = {table}.{key})"
        )
    return found
