"""What a user may see of the figures: which stores, and whether costs. Asks the policy, decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from api.identity.principal import SignedIn


@dataclass(frozen=True)
class Scope:
    """`store_codes` None means every store, an empty set none."""

    store_codes: frozenset[str] | None
    sees_cost: bool

    def allows(self, store_code: str) -> bool:
        """Whether the store may be seen."""
        return self.store_codes is None or store_code in self.store_codes


def scope_of(user: SignedIn, permission: str = "report:sales") -> Scope:
    """The stores that the user's permission reaches, and costs for whoever holds `cost:read`.

    A manager of S01 and S02 sees these two, without costs; a buyer sees every store, with costs.
    """
    reach = user.grants.scope(permission)
    stores = None if reach == "all" else frozenset[str]() if reach is None else user.store_codes
    return Scope(stores, user.grants.allows("cost:read"))
