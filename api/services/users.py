"""Users: list, read, add, change. Whose roles stand above one's own is out of reach; nobody switches themselves off.

A new user has no password: they set one by the link that is mailed to them, or sign in with a temporary one
(`users_access`). Roles and grants: `users_roles`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.identity.policy import highest, roles
from api.refusals import Conflict, Fault, Invalid, NotFound, NotPermitted
from api.services.action import Action, Row
from api.services.paging import Page, Paging
from api.services.users_access import hash_of_nothing, send_link

COLUMNS = """
    SELECT u.user_id, u.username, u.full_name, u.email, u.is_active, u.discount_cap, u.must_change_password,
        coalesce(u.locked_until > now(), false) AS is_locked, u.totp_confirmed_at IS NOT NULL AS has_second_factor,
        ARRAY(SELECT role FROM user_roles AS r WHERE r.user_id = u.user_id ORDER BY role) AS roles,
        ARRAY(SELECT permission FROM user_grants AS g WHERE g.user_id = u.user_id ORDER BY permission) AS grants,
        ARRAY(SELECT store_id FROM user_stores AS s WHERE s.user_id = u.user_id ORDER BY store_id) AS store_ids,
        (SELECT store_id FROM user_stores AS s WHERE s.user_id = u.user_id AND s.is_primary) AS primary_store_id,
        u.updated_at
    FROM users AS u"""
LOCK = "SELECT 1 FROM users WHERE user_id = %(key)s FOR NO KEY UPDATE"
# taken in one order, so that two superadmins do not remove each other
LOCK_TOP = "SELECT user_id FROM user_roles WHERE role = 'superadmin' ORDER BY user_id FOR UPDATE"
OTHER_TOP = """
    SELECT count(*) FROM user_roles JOIN users USING (user_id)
    WHERE role = 'superadmin' AND is_active AND user_id <> %(user_id)s"""


async def list_users(
    action: Action, paging: Paging, *, q: str | None = None, role: str | None = None, is_active: bool | None = None
) -> Page:
    """Users, the newest first; `q` is a part of the user name or full name."""
    rows = await action.rows(
        f"{COLUMNS} WHERE u.user_id < %(after)s"
        " AND (%(q)s::text IS NULL OR strpos(lower(u.username || ' ' || coalesce(u.full_name, '')), lower(%(q)s)) > 0)"
        " AND (%(is_active)s::boolean IS NULL OR u.is_active = %(is_active)s)"
        " AND (%(role)s::text IS NULL OR EXISTS (SELECT FROM user_roles AS r WHERE r.user_id = u.user_id"
        " AND r.role = %(role)s)) ORDER BY u.user_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        q=q,
        role=role,
        is_active=is_active,
        limit=paging.fetch,
    )
    return paging.page(rows, ("user_id",))


async def show_user(action: Action, user_id: int) -> Row:
    """One user. Raises NotFound."""
    row = await action.row(f"{COLUMNS} WHERE u.user_id = %(key)s", key=user_id)
    if row is None:
        raise NotFound("unknown-user", f"There is no user {user_id}.")
    return row


async def create_user(action: Action, values: Mapping[str, Any]) -> Row:
    """A new user with stores and without roles; with a mail address they are invited to set their password."""
    user_id = await action.value(
        "INSERT INTO users (username, password_hash, full_name, email, discount_cap, must_change_password)"
        " VALUES (%(username)s, %(hash)s, %(full_name)s, %(email)s, %(discount_cap)s, true)"
        " ON CONFLICT (username) DO NOTHING RETURNING user_id",
        hash=await hash_of_nothing(),
        **{name: values[name] for name in ("username", "full_name", "email", "discount_cap")},
    )
    if user_id is None:
        raise Conflict("username-taken", f"There is a user {values['username']} already; choose another name.")
    await _set_stores(action, user_id, values["store_ids"], values["primary_store_id"])
    if values["email"]:
        await send_link(action, user_id, values["username"], values["email"], "user.created")
    shown = await show_user(action, user_id)
    action.note("user.created", "user", user_id, after=_said(shown))
    return shown


async def change_user(action: Action, user_id: int, changes: Mapping[str, Any]) -> Row:
    """Change name, address, discount cap, stores, or whether they may sign in. Raises NotFound, NotPermitted."""
    before = await lock_user(action, user_id)
    wanted = dict(changes)
    stores, primary = wanted.pop("store_ids", None), wanted.pop("primary_store_id", None)
    if wanted.get("is_active") is False:
        if user_id == action.user.user_id:
            raise NotPermitted("own-account", "Nobody switches off their own account.")
        await keep_a_superadmin(action, before)
    if wanted:
        await action.update("users", "user_id", user_id, wanted)
    if stores is not None or primary is not None:
        if user_id == action.user.user_id:
            raise NotPermitted("own-account", "Nobody gives themselves stores; somebody else must.")
        await _set_stores(action, user_id, before["store_ids"] if stores is None else stores, primary)
    after = await show_user(action, user_id)
    for kind in _kinds(before, after):
        action.note(kind, "user", user_id, before=_said(before), after=_said(after))
    return after


async def lock_user(action: Action, user_id: int) -> Row:
    """The user, nobody else's until the transaction ends. Raises NotFound, NotPermitted `outranks-you`."""
    await action.row(LOCK, key=user_id)
    user = await show_user(action, user_id)
    check_rank(action, user["roles"])
    return user


