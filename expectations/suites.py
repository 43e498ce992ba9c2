"""The suite of each table: shape from its contract, then its business rules. What a run checks is listed here."""

from __future__ import annotations

from functools import cache, lru_cache

from expectations.check import Suite
from expectations.rules import read_rules
from expectations.shape import shape_checks
from warehouse.contracts import contract, contracts

# without these there is nothing to report on, whatever else a chain may lack
NEVER_EMPTY = {f"{schema}.{table}" for schema in ("raw", "staging") for table in ("chain", "stores", "products")}

# the extract's own note, and what `ims backtest` writes: in no run, and after it
OF_NO_RUN = {
    "raw.extract_state",
    *(f"outputs.backtest{part}" for part in ("", "_ablation", "_edits", "_lost_sales")),
}


@lru_cache(maxsize=1)
def checked_tables() -> tuple[str, ...]:
    """Every table with a suite: all that have a contract, but what no run makes and what the checks made."""
    agreed = {each.name for schema in ("raw", "staging", "marts", "outputs") for each in contracts(schema)}
    return tuple(sorted(agreed - OF_NO_RUN))


@cache
def suite(table: str) -> Suite:
    """The suite of `schema.table`. Raises UnknownTable for a table without a contract."""
    empty_when, rules = read_rules().get(table, (None, ()))
    if empty_when is None and table.split(".")[0] in ("raw", "staging") and table not in NEVER_EMPTY:
        empty_when = "The chain has no such records."
    return Suite(table, (*shape_checks(contract(table)), *rules), empty_when)
