"""Whether this process can serve: databases reached, migrations current, something published, not about to end."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from api.database import is_of_later_release
from api.services.connections import DATABASE_ERRORS, Pool
from api.services.publication import read_publication
from api.services.stopping import Stopping
from ims.postgres import Databases
from ims.settings import Settings

MIGRATION = "SELECT version_num FROM public.alembic_version"
PATIENCE_SECONDS = 3


@dataclass(frozen=True)
class Readiness:
    """What decides it, for one process."""

    pool: Pool
    databases: Databases
    head: str
    settings: Settings
    stopping: Stopping
    is_listening: Callable[[], bool]

    async def read(self) -> tuple[list[str], list[str], dict[str, Any] | None]:
        """(what keeps IMS from serving, what it serves in spite of, the served publication); a sentence each.

        An empty first list means ready.
        """
        if self.stopping:
            return ["IMS is stopping: it answers what it has begun and takes nothing new."], [], None
        (faults, publication), *others = await asyncio.gather(
            self._read_own(), _reach("lake catalog", self.databases.lake), _reach("Dagster", self.databases.dagster)
        )
        faults += [fault for fault in others if fault]
        return faults, self._read_notes(has_database=len(faults) == 0), publication

    async def _read_own(self) -> tuple[list[str], dict[str, Any] | None]:
        try:
            async with self.pool.connection() as connection:
                revision = await (await connection.execute(MIGRATION)).fetchone()
                if revision is None or (revision[0] != self.head and not is_of_later_release(revision[0])):
                    found = revision[0] if revision else "none"
                    return [
                        f"The database stands at migration {found}, this release needs {self.head}: restart IMS."
                    ], None
                publication = await read_publication(connection)
                faults = [] if publication else ["Nothing is published yet: `ims run` computes and publishes."]
                return faults, publication
        except psycopg.errors.UndefinedTable:
            return [
                f"The database holds no tables of IMS yet, this release needs migration {self.head}: restart IMS."
            ], None
        except DATABASE_ERRORS:
            return ["The operational database does not answer."], None

    def _read_notes(self, *, has_database: bool) -> list[str]:
        notes = []
        if has_database and not self.is_listening():
            notes.append("PostgreSQL does not tell changes of sessions yet: each request reads its own, more slowly.")
        free = free_bytes(self.settings.home) // 1024**2
        if free < self.settings.min_free_disk_mb:
            notes.append(f"Only {free} MB are free under {self.settings.home}: make room before the disk is full.")
        return notes


async def _reach(name: str, url: str) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS + 1):
            async with await psycopg.AsyncConnection.connect(url, connect_timeout=PATIENCE_SECONDS) as connection:
                await connection.execute("SELECT 1")
    except (*DATABASE_ERRORS, TimeoutError):
        return f"The database of the {name} does not answer."
    return None


def free_bytes(folder: Path) -> int:
    """What is free where the folder lies, or will lie."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
