"""SQLAlchemy statements on the asynchronous pool: built once by Core, run by psycopg without a second engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Select
from sqlalchemy.engine import Dialect


@dataclass(frozen=True)
class Statement:
    """SQL as psycopg runs it, with its parameters."""

    sql: bytes
    values: dict[str, Any]


def compile_statement(statement: Select[Any]) -> Statement:
    """A statement of Core for psycopg; it takes milliseconds, so what never changes is compiled once."""
    compiled = statement.compile(dialect=_dialect(), compile_kwargs={"render_postcompile": True})
    return Statement(compiled.string.encode(), dict(compiled.params))


async def fetch_rows(connection: psycopg.AsyncConnection[Any], statement: Statement) -> list[dict[str, Any]]:
    """The rows of a statement as mappings."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.sql, statement.values)
        return await cursor.fetchall()


@lru_cache(maxsize=1)
def _dialect() -> Dialect:
    from sqlalchemy import make_url

    return make_url("postgresql+psycopg://").get_dialect()()
