"""What a user may see of the figures: which stores, for which permission, and whether costs. The policy decides."""

from __future__ import annotations

from dataclasses import dataclass, replace

from api.identity.policy import permissions
from api.identity.principal import SignedIn

Stores = frozenset[str] | None
# what figures need: a report, or the forecasts
FIGURES = ("report:", "forecast:read")


@dataclass(frozen=True)
class Scope:
    """`store_codes` None means every store, an empty set none.

    `reports` says the same for each permission of figures that is held (`report:sales`, …); without them no figure.
    `own` names those of them that reach only what the user did, each with the user's name.
    """

    store_codes: Stores
    sees_cost: bool
    reports: tuple[tuple[str, Stores], ...] = ()
    own: tuple[tuple[str, str], ...] = ()

    def allows(self, store_code: str) -> bool:
        """Whether the store may be seen."""
        return self.store_codes is None or store_code in self.store_codes

    def within(self, stores: Stores) -> Scope:
        """What of it lies in these stores too."""
        reports = tuple((name, _common(reached, stores)) for name, reached in self.reports)
        return replace(self, store_codes=_common(self.store_codes, stores), reports=reports)


def scope_of(user: SignedIn, permission: str = "report:sales") -> Scope:
    """The stores that the user's permission reaches, those of each report, and costs for whoever holds `cost:read`.

    A manager of S01 and S02 sees these two, without costs; a buyer sees every store, with costs; who sells in S01 sees
    what they sold there.
    """
    reports = [name for name in permissions() if name.startswith(FIGURES) and user.grants.allows(name)]
    own = tuple((name, user.username) for name in reports if user.grants.scope(name) == "records")
    held = tuple((name, user.store_codes if name in dict(own) else stores_of(user, name)) for name in reports)
    return Scope(stores_of(user, permission), user.grants.allows("cost:read"), held, own)


def stores_of(user: SignedIn, permission: str) -> Stores:
    """The stores that the permission reaches for the user: None for all of them, none where it is not held."""
    reach = user.grants.scope(permission)
    return None if reach == "all" else user.store_codes if reach == "stores" else frozenset()


def _common(one: Stores, other: Stores) -> Stores:
    return other if one is None else one if other is None else one & other
