"""Up to which amount a role approves alone: managers suggestions and expenses, buyers purchase orders.

Whoever also holds the permission by a role without a limit has none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api.identity.policy import permissions
from api.refusals import NotPermitted
from api.services.action import Action
from api.services.chain_settings import setting

# permission: the role that has a limit, and the setting that says which
LIMITED = {
    "suggestion:approve": ("manager", "suggestion_approval_limit"),
    "purchase:approve": ("buyer", "purchase_approval_limit"),
    "expense:approve": ("manager", "expense_approval_limit"),
}


async def check_limit(action: Action, amount: Decimal | None, what: str, **members: Any) -> None:
    """Raises NotPermitted `needs-approval` for an amount above the user's limit, and for an unknown one.

    The amount is not told: it may rest on costs that the user does not see. `members` say what is meant.
    """
    role, key = LIMITED[action.permission]
    unlimited = permissions()[action.permission].reach.keys() - {role}
    if action.user.roles & unlimited:
        return
    limit = await setting(action, key)
    if amount is not None and amount <= limit:
        return
    why = "is worth more than" if amount is not None else "has no known cost, so it may be more than"
    raise NotPermitted(
        "needs-approval",
        f"This {what} {why} the {limit:,} that your role approves; somebody with a higher one must.",
        limit=str(limit),
        **members,
    )
