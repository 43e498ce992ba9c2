"""Which page a person is led to first: where their role's day begins. No permission: only pages that they may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from api.identity.policy import highest

# the first of these that the person may see; of several roles the most powerful counts
BEGINS_AT: dict[str, tuple[str, ...]] = {
    "superadmin": ("executive",),
    "admin": ("executive",),
    "buyer": ("reorder",),
    "manager": ("reorder",),
    "accountant": ("day_close",),
    "analyst": ("quality",),
    "staff": ("today", "clinic"),
}


def first_page(roles: Collection[str], visible: Sequence[str]) -> str | None:
    """The address of the page, one of those the person may see; None where there is none.

    A role that is not named here begins at the first of them.
    """
    role = highest(roles)
    wanted = BEGINS_AT.get(role, ()) if role is not None else ()
    return next((name for name in (*wanted, *visible) if name in visible), None)
