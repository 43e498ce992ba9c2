"""The application's own database role, and which rows it sees."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ims_app') THEN
                CREATE ROLE ims_app NOLOGIN;
            END IF;
        -- roles belong to the server: another database's migration may make it at the same moment
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$;
        GRANT USAGE ON SCHEMA public TO ims_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ims_app;
        GRANT EXECUTE ON FUNCTION ims_record_audit(jsonb) TO ims_app;
        """
    )


def downgrade() -> None:
    op.execute("DROP OWNED BY ims_app")
