"""What an import of record files needs: keys of documents that had none, and the rows it sets aside."""

from __future__ import annotations

from alembic import op

from api.migrations.tracking import track, untrack

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REFS = {
    "patients": "patient_ref",
    "eye_tests": "eye_test_ref",
    "payments": "payment_ref",
    "walkouts": "walkout_ref",
    "expenses": "expense_ref",
    "stock_transfers": "transfer_ref",
    "stock_counts": "count_ref",
    "stock_adjustments": "adjustment_ref",
}


def upgrade() -> None:
    for table, column in REFS.items():
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} varchar, ADD CONSTRAINT uq_{table}_{column} UNIQUE ({column})"
        )
    op.execute(
        """
        CREATE TABLE import_quarantine (
            import_quarantine_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_import_quarantine PRIMARY KEY,
            import_id bigint NOT NULL CONSTRAINT fk_import_quarantine_import_id REFERENCES imports,
            file varchar NOT NULL,
            line bigint NOT NULL,
            store_id bigint CONSTRAINT fk_import_quarantine_store_id REFERENCES stores,
            row jsonb NOT NULL,
            row_key varchar NOT NULL,
            rule varchar NOT NULL,
            column_name varchar,
            value varchar,
            state varchar NOT NULL DEFAULT 'open'
                CONSTRAINT ck_import_quarantine_state CHECK (state IN ('open', 'released', 'dismissed')),
            fingerprint varchar NOT NULL CONSTRAINT uq_import_quarantine_fingerprint UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            changed_xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint)
        );
        ALTER TABLE import_quarantine ENABLE ROW LEVEL SECURITY;
        CREATE POLICY in_reach ON import_quarantine TO ims_app
            USING ((SELECT ims_sees_every_store()) OR store_id = ANY ((SELECT ims_store_ids())::bigint[]))
            WITH CHECK ((SELECT ims_sees_every_store()) OR store_id = ANY ((SELECT ims_store_ids())::bigint[]));
        GRANT SELECT ON import_quarantine TO ims_app;
        GRANT UPDATE (state) ON import_quarantine TO ims_app;
        """
    )
    track("import_quarantine", "import_quarantine_id")
    _order_check("(method = 'upi' AND length(reference) = 12) OR NOT ims_looks_like_card(reference)")


def downgrade() -> None:
    _order_check("NOT ims_looks_like_card(reference) OR (method = 'upi' AND length(reference) = 12)")
    untrack("import_quarantine")
    op.execute("DROP TABLE import_quarantine; DELETE FROM deleted_rows WHERE table_name = 'import_quarantine'")
    for table, column in REFS.items():
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")


def _order_check(condition: str) -> None:
    """What is quick to see is asked first: the slow function need not read a reference of UPI."""
    name = "ck_payments_no_card_number"
    op.execute(f"ALTER TABLE payments DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({condition})")
