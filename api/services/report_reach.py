"""What a recipient of figures by mail may see at this moment: the policy's answer, cut to the stores they chose.

The same is asked twice: when a pack is made, and when its mail leaves. Reads only what it is given.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of, stores_of

READ, TAKE = "report:sales", "export:plain"  # to see figures, and to take them away
SUGGESTIONS, ALERTS = "suggestion:read", "alert:read"


def scope_of_pack(user: SignedIn, chosen: Collection[str] | None) -> Scope | None:
    """The stores, reports and costs of a pack for the user; None for whoever may not see or not take figures.

    `chosen` are the codes of the stores they want (None: all they may see).
    """
    if not (user.grants.allows(READ) and user.grants.allows(TAKE)):
        return None
    scope = scope_of(user, READ).within(stores_of(user, TAKE))
    return scope if chosen is None else scope.within(frozenset(chosen))


def describe_reach(user: SignedIn, scope: Scope, address: str) -> dict[str, Any]:
    """The same as plain JSON: what is equal shows the same figures at the same address."""
    reports = {name: None if stores is None else sorted(stores) for name, stores in scope.reports}
    suggested, alerted = (scope.within(stores_of(user, name)).store_codes for name in (SUGGESTIONS, ALERTS))
    return {
        "address": address,
        "stores": None if scope.store_codes is None else sorted(scope.store_codes),
        "costs": scope.sees_cost,
        "reports": reports,
        "own": sorted(name for name, _ in scope.own),
        "suggestions": None if suggested is None else sorted(suggested),
        "alerts": None if alerted is None else sorted(alerted),
    }
