"""What every operational table shares: constraint names, key and change tracking.

`changed_xid` is the id of the transaction that last wrote the row (xid8 as bigint); the extract reads by it.
Triggers in the migrations keep it and `updated_at` true on UPDATE, and leave a tombstone on DELETE.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, MetaData, Numeric, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Key = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Money = Annotated[Decimal, mapped_column(Numeric(14, 2))]
UnitCost = Annotated[Decimal, mapped_column(Numeric(14, 4))]
Share = Annotated[Decimal, mapped_column(Numeric(6, 4))]
Timestamp = Annotated[dt.datetime, mapped_column(DateTime(timezone=True))]
Created = Annotated[dt.datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
StoreId = Annotated[int, mapped_column(ForeignKey("stores.store_id"))]
ProductId = Annotated[int, mapped_column(ForeignKey("products.product_id"))]
UserId = Annotated[int, mapped_column(ForeignKey("users.user_id"))]


def no_overlap(*keys: str) -> ExcludeConstraint:
    """Rows of equal keys are valid at different times: both days included, an open end = until further notice.

    A key, a number that is never null, is compared as the range of itself: to compare it as a number, PostgreSQL would
    need the extension btree_gist, which not every server has.
    """
    ranges = [(text(f"int8range({key}, {key}, '[]')"), "&&") for key in keys]
    return ExcludeConstraint(*ranges, (text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"), name="validity")


def one_of(column: str, *choices: str) -> str:
    """The condition that a column holds one of the choices: `kind IN ('a', 'b')`."""
    return f"{column} IN ({', '.join(repr(choice) for choice in choices)})"


class Base(DeclarativeBase):
    """Declarative base with the constraint names Alembic needs."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            ExcludeConstraint: "ex_%(table_name)s_%(constraint_name)s",
        }
    )


class Tracked:
    """Columns of a table that the extract reads: when, and in which transaction, a row last changed."""

    created_at: Mapped[Created]
    updated_at: Mapped[Created]
    changed_xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"), nullable=False
    )
