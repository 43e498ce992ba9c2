"""Alembic's entry: runs the migrations on the URL that `api.database` gives, in one transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine, text

from api.schema import (  # noqa: F401  (fill the metadata)
    alerts,
    catalogue,
    checking,
    clinical,
    customers,
    finance,
    governance,
    identity,
    masters,
    operations,
    organisation,
    planning,
    receipts,
    reporting,
    returns,
    sales,
    settings,
    stock,
    stock_documents,
    stock_items,
    supply,
    workshop,
)
from api.schema.base import Base

url = context.config.get_main_option("sqlalchemy.url")
assert url is not None
with create_engine(url, poolclass=NullPool).connect() as connection:
    of_partitions = {
        kind: set(connection.scalars(text(sql)))
        for kind, sql in {
            "table": "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'",
            # a reference to a partitioned table is also kept once for each of its partitions
            "foreign_key_constraint": "SELECT conname FROM pg_constraint JOIN pg_class AS c ON c.oid = conrelid"
            " WHERE contype = 'f' AND conparentid <> 0 AND NOT relispartition",
        }.items()
    }
    connection.rollback()  # the migrations open their own transaction
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=False,
        # models know the partitioned table, not its months
        include_name=lambda name, kind, parents: name not in of_partitions.get(kind, ()),
    )
    with context.begin_transaction():
        context.run_migrations()
