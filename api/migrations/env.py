"""Alembic's entry: runs the migrations on the URL that `api.database` gives, in one transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine, text

from api.schema import (  # noqa: F401  (fill the metadata)
    governance,
    identity,
    masters,
    operations,
    planning,
    sales,
    stock,
    supply,
)
from api.schema.base import Base

url = context.config.get_main_option("sqlalchemy.url")
assert url is not None
with create_engine(url, poolclass=NullPool).connect() as connection:
    partitions = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")))
    connection.rollback()  # the migrations open their own transaction
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=False,
        # models know the partitioned table, not its months
        include_name=lambda name, kind, parents: kind != "table" or name not in partitions,
    )
    with context.begin_transaction():
        context.run_migrations()
