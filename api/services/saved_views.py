"""Saved views: a page of the dashboards with its filters under a name, one's own or shared with a role one holds.

What a filter means is the page's business; here it is bounded text. The database shows others' only where shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from api.refusals import Conflict, NotPermitted
from api.services.action import Action, Row
from api.services.paging import Page, Paging

MOST = 100  # of a person
MEMBERS = ("page", "name", "filters", "shared_role", "is_default")
# without an owner's name: whoever may see a shared view is told whose it is by the join
COLUMNS = (
    "v.saved_view_id, v.page, v.name, v.filters, v.shared_role, v.user_id = %(me)s AND v.is_default AS is_default,"
    " v.user_id, u.username, v.user_id = %(me)s AS is_own, v.created_at, v.updated_at"
)
FROM = "FROM saved_views AS v JOIN users AS u USING (user_id)"
LOCK = "SELECT 1 FROM saved_views WHERE saved_view_id = %(key)s FOR UPDATE"
NAMED = "uq_saved_views_user_id_page_name"


async def list_views(action: Action, paging: Paging, *, page: str | None = None) -> Page:
    """One's own and those shared with a role one holds, the newest first."""
    chosen = "" if page is None else " AND v.page = %(page)s"
    rows = await action.rows(
        f"SELECT {COLUMNS} {FROM} WHERE v.saved_view_id < %(after)s{chosen} ORDER BY v.saved_view_id DESC"
        " LIMIT %(limit)s",
        me=action.user.user_id,
        after=paging.after_id(),
        limit=paging.fetch,
        page=page,
    )
    return paging.page(rows, ("saved_view_id",))


async def show_view(action: Action, saved_view_id: int) -> Row:
    """One view. Raises NotFound, NotPermitted for another's that is not shared."""
    row = await action.row(
        f"SELECT {COLUMNS} {FROM} WHERE v.saved_view_id = %(key)s", key=saved_view_id, me=action.user.user_id
    )
    if row is None:
        raise await action.missing_own("saved_views", saved_view_id, "saved view")
    return row


async def save_view(action: Action, values: Mapping[str, Any]) -> Row:
    """Keep a page with its filters. Raises Conflict for a name that one has on that page, NotPermitted."""
    _check_role(action, values.get("shared_role"))
    count = "SELECT count(*) FROM saved_views WHERE user_id = %(me)s"
    if await action.value(count, me=action.user.user_id) >= MOST:
        raise Conflict("too-many", f"{MOST} saved views of one person are enough; delete some first.")
    if values.get("is_default"):
        await _begin_elsewhere(action)
    try:
        key = await action.value(
            "INSERT INTO saved_views (user_id, page, name, filters, shared_role, is_default) VALUES (%(me)s, %(page)s,"
            " %(name)s, %(filters)s, %(shared_role)s, %(is_default)s) RETURNING saved_view_id",
            **{**values, "filters": Jsonb(values["filters"]), "me": action.user.user_id},
        )
    except psycopg.errors.UniqueViolation as error:
        raise _taken(error) from None
    row = await show_view(action, key)
    action.note("view.saved", "saved_view", key, after=row)
    return row


async def change_view(action: Action, saved_view_id: int, changes: Mapping[str, Any]) -> Row:
    """Rename it, keep other filters, share it or not, begin there or not; one's own only."""
    before = await _own(action, saved_view_id)
    moved = {name: changes[name] for name in MEMBERS if name in changes and changes[name] != before[name]}
    _check_role(action, moved.get("shared_role"))
    if moved.get("is_default"):
        await _begin_elsewhere(action)
    if "filters" in moved:
        moved["filters"] = Jsonb(moved["filters"])
    if moved:
        try:
            await action.update("saved_views", "saved_view_id", saved_view_id, moved)
        except psycopg.errors.UniqueViolation as error:
            raise _taken(error) from None
        await action.execute(
            "UPDATE saved_views SET updated_at = now() WHERE saved_view_id = %(key)s", key=saved_view_id
        )
    after = await show_view(action, saved_view_id)
    action.note("view.changed", "saved_view", saved_view_id, before=before, after=after)
    return after


async def delete_view(action: Action, saved_view_id: int) -> None:
    """Forget it; one's own only."""
    before = await _own(action, saved_view_id)
    await action.execute("DELETE FROM saved_views WHERE saved_view_id = %(key)s", key=saved_view_id)
    action.note("view.deleted", "saved_view", saved_view_id, before=before)


async def _own(action: Action, saved_view_id: int) -> Row:
    await action.row(LOCK, key=saved_view_id)
    row = await show_view(action, saved_view_id)
    action.check_record(row["user_id"])
    return row


async def _begin_elsewhere(action: Action) -> None:
    await action.execute(
        "UPDATE saved_views SET is_default = false WHERE user_id = %(me)s AND is_default", me=action.user.user_id
    )


def _check_role(action: Action, role: str | None) -> None:
    """One shares with those one is among; who looks after users, with any role."""
    if role is not None and role not in action.user.roles and not action.can("user:write"):
        raise NotPermitted("not-your-role", "A view is shared with a role that one holds oneself.")


def _taken(error: psycopg.errors.UniqueViolation) -> Exception:
    if error.diag.constraint_name == NAMED:
        return Conflict("name-taken", "You have a view of that name on this page already.")
    return error
