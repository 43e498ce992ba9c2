"""Whether this installation can serve: databases reached, migrations current, something published."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg

from api.services.connections import DATABASE_ERRORS, Pool
from api.services.publication import read_publication
from ims.postgres import Databases

MIGRATION = "SELECT version_num FROM public.alembic_version"


async def read_faults(pool: Pool, databases: Databases, head: str) -> tuple[list[str], dict[str, Any] | None]:
    """(what keeps IMS from serving, one sentence each; the served publication). An empty list means ready."""
    others = await asyncio.gather(_reach("lake catalog", databases.lake), _reach("Dagster", databases.dagster))
    faults = [fault for fault in others if fault]
    publication = None
    try:
        async with pool.connection() as connection:
            revision = await (await connection.execute(MIGRATION)).fetchone()
            if revision is None or revision[0] != head:
                found = revision[0] if revision else "none"
                faults.append(f"The database stands at migration {found}, this release needs {head}: restart IMS.")
            else:
                publication = await read_publication(connection)
                if publication is None:
                    faults.append("Nothing is published yet: `ims run` computes and publishes.")
    except psycopg.errors.UndefinedTable:
        faults.append(f"The database holds no tables of IMS yet, this release needs migration {head}: restart IMS.")
    except DATABASE_ERRORS:
        faults.insert(0, "The operational database does not answer.")
    return faults, publication


async def _reach(name: str, url: str) -> str | None:
    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=3) as connection:
            await connection.execute("SELECT 1")
    except DATABASE_ERRORS:
        return f"The database of the {name} does not answer."
    return None
