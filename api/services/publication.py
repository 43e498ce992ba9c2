"""The publication that is served, with the chain it is about, as the web process reads it: one asynchronous read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Select, true

from api.publications import select_current
from api.schema.masters import Chain
from api.services.statements import Statement, compile_statement, fetch_rows


def select_passport() -> Select[Any]:
    """The served publication with the chain's name, currency and timezone; no row before the first."""
    chain = (Chain.name.label("chain"), Chain.currency, Chain.timezone, Chain.sales_grain)
    return select_current().add_columns(*chain).outerjoin(Chain, true())


async def read_publication(connection: psycopg.AsyncConnection[Any]) -> dict[str, Any] | None:
    """The passport of the served publication as a mapping; None before anything was published."""
    rows = await fetch_rows(connection, _passport())
    return rows[0] if rows else None


@lru_cache(maxsize=1)
def _passport() -> Statement:
    return compile_statement(select_passport())
