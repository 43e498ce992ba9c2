"""What an API process does beside answering: deliver messages, keep partitions ahead, clear what is out of date.

Any number of processes may do so at once. A database that is away is met with patience, never with an end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg

from api.services.connections import AWAY_OR_READ_ONLY, Pool
from api.services.delivery import run_worker
from api.services.partitions import keep_ahead
from api.services.retention import purge
from ims.settings import Settings

logger = logging.getLogger("ims.web")
HOUR_SECONDS = 3600.0


@asynccontextmanager
async def working(pool: Pool, settings: Settings, url: str) -> AsyncIterator[None]:
    """Do all of it for as long as the block lasts; `url` signs in as the owner of the tables."""
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(run_worker(pool, settings, stop), name="outbox"),
        asyncio.create_task(_keep_house(url, stop), name="upkeep"),
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _keep_house(url: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await asyncio.to_thread(keep_ahead, url)
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=3) as connection:
                await purge(connection)
        except AWAY_OR_READ_ONLY as error:
            logger.warning("upkeep waits for PostgreSQL", extra={"error": type(error).__name__})
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), HOUR_SECONDS)
