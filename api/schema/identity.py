"""Who may sign in and what they were given: users, roles, stores, grants; sessions, tokens and second factors.

Of tokens, codes and passwords only hashes are stored, and the TOTP secret encrypted. None of it reaches the warehouse
but `users`.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Share, Timestamp, Tracked


class User(Tracked, Base):
    """Someone who may sign in. `discount_cap` None: the cap of the roles holds."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("discount_cap BETWEEN 0 AND 1", name="discount_cap"),
        CheckConstraint("failed_attempts >= 0", name="failed_attempts"),
        # a confirmed second factor has a secret to check codes with
        CheckConstraint("totp_confirmed_at IS NULL OR totp_secret IS NOT NULL", name="totp"),
        # an address is of one account, whatever its capitals
        Index("uq_users_lower_email", text("lower(email)"), unique=True),
    )
    user_id: Mapped[Key]
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default="true")
    email: Mapped[str | None]
    full_name: Mapped[str | None]
    discount_cap: Mapped[Share | None]
    failed_attempts: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[Timestamp | None]
    password_changed_at: Mapped[Created]
    must_change_password: Mapped[bool] = mapped_column(server_default="false")
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_confirmed_at: Mapped[Timestamp | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)


class UserRole(Base):
    """A role of a user; several may be held."""

    __tablename__ = "user_roles"
    __table_args__ = (
        CheckConstraint(
            "role IN ('superadmin', 'admin', 'buyer', 'manager', 'accountant', 'analyst', 'staff')", name="role"
        ),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class UserStore(Base):
    """A store given to a user; one of them may be the primary one."""

    __tablename__ = "user_stores"
    __table_args__ = (
        # one primary store at most
        Index("uq_user_stores_primary", "user_id", unique=True, postgresql_where=text("is_primary")),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.store_id"), primary_key=True)
    is_primary: Mapped[bool] = mapped_column(server_default="false")


class UserGrant(Base):
    """A permission given to a user beside the roles, as `prescription:write`."""

    __tablename__ = "user_grants"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)


class UserSession(Base):
    """A sign-in: of a browser (its token's hash is here) or of a program (its tokens name the session)."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        CheckConstraint("kind IN ('browser', 'api')", name="kind"),
        CheckConstraint("kind <> 'browser' OR token_hash IS NOT NULL", name="browser_token"),
        # the sessions of one user, listed and revoked
        Index("ix_user_sessions_user_id", "user_id", postgresql_where=text("revoked_at IS NULL")),
        # forgetting what ended long ago
        Index("ix_user_sessions_expires_at", "expires_at"),
    )
    session_id: Mapped[Key]
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(server_default="browser")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"))
    created_at: Mapped[Created]
    expires_at: Mapped[Timestamp]
    last_seen_at: Mapped[Timestamp | None]
    revoked_at: Mapped[Timestamp | None]
    revoked_reason: Mapped[str | None]
    address: Mapped[str | None]
    user_agent: Mapped[str | None]


class RefreshToken(Base):
    """A one-time token for the next access token; a used one that comes back gives the theft away."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        # goes with its session
        Index("ix_refresh_tokens_session_id", "session_id"),
    )
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("user_sessions.session_id", ondelete="CASCADE"))
    issued_at: Mapped[Created]
    expires_at: Mapped[Timestamp]
    used_at: Mapped[Timestamp | None]


class BackupCode(Base):
    """A code for the day the phone is lost; each works once."""

    __tablename__ = "backup_codes"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[Timestamp | None]


class PasswordReset(Base):
    """A one-time token that lets its holder set a new password within 30 minutes."""

    __tablename__ = "password_resets"
    __table_args__ = (
        # a new request ends the earlier ones of that user
        Index("ix_password_resets_user_id", "user_id"),
    )
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"))
    created_at: Mapped[Created]
    expires_at: Mapped[Timestamp]
    used_at: Mapped[Timestamp | None]


class RateLimit(Base):
    """When something limited was tried of late: one row per key, its attempts within the window."""

    __tablename__ = "rate_limits"
    __table_args__ = (
        # forgetting what no window reaches any more
        Index("ix_rate_limits_expires_at", "expires_at"),
    )
    limit_key: Mapped[str] = mapped_column(primary_key=True)
    hits: Mapped[list[dt.datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    expires_at: Mapped[Timestamp]
