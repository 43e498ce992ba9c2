"""Who may do what, and how far it reaches: the one module that every route, export, view and metric asks.

The table itself is `policy.toml`. Answers here are pure: roles and grants in, reach out; no database, no HTTP.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

Scope = Literal["all", "stores", "records"]
SCOPES: tuple[Scope, ...] = get_args(Scope)  # the widest first
# members of an answer that tell a cost: left out, not nulled, for whoever may not see costs
COST_MEMBERS = frozenset(
    {"unit_cost", "cost_at_sale", "cost_amount", "stock_value", "margin_amount", "margin_share", "spoilage_cost"}
)
COST_MEMBERS |= {"receipt", "unit_price_paid", "value_at_cost", "holding_cost_per_unit_week", "shortage_cost_per_unit"}
COST_MEMBERS |= {"saved_amount"}


class UnknownPermission(KeyError):
    """A permission that `policy.toml` does not name: a defect of the caller, never a refusal."""


@dataclass(frozen=True)
class Permission:
    """One line of the table: what it allows, how far for each role, and which roles may be granted it one by one."""

    name: str
    says: str
    reach: Mapping[str, Scope]
    grantable: frozenset[str]


@dataclass(frozen=True)
class Grants:
    """What one user may do: permission → reach. The widest reach of the user's roles counts."""

    scopes: Mapping[str, Scope]

    def scope(self, permission: str) -> Scope | None:
        """How far the permission reaches; None means no. Raises UnknownPermission."""
        if permission not in permissions():
            raise UnknownPermission(permission)
        return self.scopes.get(permission)

    def allows(self, permission: str) -> bool:
        """Whether the permission is held at all."""
        return self.scope(permission) is not None


@lru_cache(maxsize=1)
def permissions() -> Mapping[str, Permission]:
    """Every permission by name."""
    found = {}
    for name, entry in _table()["permission"].items():
        reach = {role: scope for scope in reversed(SCOPES) for role in entry.get(scope, ())}
        found[name] = Permission(name, entry["says"], MappingProxyType(reach), frozenset(entry.get("grantable", ())))
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def roles() -> tuple[str, ...]:
    """The roles, the most powerful first."""
    return tuple(_table()["roles"])


@lru_cache(maxsize=1024)
def grants_of(roles: frozenset[str], extra: frozenset[str] = frozenset()) -> Grants:
    """What these roles, with these permissions given beside them, may do.

    A permission given beside the roles reaches the user's own stores (all of them for a role that is nowhere pinned
    to stores), and counts only when one of the roles may be granted it.
    Worked: staff alone has no `prescription:write`; staff granted it has it with the reach "stores".
    """
    found: dict[str, Scope] = {}
    for name, permission in permissions().items():
        held = [permission.reach[role] for role in roles if role in permission.reach]
        if name in extra and permission.grantable & roles:
            held.append("stores" if roles & {"manager", "staff"} else "all")
        if held:
            found[name] = min(held, key=SCOPES.index)
    return Grants(MappingProxyType(found))


def highest(held: Iterable[str]) -> str | None:
    """The most powerful of the roles; None for nobody."""
    order = roles()
    return min(held, key=order.index, default=None)


def _table() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "policy.toml").read_text(encoding="utf-8"))
