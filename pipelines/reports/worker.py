"""What a web process does for figures by mail: looks every half minute for what is due, and makes it in a thread.

Without a mail server nothing is made: nobody wants last week's packs once there is one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import psycopg

from api.services.connections import AWAY_OR_READ_ONLY

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings

logger = logging.getLogger("ims.reports")
LOOK_SECONDS = 30.0
# what makes packs is loaded by the first process that has somebody to make one for
ANYBODY = "SELECT EXISTS (SELECT FROM report_schedules WHERE is_active)"


@asynccontextmanager
async def mailing(databases: Databases, settings: Settings) -> AsyncIterator[None]:
    """Do so for as long as the block lasts; a pack that is begun is finished."""
    stop = asyncio.Event()
    task = asyncio.create_task(_run(databases, settings, stop), name="reports")
    try:
        yield
    finally:
        stop.set()
        await task


async def _run(databases: Databases, settings: Settings, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if settings.smtp_url is not None and not settings.read_only:
            try:
                await asyncio.to_thread(_look, databases, settings)
            except AWAY_OR_READ_ONLY as error:
                logger.warning("figures by mail wait for PostgreSQL", extra={"error": type(error).__name__})
            except Exception:
                logger.exception("figures by mail could not be looked after")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)


def _look(databases: Databases, settings: Settings) -> None:
    with psycopg.connect(databases.operational, connect_timeout=3) as connection:
        row = connection.execute(ANYBODY).fetchone()
    if row is not None and row[0]:
        from pipelines.reports.sending import send_due

        send_due(databases, settings)
