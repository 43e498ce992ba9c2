"""Who is told of decisions about stock, by mail: those who may decide, the one who asked, a store's managers.

Somebody without an address is told nothing, and nobody is told what they did themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.identity.policy import permissions
from api.services.action import Action

HOLDERS = """
    SELECT DISTINCT u.email FROM users AS u JOIN user_roles AS r USING (user_id)
    WHERE u.is_active AND u.email IS NOT NULL AND u.user_id <> %(myself)s
      AND (r.role = ANY(%(everywhere)s) OR (r.role = ANY(%(in_stores)s) AND EXISTS (
          SELECT FROM user_stores AS s WHERE s.user_id = u.user_id AND s.store_id = %(store_id)s)))
    ORDER BY u.email"""
ONE = "SELECT email FROM users WHERE user_id = %(user_id)s AND is_active AND email IS NOT NULL"


async def tell_deciders(
    action: Action, topic: str, payload: Mapping[str, Any], *, permission: str, store_id: int, in_stores: bool = False
) -> None:
    """Tell those who hold the permission for every store, or with `in_stores` those who hold it for this one."""
    reach = permissions()[permission].reach
    rows = await action.rows(
        HOLDERS,
        everywhere=[] if in_stores else [role for role, scope in reach.items() if scope == "all"],
        in_stores=[role for role, scope in reach.items() if scope == "stores"],
        store_id=store_id,
        myself=action.user.user_id,
    )
    for row in rows:
        action.notify(topic, row["email"], payload)


async def tell_user(action: Action, topic: str, payload: Mapping[str, Any], user_id: int) -> None:
    """Tell one user what became of what they asked for."""
    email = None if user_id == action.user.user_id else await action.value(ONE, user_id=user_id)
    if email is not None:
        action.notify(topic, email, payload)
