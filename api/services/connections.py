"""The asynchronous connection pool of the web process, and which errors mean that PostgreSQL is away."""

from __future__ import annotations

import select
from typing import Any

import psycopg
import sqlalchemy.exc
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ims.settings import Settings, get_settings

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
DATABASE_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, sqlalchemy.exc.OperationalError)
# the same for what works by itself: a server that only reads (a standby) will write again, or another will
AWAY_OR_READ_ONLY = (*DATABASE_ERRORS, psycopg.errors.ReadOnlySqlTransaction)
WAIT_SECONDS = 3.0
APPLICATION_ROLE = "ims_app"  # made by migration 0007; sees the rows of the stores in reach, owns nothing


def create_pool(url: str, settings: Settings | None = None) -> Pool:
    """A pool that is still closed; it survives a restart of the server, because each connection is looked at first.

    Its connections act as the application's role: row-level security applies whoever the address signs in as.
    """
    settings = settings or get_settings()

    async def look(connection: psycopg.AsyncConnection[Any]) -> None:
        """Raises when the server has gone. Only a connection that has something to read is asked by a query: a round
        trip before each transaction would cost a third of the throughput of point reads."""
        if not _has_news(connection):
            return
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            # where one is broken the others mostly are; the pool would find them one by one, seconds apart
            await pool.check()
            raise

    pool: Pool = AsyncConnectionPool(
        url,
        min_size=min(2, settings.pool_size),
        max_size=settings.pool_size,
        open=False,
        timeout=WAIT_SECONDS,
        # the second wall behind `api.routes.limits`, which refuses at the door what would wait in vain
        max_waiting=2 * settings.pool_waiting,
        # the pool doubles its pauses up to this: a database that is back must be found again within seconds
        reconnect_timeout=5.0,
        check=look,
        configure=_become_application,
        kwargs={
            "autocommit": True,
            "connect_timeout": 3,
            "keepalives_idle": 30,
            "tcp_user_timeout": 10_000,  # milliseconds: a host that vanished is found without waiting minutes
            "options": f"-c timezone=UTC -c statement_timeout={settings.statement_timeout_seconds}s "
            f"-c lock_timeout={settings.lock_timeout_seconds}s "
            f"-c idle_in_transaction_session_timeout={settings.idle_transaction_seconds}s",
            "application_name": "ims-web",
        },
        name="ims-web",
    )
    return pool


async def _become_application(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(f"SET ROLE {APPLICATION_ROLE}")


def _has_news(connection: psycopg.AsyncConnection[Any]) -> bool:
    """An idle connection has nothing to read, unless its server said goodbye."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
