"""Totals of the served suggestions, for the tiles above the list: counted by the database, over what is filtered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from api.suggestions import select_suggestions


@dataclass(frozen=True)
class SuggestionTotals:
    """Lines, units, money at stake, and lines whose stock is expected to run out before an order can help."""

    lines: int
    units: int
    money_at_stake: Decimal
    stock_outs_ahead: int


def total_suggestions(
    connection: Connection,
    publication_id: int,
    *,
    stores: Collection[str] | None,
    store: str | None = None,
    category: str | None = None,
    states: Collection[str] | None = None,
    kind: str | None = None,
) -> SuggestionTotals:
    """The totals of exactly the rows that `list_suggestions` gives for the same filters."""
    rows: Any = select_suggestions(stores, store, category, states, publication_id, kind).order_by(None).subquery()
    row = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(rows.c.suggested_qty), 0),
            func.coalesce(func.sum(rows.c.priority), 0),
            func.count().filter(rows.c.reason == "PROJECTED_STOCKOUT"),
        )
    ).one()
    return SuggestionTotals(int(row[0]), int(row[1]), Decimal(row[2]), int(row[3]))
