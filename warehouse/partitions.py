"""How a table is cut into partitions, and how changed rows of what it reads name those to rebuild.

Read from `[partition]` of a contract. Speaks SQL, executes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNITS = ("year", "month", "day")


class InvalidPartition(ValueError):
    """A `[partition]` cannot be used; the message says which part and why."""


@dataclass(frozen=True)
class Named:
    """The changed row itself names a partition, by an expression over its columns, as it was and as it is."""

    expression: str


@dataclass(frozen=True)
class Looked:
    """Rows of the tables `tables` that hold a changed row's key (`keys`; there named `columns`) name partitions.

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
    """Every partition from the least to the greatest changed value of a date column.

    Where partitions are no dates, rows of `table` whose date `on` lies between them name partitions.
    """

    column: str
    table: str | None = None
    on: str | None = None


Rule = Named | Looked | Between


@dataclass(frozen=True)
class Partition:
    """A table's partitions: the value of `column`, or the year, month or day it lies in.

    `rules` by upstream table: a changed row names what each of them names.
    """

    column: str
    by: str
    rules: Mapping[str, tuple[Rule, ...]]

    def of(self, expression: str) -> str:
        """The partition of a value, as SQL: the first day of its year or month, else the value itself."""
        if self.by in ("year", "month"):
            return f"CAST(date_trunc('{self.by}', {expression}) AS DATE)"
        return f"CAST({expression} AS DATE)" if self.by == "day" else expression

    def ends(self, value: str) -> str:
        """The first day after a partition, as SQL over its first day."""
        return f"CAST({value} + INTERVAL 1 {self.by} AS DATE)"


def read_partition(name: str, given: Mapping[str, Any], columns: tuple[str, ...]) -> Partition:
    """What the contract of `name` says in `[partition]`. Raises InvalidPartition."""
    column, by = given["column"], given.get("by", "month")
    if column not in columns or by not in (*UNITS, "value"):
        raise InvalidPartition(
            f"partition of {name}: `{column}` by `{by}`: a column of it, by {', '.join(UNITS)} or value"
        )
    rules = {upstream: _read_rules(name, listed) for upstream, listed in given.get("changes", {}).items()}
    for rule in (rule for each in rules.values() for rule in each):
        targets = rule.tables if isinstance(rule, Looked) else (rule.table,) if isinstance(rule, Between) else ()
        missing = [target for target in targets if target is not None and target not in rules]
        if missing:
            raise InvalidPartition(f"partition of {name}: looks in {', '.join(missing)}, which has no rule of its own")
        if isinstance(rule, Between) and by == "value" and rule.table is None:
            raise InvalidPartition(f"partition of {name}: `between` by value needs `in` and `on`")
    return Partition(column, by, rules)


def _read_rules(name: str, given: Any) -> tuple[Rule, ...]:
    return tuple(_read_rule(name, each) for each in (given if isinstance(given, list) else [given]))


def _read_rule(name: str, given: Any) -> Rule:
    if isinstance(given, str):
        return Named(given)
    if {"key", "in"} <= given.keys() <= {"key", "in", "as", "since"}:
        since = tuple(given["since"]) if "since" in given else None
        return Looked(_listed(given["key"]), _listed(given.get("as", given["key"])), _listed(given["in"]), since)
    if "between" in given and given.keys() <= {"between", "in", "on"}:
        return Between(given["between"], given.get("in"), given.get("on"))
    raise InvalidPartition(f"partition of {name}: {given!r} is no rule: an expression, a list, key and in, or between")


def _listed(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
