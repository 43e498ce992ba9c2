"""Alembic's entry: runs the migrations on the URL that `api.database` gives, in one transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine

from api.schema import masters, operations, planning, sales, stock, supply  # noqa: F401  (fill the metadata)
from api.schema.base import Base

url = context.config.get_main_option("sqlalchemy.url")
assert url is not None
with create_engine(url, poolclass=NullPool).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=False)
    with context.begin_transaction():
        context.run_migrations()
