"""`GET /api/v1/suggestions`: the order list of the served publication, dearest first, page by page.

Money is text with its decimals (`"1250.00"`), other quantities are numbers; members without a value are left out.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, PlainSerializer

from api.identity.principal import Reach, reach_of
from api.identity.scope import Scope, scope_of
from api.routes.problems import Problem
from api.routes.publication import nothing_published
from api.services.connections import Pool
from api.services.publication import read_publication
from api.services.suggestion_pages import Cursor, InvalidCursor, read_page
from api.services.transactions import SET_REACH
from api.suggestions import find_suggestion

State = Literal["proposed", "approved", "edited", "refused", "expired", "ordered", "received"]
Money = Annotated[Decimal, PlainSerializer(str, return_type=str)]


class SuggestionOut(BaseModel):
    """One suggested order. `priority` is the money at stake: expected cost saved by ordering, against not ordering."""

    suggestion_id: int
    as_of: dt.date
    state: State
    kind: Literal["purchase", "transfer"]
    store_code: str
    source_store_code: str | None = None
    sku: str
    product_name: str
    category: str
    vendor_code: str | None = None
    on_hand: int
    on_order: int
    suggested_qty: int
    approved_qty: int | None = None
    order_by: dt.date
    arrives_on: dt.date
    covers_until: dt.date
    expires_on: dt.date
    expected_demand: float
    demand_p50: float
    demand_p90: float
    reason: str
    priority: Money
    decided_by: str | None = None
    decided_at: dt.datetime | None = None
    decision_note: str | None = None
    receipt: dict[str, Any] | None = None


class SuggestionPage(BaseModel):
    """A page; `next_cursor` is left out on the last one."""

    publication_id: int
    snapshot_id: int
    as_of: dt.date
    items: list[SuggestionOut]
    next_cursor: str | None = None


def create_router(pool: Pool, url: str) -> APIRouter:
    """The suggestions' routes."""
    router = APIRouter(prefix="/api/v1", tags=["suggestions"])

    @router.get("/suggestions", summary="Suggested orders, dearest first", response_model_exclude_none=True)
    async def browse(
        request: Request,
        store: Annotated[list[str] | None, Query(description="Store codes; repeat for several.")] = None,
        category: Annotated[str | None, Query(description="One category.")] = None,
        state: Annotated[list[State] | None, Query(description="States; repeat for several.")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    ) -> SuggestionPage:
        scope = _scope(request)
        _refuse_others(scope, store)
        after = _cursor(cursor)
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(SET_REACH, _reach(request))  # what the database's own policies let through
            publication = await read_publication(connection)
            if publication is None:
                raise nothing_published()
            served = publication["publication_id"]
            if after is not None and after.publication_id != served:
                raise Problem(409, "publication-moved", "Another publication is served now: start from the first page.")
            rows = await read_page(
                connection,
                served,
                stores=store or scope.store_codes,
                category=category,
                states=state or None,
                after=after,
                limit=limit + 1,
            )
        items = [SuggestionOut(**row) for row in rows[:limit]]
        last = Cursor(served, items[-1].priority, items[-1].suggestion_id) if len(rows) > limit else None
        return SuggestionPage(
            publication_id=served,
            snapshot_id=publication["snapshot_id"],
            as_of=publication["as_of"],
            items=items,
            next_cursor=last.encode() if last else None,
        )

    @router.get(
        "/suggestions/{suggestion_id}", summary="One suggestion with its receipt", response_model_exclude_none=True
    )
    async def show(request: Request, suggestion_id: int) -> SuggestionOut:
        scope = _scope(request)
        row = None
        if 0 < suggestion_id < 2**63:
            # read whatever its store: another store's line is refused below with 403, not hidden as unknown
            row = await asyncio.to_thread(find_suggestion, url, suggestion_id, stores=None)
        if row is None:
            raise Problem(404, "unknown-suggestion", f"There is no suggestion {suggestion_id}.")
        _refuse_others(scope, [row["store_code"]])
        if not scope.sees_cost:
            row = {**row, "receipt": None}  # receipts hold unit costs
        return SuggestionOut(**row)

    return router


def _scope(request: Request) -> Scope:
    return scope_of(request.state.user, "suggestion:read")


def _reach(request: Request) -> tuple[str, str]:
    reach = reach_of(request.state.user, "suggestion:read") or Reach(frozenset())
    stores = "*" if reach.store_ids is None else "{" + ",".join(map(str, sorted(reach.store_ids))) + "}"
    return stores, str(request.state.user.user_id)


def _refuse_others(scope: Scope, stores: list[str] | None) -> None:
    others = [code for code in stores or [] if not scope.allows(code)]
    if others:
        raise Problem(403, "store-out-of-scope", f"Your account does not cover store {', '.join(others)}.")


def _cursor(text: str | None) -> Cursor | None:
    try:
        return Cursor.decode(text) if text else None
    except InvalidCursor:
        raise Problem(422, "invalid-cursor", "This cursor was not made by this API; start without one.") from None
