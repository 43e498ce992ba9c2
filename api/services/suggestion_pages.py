"""Reading suggestions: pages of the served publication, dearest first, and one with its receipt.

Keyset pagination: page 1,000 costs what page 1 costs. A suggested transfer is seen by both of its stores.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from sqlalchemy import and_, or_

from api.refusals import Conflict, Fault, Invalid, NotFound, OutOfReach
from api.schema.planning import Suggestion
from api.services.action import Action, Row
from api.services.paging import Page
from api.services.publication import read_publication
from api.services.statements import Statement, compile_statement, fetch_rows
from api.suggestions import select_suggestion, select_suggestions

INTERNAL = {"store_name", "vendor_name", "publication_id", "replaces_id"}
ANY_KEY = 1
# what a suggestion became, where it was approved
BECAME = """
    SELECT (SELECT max(purchase_order_id) FROM purchase_order_lines WHERE suggestion_id = %(key)s) AS purchase_order_id,
        (SELECT max(stock_transfer_id) FROM stock_transfer_lines WHERE suggestion_id = %(key)s) AS stock_transfer_id"""


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
        except (binascii.Error, ValueError, TypeError, InvalidOperation, OverflowError, RecursionError) as error:
            raise InvalidCursor(text) from error
        if not cursor.priority.is_finite() or max(abs(cursor.publication_id), abs(cursor.suggestion_id)) >= 2**63:
            raise InvalidCursor(text)
        return cursor


async def list_suggestions(
    action: Action,
    *,
    stores: Sequence[str] | None = None,
    category: str | None = None,
    states: Collection[str] | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """A page of what the served publication suggests, for all stores in reach or those (by code) that receive.

    Raises OutOfReach, Invalid, NotFound `nothing-published`, and Conflict `publication-moved` for a cursor of another
    publication.
    """
    _refuse_others(action, stores)
    after = _after(cursor)
    publication = await read_publication(action.connection)
    if publication is None:
        raise NotFound("nothing-published", "Nothing is published yet: `ims run` computes and publishes.")
    served = publication["publication_id"]
    if after is not None and after.publication_id != served:
        raise Conflict("publication-moved", "Another publication is served now: start from the first page.")
    statement = select_suggestions(stores, None, category, states, served).limit(limit + 1)
    if action.reach.store_ids is not None:
        mine = sorted(action.reach.store_ids)
        statement = statement.where(or_(Suggestion.store_id.in_(mine), Suggestion.source_store_id.in_(mine)))
    if after is not None:
        level = and_(Suggestion.priority == after.priority, Suggestion.suggestion_id > after.suggestion_id)
        statement = statement.where(or_(Suggestion.priority < after.priority, level))
    rows = await fetch_rows(action.connection, compile_statement(statement))
    items = [_shown(row) for row in rows[:limit]]
    more = Cursor(served, items[-1]["priority"], items[-1]["suggestion_id"]).encode() if len(rows) > limit else None
    return Page(items, more, {name: publication[name] for name in ("publication_id", "snapshot_id", "as_of")})


async def show_suggestion(action: Action, suggestion_id: int) -> Row:
    """One suggestion with its receipt, and what it became. Raises NotFound, OutOfReach."""
    one = _one()
    (name,) = (name for name, value in one.values.items() if value == ANY_KEY)
    rows = await fetch_rows(action.connection, Statement(one.sql, {**one.values, name: suggestion_id}))
    if not rows:
        raise await action.missing("suggestions", suggestion_id, "suggestion")
    return {**_shown(rows[0]), **await action.one(BECAME, key=suggestion_id)}


@lru_cache(maxsize=1)
def _one() -> Statement:
    return compile_statement(select_suggestion(ANY_KEY))


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in INTERNAL}


def _refuse_others(action: Action, stores: Sequence[str] | None) -> None:
    if action.reach.store_ids is None:
        return
    others = [code for code in stores or () if code not in action.user.store_codes]
    if others:
        raise OutOfReach("store-out-of-scope", f"Your account does not cover store {', '.join(others)}.")


def _after(cursor: str | None) -> Cursor | None:
    try:
        return Cursor.decode(cursor) if cursor else None
    except InvalidCursor:
        rule = "was not made by this API; start without one"
        raise Invalid("invalid-cursor", f"This cursor {rule}.", Fault("cursor", rule)) from None
