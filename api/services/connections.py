"""The asynchronous connection pool of the web process, and which errors mean that PostgreSQL is away."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy.exc
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
DATABASE_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, sqlalchemy.exc.OperationalError)
WAIT_SECONDS = 3.0
APPLICATION_ROLE = "ims_app"  # made by migration 0007; sees the rows of the stores in reach, owns nothing
STATEMENT_SECONDS = 15


def create_pool(url: str, size: int = 10) -> Pool:
    """A pool that is still closed; it survives a restart of the server, because each connection is tried first.

    Its connections act as the application's role: row-level security applies whoever the address signs in as.
    """
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        open=False,
        timeout=WAIT_SECONDS,
        # the pool doubles its pauses up to this: a database that is back must be found again within seconds
        reconnect_timeout=5.0,
        check=AsyncConnectionPool.check_connection,
        configure=_become_application,
        kwargs={
            "autocommit": True,
            "connect_timeout": 3,
            "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=5s"
            " -c idle_in_transaction_session_timeout=30s",
            "application_name": "ims-web",
        },
        name="ims-web",
    )


async def _become_application(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(f"SET ROLE {APPLICATION_ROLE}")
