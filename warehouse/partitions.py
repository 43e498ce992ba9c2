"""How a table is rebuilt in parts: the rows of some keys, and how changed rows of what it reads name those keys.

Read from `[partition]` of a contract. Speaks SQL, executes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class InvalidPartition(ValueError):
    """A `[partition]` cannot be used; the message says which part and why."""


@dataclass(frozen=True)
class Named:
    """The changed row itself names a key, by expressions over its columns, as it was and as it is."""

    key: str


@dataclass(frozen=True)
class Looked:
    """Rows of the tables `tables` that hold a changed row's key (`keys`; there named `columns`) name keys.

    With `since`, a pair of a column of the changed row and one of these tables, only rows from that day on.
    """

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    since: tuple[str, str] | None = None

    def holding(self, rows: str) -> str:
        """The condition on a row `held` of one of the tables, given the changed rows."""
        pairs = zip(self.keys, self.columns, strict=True)
        parts = [f"changed.{key} = held.{column}" for key, column in pairs]
        if self.since is not None:
            parts.append(f"held.{self.since[1]} >= changed.{self.since[0]}")
        return f"EXISTS (SELECT 1 FROM {rows} AS changed WHERE {' AND '.join(parts)})"


@dataclass(frozen=True)
class Between:
    """Rows of `table` whose date `on` lies between the least and the greatest changed value of a date column."""

    column: str
    table: str
    on: str


Rule = Named | Looked | Between


@dataclass(frozen=True)
class Partition:
    """A table's parts: the rows that have the same `key`, expressions over its own columns, by comma.

    Null is no key: changed rows that name it name nothing. `of` holds the same key over rows of the tables of which
    nothing else matters to a part; `rules` by upstream table: a changed row names what each of them names. `day` is the
    column that a backfill goes by.
    """

    key: str
    of: Mapping[str, str]
    rules: Mapping[str, tuple[Rule, ...]]
    day: str | None = None


def read_partition(name: str, given: Mapping[str, Any], columns: tuple[str, ...]) -> Partition:
    """What the contract of `name` says in `[partition]`. Raises InvalidPartition."""
    day, of = given.get("day"), dict(given.get("of", {}))
    if day is not None and day not in columns:
        raise InvalidPartition(f"partition of {name}: its day `{day}` is no column of it")
    rules = {upstream: (Named(key),) for upstream, key in of.items()}
    rules |= {upstream: _read_rules(name, listed) for upstream, listed in given.get("changes", {}).items()}
    for rule in (rule for each in rules.values() for rule in each):
        targets = rule.tables if isinstance(rule, Looked) else (rule.table,) if isinstance(rule, Between) else ()
        missing = [target for target in targets if target not in rules]
        if missing:
            raise InvalidPartition(f"partition of {name}: looks in {', '.join(missing)}, which has no rule of its own")
    return Partition(given["key"], of, rules, day)


def _read_rules(name: str, given: Any) -> tuple[Rule, ...]:
    return tuple(_read_rule(name, each) for each in (given if isinstance(given, list) else [given]))


def _read_rule(name: str, given: Any) -> Rule:
    if isinstance(given, str):
        return Named(given)
    if {"key", "in"} <= given.keys() <= {"key", "in", "as", "since"}:
        since = tuple(given["since"]) if "since" in given else None
        return Looked(_listed(given["key"]), _listed(given.get("as", given["key"])), _listed(given["in"]), since)
    if given.keys() == {"between", "in", "on"}:
        return Between(given["between"], given["in"], given["on"])
    raise InvalidPartition(f"partition of {name}: {given!r} is no rule: an expression, a list, key and in, or between")


def _listed(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
