"""Keeps a copy of what is published in a native file beside the web app, for pages to ask instead of the lake.

Made in the background when the pointer moves; until it is there, and where it cannot be made, pages ask the lake.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import duckdb
import psycopg
from sqlalchemy.exc import OperationalError

from api.pipeline_runs import served
from api.services.observations import BUSINESS
from warehouse.copied import open_copy
from warehouse.lake import LakeUnavailable

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings

logger = logging.getLogger("ims.dashboards")
LOOK_SECONDS, RETRY_SECONDS = 10.0, 600.0
KEPT = 2  # what is published, and what was before: who goes back finds it
_copies: dict[tuple[str, int], duckdb.DuckDBPyConnection | None] = {}


def copy_of(lake: str, snapshot_id: int) -> duckdb.DuckDBPyConnection | None:
    """The copy of that snapshot, if there is one."""
    return _copies.get((lake, snapshot_id))


@asynccontextmanager
async def copying(
    databases: Databases, settings: Settings, then: Callable[[threading.Event], None]
) -> AsyncIterator[None]:
    """Do so for as long as the block lasts; a copy that is begun then is given up. `then` is done after each copy."""
    stop, ended = asyncio.Event(), threading.Event()

    def work() -> None:
        if look(databases, settings, ended):
            then(ended)

    task = asyncio.create_task(_run(work, stop), name="copies")
    try:
        yield
    finally:
        ended.set()
        stop.set()
        await task


async def _run(work: Callable[[], None], stop: asyncio.Event) -> None:
    seconds = LOOK_SECONDS
    while not stop.is_set():
        try:
            await asyncio.to_thread(work)
            seconds = LOOK_SECONDS
        except (psycopg.Error, OperationalError) as error:
            logger.warning("PostgreSQL is away; copies wait", extra={"error": type(error).__name__})
            seconds = LOOK_SECONDS
        except (duckdb.Error, LakeUnavailable, OSError) as error:
            logger.warning("what is published is read from the lake", extra={"error": type(error).__name__})
            seconds = RETRY_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def look(databases: Databases, settings: Settings, ended: threading.Event | None = None) -> bool:
    """Copy what is published now, unless it is there; let go of all but the newest copies. Whether one was made."""
    with psycopg.connect(databases.operational, connect_timeout=3) as connection:
        pointer = served(connection)
    if pointer is None or (place := (databases.lake, int(pointer["snapshot_id"]))) in _copies:
        return False
    began = time.monotonic()
    _copies[place] = open_copy(databases, settings, place[1], ended)
    for old in list(_copies)[:-KEPT]:
        del _copies[old]  # closed by the last page that reads it
    if _copies[place] is None:
        return False
    BUSINESS.copy()
    seconds = round(time.monotonic() - began, 1)
    logger.info("what is published was copied", extra={"snapshot_id": place[1], "seconds": seconds})
    return True


def let_go() -> None:
    """Close all copies."""
    _copies.clear()
