"""What a user may see: which stores, and whether costs. The one place that says so, for every surface."""

from __future__ import annotations

from dataclasses import dataclass

SEES_EVERY_STORE = frozenset({"superadmin", "admin", "buyer", "accountant", "analyst"})
SEES_COST = frozenset({"superadmin", "admin", "buyer", "accountant"})


@dataclass(frozen=True)
class Scope:
    """`store_codes` None means every store, an empty set none."""

    store_codes: frozenset[str] | None
    sees_cost: bool

    def allows(self, store_code: str) -> bool:
        """Whether the store may be seen."""
        return self.store_codes is None or store_code in self.store_codes


def scope_for(role: str, store_codes: frozenset[str] = frozenset()) -> Scope:
    """The scope of a role; `store_codes` are the stores given to that user, which head-office roles do not need."""
    return Scope(None if role in SEES_EVERY_STORE else store_codes, role in SEES_COST)
