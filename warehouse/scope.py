"""Who may see which figures: the store scope and cost visibility of a question, and the ways a question is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class InvalidQuery(ValueError):
    """The question cannot be answered as put; the message says what is wrong and what is possible."""


class NotAllowed(PermissionError):
    """The question asks for what its scope does not include."""


@dataclass(frozen=True)
class Scope:
    """`stores` None means every store, an empty set none; costs and margins are hidden unless said otherwise."""

    stores: frozenset[str] | None
    can_see_cost: bool = False

    def check_stores(self, asked: Iterable[object]) -> None:
        """Raises NotAllowed when a store is asked for by name that lies outside."""
        if self.stores is None:
            return
        outside = sorted(str(store) for store in set(asked) - self.stores)
        if outside:
            raise NotAllowed(f"store {', '.join(outside)} is not among the stores you may see")
