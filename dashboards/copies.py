"""Keeps a copy of what is published in a native file beside the web app, for pages to ask instead of the lake.

Made in the background when the pointer moves; until it is there, and where it cannot be made, pages ask the lake.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import duckdb
import psycopg

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
async def copying(databases: Databases, settings: Settings) -> AsyncIterator[None]:
    """Do so for as long as the block lasts; a copy that is begun then is given up."""
    stop, ended = asyncio.Event(), threading.Event()
    task = asyncio.create_task(_run(databases, settings, stop, ended), name="copies")
    try:
        yield
    finally:
        ended.set()
        stop.set()
        await task


async def _run(databases: Databases, settings: Settings, stop: asyncio.Event, ended: threading.Event) -> None:
    seconds = LOOK_SECONDS
    while not stop.is_set():
        try:
            await asyncio.to_thread(look, databases, settings, ended)
            seconds = LOOK_SECONDS
        except (psycopg.Error, duckdb.Error, LakeUnavailable, OSError) as error:
            logger.warning("what is published is read from the lake", extra={"error": type(error).__name__})
            seconds = LOOK_SECONDS if isinstance(error, psycopg.Error) else RETRY_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def look(databases: Databases, settings: Settings, ended: threading.Event | None = None) -> None:
    """Copy what is published now, unless it is there; let go of all but the newest copies."""
    with psycopg.connect(databases.operational, connect_timeout=3) as connection:
        pointer = served(connection)
    if pointer is None or (place := (databases.lake, int(pointer["snapshot_id"]))) in _copies:
        return
    began = time.monotonic()
    _copies[place] = open_copy(databases, settings, place[1], ended)
    for old in list(_copies)[:-KEPT]:
        del _copies[old]  # closed by the last page that reads it
    if _copies[place] is not None:
        BUSINESS.copy()
        seconds = round(time.monotonic() - began, 1)
        logger.info("what is published was copied", extra={"snapshot_id": place[1], "seconds": seconds})


def let_go() -> None:
    """Close all copies."""
    _copies.clear()
