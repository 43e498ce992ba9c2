"""Who is asking, as everything behind the gate sees them: identity, roles, stores, and what follows from these."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from api.identity.policy import Grants, grants_of


@dataclass(frozen=True)
class SignedIn:
    """Someone with a valid session. `store_ids` and `store_codes` are the stores given to them, not what they reach."""

    user_id: int
    username: str
    roles: frozenset[str]
    session_id: int
    expires_at: dt.datetime
    store_ids: frozenset[int] = frozenset()
    store_codes: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()  # given beside the roles
    grants: Grants = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "grants", grants_of(self.roles, self.permissions))


@dataclass(frozen=True)
class Origin:
    """Where a request came from, for the audit trail."""

    request_id: str
    address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True)
class Reach:
    """The stores an action may touch (None: every store), and whether only the user's own records in them."""

    store_ids: frozenset[int] | None
    own_records: bool = False

    def allows(self, store_id: int | None) -> bool:
        """Whether a store may be touched; what belongs to no store is for those who reach every store."""
        return self.store_ids is None or (store_id is not None and store_id in self.store_ids)


def reach_of(user: SignedIn, permission: str) -> Reach | None:
    """How far the user's permission reaches; None when they do not hold it."""
    scope = user.grants.scope(permission)
    if scope is None:
        return None
    return Reach(None if scope == "all" else user.store_ids, scope == "records")
