"""Who may do what: roles, grants and stores of users, sessions and tokens, second factors, limits.

A user's one role becomes a row of `user_roles`; going back keeps the highest. Triggers tell every web process, on the
channel `ims_identity`, whose session may have changed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from api.migrations.tracking import track, untrack

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLES = ("superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff")
ROLE_CHECK = f"role IN ({', '.join(repr(role) for role in ROLES)})"
XID = sa.text("(pg_current_xact_id()::text::bigint)")
NOW = sa.text("now()")
TABLES = (
    "user_roles",
    "user_stores",
    "user_grants",
    "backup_codes",
    "password_resets",
    "rate_limits",
)
TRIGGERS = {
    "users": "AFTER UPDATE OF username, is_active OR DELETE",
    "user_roles": "AFTER INSERT OR UPDATE OR DELETE",
    "user_stores": "AFTER INSERT OR UPDATE OR DELETE",
    "user_grants": "AFTER INSERT OR UPDATE OR DELETE",
    "user_sessions": "AFTER UPDATE OF revoked_at, expires_at OR DELETE",
}


def _time(name: str, *, nullable: bool = True, default: sa.TextClause | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _user() -> sa.Column[object]:
    return sa.Column("user_id", sa.BigInteger(), nullable=False)


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id")
    return sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    _users()
    _given()
    _sessions()
    _secrets()
    _notify()


def _users() -> None:
    for column in (
        sa.Column("email", sa.String()),
        sa.Column("full_name", sa.String()),
        sa.Column("discount_cap", sa.Numeric(6, 4)),
        sa.Column("failed_attempts", sa.Integer(), nullable=False, server_default="0"),
        _time("locked_until"),
        _time("password_changed_at", nullable=False, default=NOW),
        sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("totp_secret", sa.LargeBinary()),
        _time("totp_confirmed_at"),
        sa.Column("totp_last_step", sa.BigInteger()),
        _time("updated_at", nullable=False, default=NOW),
        sa.Column("changed_xid", sa.BigInteger(), nullable=False, server_default=XID),
    ):
        op.add_column("users", column)
    op.create_check_constraint(op.f("ck_users_discount_cap"), "users", "discount_cap BETWEEN 0 AND 1")
    op.create_check_constraint(op.f("ck_users_failed_attempts"), "users", "failed_attempts >= 0")
    op.create_check_constraint(op.f("ck_users_totp"), "users", "totp_confirmed_at IS NULL OR totp_secret IS NOT NULL")
    op.create_index("uq_users_lower_email", "users", [sa.text("lower(email)")], unique=True)
    track("users", "user_id")


def _given() -> None:
    op.create_table(
        "user_roles",
        _user(),
        sa.Column("role", sa.String(), nullable=False),
        sa.CheckConstraint(ROLE_CHECK, name=op.f("ck_user_roles_role")),
        _of_user("user_roles"),
        sa.PrimaryKeyConstraint("user_id", "role", name=op.f("pk_user_roles")),
    )
    op.execute("INSERT INTO user_roles (user_id, role) SELECT user_id, role FROM users")
    op.drop_column("users", "role")
    op.create_table(
        "user_stores",
        _user(),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False, server_default="false"),
        _of_user("user_stores"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_user_stores_store_id")),
        sa.PrimaryKeyConstraint("user_id", "store_id", name=op.f("pk_user_stores")),
    )
    op.create_index(
        "uq_user_stores_primary", "user_stores", ["user_id"], unique=True, postgresql_where=sa.text("is_primary")
    )
    op.create_table(
        "user_grants",
        _user(),
        sa.Column("permission", sa.String(), nullable=False),
        _of_user("user_grants"),
        sa.PrimaryKeyConstraint("user_id", "permission", name=op.f("pk_user_grants")),
    )


def _sessions() -> None:
    op.drop_constraint("pk_user_sessions", "user_sessions")
    op.drop_constraint("fk_user_sessions_user_id", "user_sessions")
    op.add_column("user_sessions", sa.Column("session_id", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_primary_key(op.f("pk_user_sessions"), "user_sessions", ["session_id"])
    op.create_foreign_key(
        op.f("fk_user_sessions_user_id"), "user_sessions", "users", ["user_id"], ["user_id"], ondelete="CASCADE"
    )
    op.alter_column("user_sessions", "token_hash", nullable=True)
    op.create_unique_constraint(op.f("uq_user_sessions_token_hash"), "user_sessions", ["token_hash"])
    for column in (
        sa.Column("kind", sa.String(), nullable=False, server_default="browser"),
        _time("last_seen_at"),
        sa.Column("revoked_reason", sa.String()),
        sa.Column("address", sa.String()),
        sa.Column("user_agent", sa.String()),
    ):
        op.add_column("user_sessions", column)
    op.create_check_constraint(op.f("ck_user_sessions_kind"), "user_sessions", "kind IN ('browser', 'api')")
    op.create_check_constraint(
        op.f("ck_user_sessions_browser_token"), "user_sessions", "kind <> 'browser' OR token_hash IS NOT NULL"
    )
    op.create_index(
        "ix_user_sessions_user_id", "user_sessions", ["user_id"], postgresql_where=sa.text("revoked_at IS NULL")
    )
    op.create_index("ix_user_sessions_expires_at", "user_sessions", ["expires_at"])


def _secrets() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        _time("issued_at", nullable=False, default=NOW),
        _time("expires_at", nullable=False),
        _time("used_at"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["user_sessions.session_id"],
            name=op.f("fk_refresh_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.create_table(
        "backup_codes",
        _user(),
        sa.Column("code_hash", sa.String(), nullable=False),
        _time("used_at"),
        _of_user("backup_codes"),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_backup_codes")),
    )
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.String(), nullable=False),
        _user(),
        _time("created_at", nullable=False, default=NOW),
        _time("expires_at", nullable=False),
        _time("used_at"),
        _of_user("password_resets"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_resets")),
    )
    op.create_index("ix_password_resets_user_id", "password_resets", ["user_id"])
    op.create_table(
        "rate_limits",
        sa.Column("limit_key", sa.String(), nullable=False),
        sa.Column("hits", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        _time("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("limit_key", name=op.f("pk_rate_limits")),
    )
    op.create_index("ix_rate_limits_expires_at", "rate_limits", ["expires_at"])


def _notify() -> None:
    op.execute(
        """
        CREATE FUNCTION ims_tell_identity() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            changed record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        BEGIN
            PERFORM pg_notify('ims_identity', CASE TG_TABLE_NAME
                WHEN 'user_sessions' THEN 'session:' || (to_jsonb(changed) ->> 'session_id')
                WHEN 'stores' THEN '*'
                ELSE 'user:' || (to_jsonb(changed) ->> 'user_id') END);
            RETURN NULL;
        END $$;
        """
    )
    for table, events in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER tell_identity {events} ON {table} FOR EACH ROW EXECUTE FUNCTION ims_tell_identity()"
        )
    op.execute(
        "CREATE TRIGGER tell_identity AFTER UPDATE OF store_code ON stores FOR EACH ROW "
        "WHEN (OLD.store_code IS DISTINCT FROM NEW.store_code) EXECUTE FUNCTION ims_tell_identity()"
    )


def downgrade() -> None:
    for table in ("stores", *TRIGGERS):
        op.execute(f"DROP TRIGGER tell_identity ON {table}")
    op.execute("DROP FUNCTION ims_tell_identity")
    _sessions_as_before()
    op.add_column("users", sa.Column("role", sa.String(), nullable=True))
    ranks = ", ".join(f"('{role}', {rank})" for rank, role in enumerate(ROLES))
    op.execute(
        "UPDATE users SET role = coalesce((SELECT role FROM user_roles JOIN (VALUES "
        f"{ranks}) AS ranks (role, rank) USING (role) WHERE user_roles.user_id = users.user_id "
        "ORDER BY rank LIMIT 1), 'staff')"
    )
    op.alter_column("users", "role", nullable=False)
    op.create_check_constraint(op.f("ck_users_role"), "users", ROLE_CHECK)
    for table in TABLES:
        op.drop_table(table)
    untrack("users")
    op.execute("DELETE FROM deleted_rows WHERE table_name = 'users'")
    op.drop_index("uq_users_lower_email", "users")
    for name in ("discount_cap", "failed_attempts", "totp"):
        op.drop_constraint(f"ck_users_{name}", "users")
    for name in (
        "email", "full_name", "discount_cap", "failed_attempts", "locked_until", "password_changed_at",
        "must_change_password", "totp_secret", "totp_confirmed_at", "totp_last_step", "updated_at", "changed_xid",
    ):  # fmt: skip
        op.drop_column("users", name)


def _sessions_as_before() -> None:
    op.drop_table("refresh_tokens")
    op.execute("DELETE FROM user_sessions WHERE token_hash IS NULL")
    op.drop_index("ix_user_sessions_user_id", "user_sessions")
    op.drop_index("ix_user_sessions_expires_at", "user_sessions")
    for name in ("pk_user_sessions", "fk_user_sessions_user_id", "uq_user_sessions_token_hash"):
        op.drop_constraint(name, "user_sessions")
    for name in ("ck_user_sessions_kind", "ck_user_sessions_browser_token"):
        op.drop_constraint(name, "user_sessions")
    for name in ("session_id", "kind", "last_seen_at", "revoked_reason", "address", "user_agent"):
        op.drop_column("user_sessions", name)
    op.create_primary_key(op.f("pk_user_sessions"), "user_sessions", ["token_hash"])
    op.create_foreign_key(op.f("fk_user_sessions_user_id"), "user_sessions", "users", ["user_id"], ["user_id"])
