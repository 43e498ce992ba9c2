"""What a run is told to build anew though nothing in it has changed: everything, or days and stores (a backfill)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from warehouse.contracts import Contract
from warehouse.lake import literal


@dataclass(frozen=True)
class Rebuild:
    """`is_full` reads and builds everything; else rows from `first_on` to `last_on`, both included, of `stores`.

    What is not given is no limit.

    A table without a day of its own is rebuilt for every day, one without a store for every store.
    """

    is_full: bool = False
    first_on: dt.date | None = None
    last_on: dt.date | None = None
    stores: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Rebuild()

    def condition(self, table: Contract) -> str:
        """The rows of `table` that are built anew, as SQL."""
        parts = []
        if table.partition is not None and table.partition.day is not None:
            column = table.partition.day
            parts += [f"{column} >= DATE '{self.first_on}'"] if self.first_on else []
            parts += [f"{column} <= DATE '{self.last_on}'"] if self.last_on else []
        if self.stores and "store_code" in table.column_names:
            listed = ", ".join(literal(code) for code in self.stores)
            parts.append(f"store_code IN ({listed})")
        return " AND ".join(parts) or "TRUE"