def check_rank(action: Action, held: Sequence[str]) -> None:
    """Raises NotPermitted for roles above the user's own highest: nobody acts on, or gives, more than they hold."""
    theirs, mine = highest(held), highest(action.user.roles)
    if theirs is not None and (mine is None or roles().index(theirs) < roles().index(mine)):
        raise NotPermitted("outranks-you", f"The role {theirs} stands above yours; somebody who holds it must do this.")


async def keep_a_superadmin(action: Action, user: Row) -> None:
    """Raises Conflict when without this user nobody could manage roles any more."""
    if "superadmin" not in user["roles"]:
        return
    await action.rows(LOCK_TOP)
    if not await action.value(OTHER_TOP, user_id=user["user_id"]):
        raise Conflict("last-superadmin", "This is the last active superadmin; make another one first.")


async def _set_stores(action: Action, user_id: int, store_ids: Sequence[int], primary: int | None) -> None:
    wanted = list(dict.fromkeys(store_ids))
    if primary is not None and primary not in wanted:
        rule = "is not one of the user's stores"
        raise Invalid("primary-elsewhere", f"primary_store_id {rule}.", Fault("primary_store_id", rule))
    known = await action.rows("SELECT store_id FROM stores WHERE store_id = ANY(%(ids)s)", ids=wanted)
    unknown = set(wanted) - {row["store_id"] for row in known}
    if unknown:
        rule = f"names no store: {min(unknown)}"
        raise Invalid("unknown-store", f"store_ids {rule}.", Fault("store_ids", rule))
    await action.execute("DELETE FROM user_stores WHERE user_id = %(user_id)s", user_id=user_id)
    await action.execute(
        "INSERT INTO user_stores (user_id, store_id, is_primary)"
        " SELECT %(user_id)s, s.store_id, s.store_id = %(primary)s FROM unnest(%(ids)s::bigint[]) AS s (store_id)",
        user_id=user_id,
        ids=wanted,
        primary=primary if primary is not None else next(iter(wanted), None),
    )


def _said(user: Row) -> Row:
    """A user as the audit trail keeps them, which nobody can erase from: that they have a name, not which."""
    return {name: bool(value) if name in ("full_name", "email") else value for name, value in user.items()}


def _kinds(before: Row, after: Row) -> list[str]:
    if before["is_active"] != after["is_active"]:
        return ["user.activated" if after["is_active"] else "user.deactivated"]
    places = ("store_ids", "primary_store_id")
    if any(before[name] != after[name] for name in places):
        return ["user.roles_changed"]
    return ["user.changed"] if before != after else []
