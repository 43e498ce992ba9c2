"""Pages of a publication's suggestions, dearest first. Keyset pagination: page 1,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg
from sqlalchemy import and_, or_

from api.schema.planning import Suggestion
from api.services.statements import compile_statement, fetch_rows
from api.suggestions import select_suggestions


class InvalidCursor(Exception):
    """The cursor was not made by this API."""


@dataclass(frozen=True)
class Cursor:
    """Where the last page ended: in which publication, and after which suggestion."""

    publication_id: int
    priority: Decimal
    suggestion_id: int

    def encode(self) -> str:
        """Opaque text for a URL."""
        text = json.dumps([self.publication_id, str(self.priority), self.suggestion_id])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """The cursor in a URL; raises InvalidCursor."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            publication_id, priority, suggestion_id = json.loads(raw)
            cursor = cls(int(publication_id), Decimal(priority), int(suggestion_id))
        except (binascii.Error, UnicodeError, ValueError, TypeError, InvalidOperation, OverflowError) as error:
            raise InvalidCursor(text) from error
        if not cursor.priority.is_finite() or max(abs(cursor.publication_id), abs(cursor.suggestion_id)) >= 2**63:
            raise InvalidCursor(text)
        return cursor


async def read_page(
    connection: psycopg.AsyncConnection[Any],
    publication_id: int,
    *,
    stores: Collection[str] | None,
    category: str | None,
    states: Collection[str] | None,
    after: Cursor | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to `limit` suggestions of the publication in these stores (None: every store), after the cursor."""
    statement = select_suggestions(stores, None, category, states, publication_id).limit(limit)
    if after is not None:
        level = and_(Suggestion.priority == after.priority, Suggestion.suggestion_id > after.suggestion_id)
        statement = statement.where(or_(Suggestion.priority < after.priority, level))
    return await fetch_rows(connection, compile_statement(statement))
