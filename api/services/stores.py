"""Stores and warehouses: list, read, open, change."""

from __future__ import annotations

from typing import Any

from api.refusals import Conflict
from api.services.action import Action, Row
from api.services.paging import Page, Paging

COLUMNS = "store_id, store_code, name, kind, city, region, cluster, opened_on, closed_on, updated_at"
LOCK = "SELECT 1 FROM stores WHERE store_id = %(key)s FOR UPDATE"


async def list_stores(action: Action, paging: Paging, kind: str | None = None) -> Page:
    """The stores in reach by id, the newest first."""
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM stores WHERE store_id < %(after)s AND (%(stores)s::bigint[] IS NULL"
        " OR store_id = ANY(%(stores)s)) AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
        " ORDER BY store_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        stores=_reached(action),
        kind=kind,
        limit=paging.fetch,
    )
    return paging.page(rows, ("store_id",))


async def show_store(action: Action, store_id: int) -> Row:
    """One store. Raises NotFound, OutOfReach."""
    row = await action.row(f"SELECT {COLUMNS} FROM stores WHERE store_id = %(store_id)s", store_id=store_id)
    if row is None:
        raise await action.missing("stores", store_id, "store")
    action.check_store(store_id)
    return row


async def open_store(action: Action, values: dict[str, Any]) -> Row:
    """A new store; its code is the chain's for good. Raises Conflict when the code is taken."""
    row = await action.row(
        "INSERT INTO stores (store_code, name, kind, city, region, cluster, opened_on) VALUES (%(store_code)s,"
        " %(name)s, %(kind)s, %(city)s, %(region)s, %(cluster)s, %(opened_on)s)"
        f" ON CONFLICT (store_code) DO NOTHING RETURNING {COLUMNS}",
        **values,
    )
    if row is None:
        raise Conflict("store-code-taken", f"There is a store {values['store_code']} already; choose another code.")
    action.note("store.opened", "store", row["store_id"], store_id=row["store_id"], after=row)
    return row


async def change_store(action: Action, store_id: int, changes: dict[str, Any]) -> Row:
    """Change the members that are given. Raises NotFound, OutOfReach."""
    before = await show_store(action, store_id)
    if not changes:
        return before
    await action.update("stores", "store_id", store_id, changes)
    after = await show_store(action, store_id)
    action.note("store.changed", "store", store_id, store_id=store_id, before=before, after=after)
    return after


def _reached(action: Action) -> list[int] | None:
    stores = action.reach.store_ids
    return None if stores is None else sorted(stores)
