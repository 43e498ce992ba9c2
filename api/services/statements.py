"""SQLAlchemy statements on the asynchronous pool: built once by Core, run by psycopg without a second engine."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Select
from sqlalchemy.engine import Dialect


async def fetch_rows(connection: psycopg.AsyncConnection[Any], statement: Select[Any]) -> list[dict[str, Any]]:
    """The rows of a statement as mappings."""
    compiled = statement.compile(dialect=_dialect(), compile_kwargs={"render_postcompile": True})
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(compiled.string.encode(), compiled.params)
        return await cursor.fetchall()


@lru_cache(maxsize=1)
def _dialect() -> Dialect:
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    return PGDialect_psycopg()
