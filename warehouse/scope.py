"""Who may see which figures: the store scope and cost visibility of a question, and the ways a question is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

Stores = frozenset[str] | None


class InvalidQuery(ValueError):
    """The question cannot be answered as put; the message says what is wrong and what is possible."""


class NotAllowed(PermissionError):
    """The question asks for what its scope does not include."""


@dataclass(frozen=True)
class Scope:
    """`stores` None means every store, an empty set none; costs and margins are hidden unless said otherwise.

    `reports` are the permissions that a person holds, each with the stores it reaches: a metric shows the stores of its
    own permission. None is the question of nobody but IMS itself, as of its nightly files: `stores` holds for all.
    `own` names the permissions that reach a person's own records only, each with that person; `person` is whose records
    a question is about, once its permission is known.
    """

    stores: Stores
    can_see_cost: bool = False
    reports: tuple[tuple[str, Stores], ...] | None = None
    own: tuple[tuple[str, str], ...] = ()
    person: str | None = None

    def of(self, permission: str) -> Scope:
        """The scope of the figures that need this permission. Raises NotAllowed for whoever does not hold it."""
        if self.reports is None:
            return self
        held = dict(self.reports)
        if permission not in held:
            raise NotAllowed(f"these figures need the permission {permission}, which you do not hold")
        return replace(self, stores=held[permission], reports=None, person=dict(self.own).get(permission))

    def only(self, permissions: Collection[str]) -> Scope:
        """The scope of questions that need no other permission: alike for all whose permissions reach the same there.

        Worked: a buyer's and an admin's scope of `report:sales`, of every store and with costs, are one.
        """
        if self.reports is None:
            return self
        reports = tuple(each for each in self.reports if each[0] in permissions)
        own = tuple(each for each in self.own if each[0] in permissions)
        return replace(self, stores=frozenset(), reports=reports, own=own)

    def check_stores(self, asked: Iterable[object]) -> None:
        """Raises NotAllowed when a store is asked for by name that lies outside."""
        if self.stores is None:
            return
        outside = sorted(str(store) for store in set(asked) - self.stores)
        if outside:
            raise NotAllowed(f"store {', '.join(outside)} is not among the stores you may see")
