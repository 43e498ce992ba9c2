"""The rules that hold back, in groups of which each can be looked at alone: what they read, and by which words.

Rows are held by their own table, so its rules are a group; store-days and pairs may be held by rules of several tables.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from expectations.check import Check, Held, Waiver
from expectations.rules import holding_rules
from warehouse.transformations import Transformation, read_select

# a row that a rule finds by more than the row itself and what it points at is not found by looking at changed rows
FURTHER = re.compile(r"\b(GROUP BY|OVER|DISTINCT|HAVING|LIMIT|UNION|EXISTS)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    """Rules of one kind (those that hold rows: of one table), and what they read."""

    kind: Held
    checks: tuple[Check, ...]
    selects: tuple[Transformation, ...]

    @property
    def table(self) -> str:
        """The table whose rows they hold, `raw.stores`; of other kinds that of the first."""
        return self.checks[0].table

    @property
    def upstream(self) -> tuple[str, ...]:
        """The tables that they read, `raw.stores`."""
        return tuple(sorted({name for each in self.selects for name in each.upstream}))

    def columns_read(self, upstream: str, columns: tuple[str, ...]) -> list[str]:
        """Of the columns of a table those that may matter to one of the rules."""
        read = {
            name for each in self.selects if upstream in each.upstream for name in each.columns_read(upstream, columns)
        }
        return [name for name in columns if name in read]

    @property
    def is_by_row(self) -> bool:
        """Whether a changed row of the table changes nothing of what is held of its other rows."""
        texts = (each.sql for each in self.selects)
        return self.kind == "rows" and all(
            len(re.findall(rf"\b{self.table}\b", text)) == 1 and not FURTHER.search(text) for text in texts
        )

    def words(self, waivers: Sequence[Waiver]) -> str:
        """All that is said here and by waivers, as text: what was found by other words is no longer known."""
        names = {(check.table, check.name) for check in self.checks}
        spoken = sorted(repr(each) for each in waivers if (each.table, each.check) in names)
        return "\n".join([*(f"{check.name}: {check.failing}" for check in self.checks), *spoken])


@lru_cache(maxsize=1)
def holding() -> tuple[Rules, ...]:
    """All that hold back."""
    found: dict[tuple[Held, str], list[Check]] = {}
    for check in holding_rules():
        assert check.holds_back is not None, "each of them holds something back"
        found.setdefault((check.holds_back, check.table if check.holds_back == "rows" else ""), []).append(check)
    return tuple(
        Rules(kind, tuple(checks), tuple(read_select(each.table, each.name, _over_table(each)) for each in checks))
        for (kind, _), checks in found.items()
    )


def _over_table(check: Check) -> str:
    return re.sub(r"\bbatch\b", f"lake.{check.table}", check.failing)
