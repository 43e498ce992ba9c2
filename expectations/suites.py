"""The suite of each table: shape from its contract, then its business rules. What a run checks is listed here."""

from __future__ import annotations

from functools import cache, lru_cache

from expectations.check import Suite
from expectations.rules import read_rules
from expectations.shape import shape_checks
from warehouse.contracts import contract, contracts


@lru_cache(maxsize=1)
def checked_tables() -> tuple[str, ...]:
    """Every table with a suite: all marts and outputs, and what else has rules."""
    agreed = {each.name for schema in ("marts", "outputs") for each in contracts(schema)}
    return tuple(sorted(agreed | set(read_rules())))


@cache
def suite(table: str) -> Suite:
    """The suite of `schema.table`. Raises UnknownTable for a table without a contract."""
    empty_when, rules = read_rules().get(table, (None, ()))
    return Suite(table, (*shape_checks(contract(table)), *rules), empty_when)
