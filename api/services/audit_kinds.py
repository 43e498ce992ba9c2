"""The kinds of events that may be audited, from `audit_kinds.toml`: meaning, severity, whether money or people."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

Severity = Literal["info", "warning", "critical"]
REGISTRY = Path(__file__).with_name("audit_kinds.toml")


class UnknownKind(LookupError):
    """An event of a kind that the registry does not have."""


@dataclass(frozen=True)
class Kind:
    """One kind of event. `is_personal`: what is recorded of it is reduced to ids, flags and member names."""

    name: str
    group: str
    says: str
    severity: Severity
    is_money: bool = False
    is_personal: bool = False


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, Kind]:
    """Every kind by name, in the order of the registry."""
    found: dict[str, Kind] = {}
    for group, entries in tomllib.loads(REGISTRY.read_text(encoding="utf-8")).items():
        for name, entry in entries.items():
            if entry["severity"] not in get_args(Severity):
                raise ValueError(f"{REGISTRY.name}: {name} has severity {entry['severity']!r}")
            found[name] = Kind(
                name, group, entry["says"], entry["severity"], entry.get("money", False), entry.get("personal", False)
            )
    return found


def kind_of(name: str) -> Kind:
    """The kind of this name; raises UnknownKind."""
    try:
        return kinds()[name]
    except KeyError:
        raise UnknownKind(f"{name!r} is no kind of audit event; add it to api/services/{REGISTRY.name}") from None
