"""The asynchronous connection pool of the web process, and which errors mean that PostgreSQL is away."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy.exc
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
DATABASE_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, sqlalchemy.exc.OperationalError)
WAIT_SECONDS = 3.0


def create_pool(url: str) -> Pool:
    """A pool that is still closed; it survives a restart of the server, because each connection is tried first."""
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=10,
        open=False,
        timeout=WAIT_SECONDS,
        # the pool doubles its pauses up to this: a database that is back must be found again within seconds
        reconnect_timeout=5.0,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "connect_timeout": 3},
        name="ims-web",
    )
