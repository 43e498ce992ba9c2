"""Roles, and permissions given beside them: nobody gives more than they hold, nobody changes their own."""

from __future__ import annotations

from collections.abc import Sequence

from api.identity.policy import permissions, roles
from api.refusals import Fault, Invalid, NotPermitted
from api.services.action import Action, Row
from api.services.users import check_rank, keep_a_superadmin, lock_user, show_user


async def assign_roles(action: Action, user_id: int, wanted: Sequence[str], grants: Sequence[str]) -> Row:
    """Give a user these roles and grants, and no others. Raises NotFound, NotPermitted, Conflict, Invalid."""
    if user_id == action.user.user_id:
        raise NotPermitted("own-account", "Nobody changes their own roles; somebody else must.")
    before = await lock_user(action, user_id)
    check_rank(action, wanted)
    _check_grants(wanted, grants)
    if "superadmin" not in wanted:
        await keep_a_superadmin(action, before)
    for table, column, values in (("user_roles", "role", wanted), ("user_grants", "permission", grants)):
        await action.execute(
            f"DELETE FROM {table} WHERE user_id = %(user_id)s AND {column} <> ALL(%(values)s)",
            user_id=user_id,
            values=list(values),
        )
        await action.execute(
            f"INSERT INTO {table} (user_id, {column}) SELECT %(user_id)s, unnest(%(values)s::text[])"
            " ON CONFLICT DO NOTHING",
            user_id=user_id,
            values=sorted(set(values)),
        )
    after = await show_user(action, user_id)
    names = ("roles", "grants")
    action.note(
        "user.roles_changed",
        "user",
        user_id,
        before={name: before[name] for name in names},
        after={name: after[name] for name in names},
    )
    return after


def _check_grants(wanted: Sequence[str], grants: Sequence[str]) -> None:
    for number, role in enumerate(wanted):
        if role not in roles():
            rule = f"is not one of {', '.join(roles())}"
            raise Invalid("unknown-role", f"{role} {rule}.", Fault(f"roles.{number}", rule))
    for number, name in enumerate(grants):
        known = permissions().get(name)
        if known is None or not known.grantable & set(wanted):
            rule = "is no permission that may be given beside these roles"
            raise Invalid("not-grantable", f"{name} {rule}.", Fault(f"grants.{number}", rule))
